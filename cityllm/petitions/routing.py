"""Whose hands a petition goes to: by itself, to a person, or to a person at once.

Nothing goes by itself unless the classifier's line says from which confidence, and that line is
only open where it was calibrated on the city's own rows. A report of wrongdoing, a risk, a matter
that may be another procedure's, and a complaint about the office itself always go to a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cityllm.petitions.calibrate import Line
from cityllm.petitions.record import Ground, Jurisdiction, Labels, Risk, Route
from cityllm.petitions.wrongdoing import is_secret

RISKS: dict[Risk, str] = {"life": "可能危及生命安全", "self_harm": "可能自伤、轻生", "minors": "涉及未成年人安全",
                          "group": "群体性或扬言聚集"}
ELSEWHERE: dict[Jurisdiction, str] = {
    "court": "可能应当走诉讼", "arbitration": "可能应当走仲裁", "reconsideration": "可能应当走行政复议等行政程序",
    "discipline": "属于纪检监察机关受理的检举控告", "petition": ""}


class Labeller(Protocol):
    """A classifier as the batch needs it."""

    def labels(self, texts: Sequence[str], districts: Sequence[str] | None = None) -> list[Labels]:
        """One value for each text, in order; `districts` say where, as far as it is known."""

    def grounds(self, texts: Sequence[str], labels: Sequence[Labels],
                districts: Sequence[str]) -> list[tuple[Ground, ...]]:
        """Why each of these labels was given to its text."""


def choose(labels: Labels, line: Line, conduct: Sequence[str] = (),
           named: Sequence[str] = ()) -> tuple[Route, str]:
    """The route and, unless it is automatic, why. `conduct`: words about an office's behaviour;
    `named`: people in an office that the text names."""
    if labels.risks:
        return "urgent", "；".join(RISKS[risk] for risk in labels.risks)
    if is_secret(labels):
        return "review", "检举控告：不转给被检举的单位或个人，由人决定去向"
    if labels.jurisdiction != "petition":
        return "review", ELSEWHERE[labels.jurisdiction]
    if named:
        return "review", f"点名提到（{'、'.join(named[:2])}），先由人看是否检举控告，暂不定承办单位"
    if labels.suspected:
        return "review", "可能是检举控告，先由人看，暂不定承办单位"
    if conduct:
        return "review", f"反映了单位或人员的作风（{'、'.join(conduct[:3])}），可能正是拟转单位"
    if not labels.department:
        return "review", "责任清单里没有找到承办单位"
    if line.threshold is None:
        return "review", line.why
    if labels.confidence < line.threshold:
        return "review", f"把握 {labels.confidence:.2f} 低于自动线 {line.threshold:.2f}"
    return "auto", ""
