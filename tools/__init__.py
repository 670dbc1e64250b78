"""Plain functions with units. Nothing here knows of language models or imports cityllm.

calculate(expression)                                     exact arithmetic with units
legal_deadline(start, period)                             last day of a legal period
query_city_data(query, sql)                               published city figures, with sources
traffic_scenario(close, demand_percent, plate_restriction)  before and after on a sample district
"""

from __future__ import annotations


class ToolInputError(Exception):
    """The input can be mended: the message says what was wrong, what is allowed, what to do next.

    Every other exception that leaves a tool is a failure of the tool.
    """

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh}\n{en}")
        self.zh = zh
        self.en = en
