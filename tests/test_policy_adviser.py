"""The chat's tool of policies: what is told of an enterprise, and when the tool is offered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from fakes import PairSearch

from cityllm.agent.grounding import ground
from cityllm.agent.policy_tool import NAME
from cityllm.agent.retriever import DIMS, ToolRetriever
from cityllm.agent.specs import SPECS
from cityllm.agent.toolbox import Toolbox
from cityllm.agent.verify import Facts
from cityllm.config import ROOT
from cityllm.corpus.digests import sync_pack
from cityllm.corpus.ledger import Ledger
from cityllm.errors import ToolProblem
from cityllm.evidence import RuleTraceEvidence
from cityllm.messages import Language
from cityllm.policies.adviser import Heard, PolicyAdviser
from cityllm.policies.evaluate import Result
from cityllm.policies.ruleset import RuleSet
from cityllm.policies.service import PolicyService
from cityllm.policies.topics import Topics

PACK = ROOT / "rag_corpus"
TODAY = date(2026, 11, 25)
SPEC = next(spec for spec in SPECS if spec.name == NAME)


@pytest.fixture(scope="module")
def service() -> PolicyService:
    return PolicyService(RuleSet.load(PACK))


@pytest.fixture
def adviser(service: PolicyService) -> PolicyAdviser:
    def read(text: str, day: date, language: Language) -> Heard:
        places = [place for place in ("北京市/海淀区", "浙江省/杭州市") if place[-3:] in text]
        told = service.rules.dictionary.read({"region": places[-1]} if places else {})
        return told, [f"{column} = {value}" for column, value in told.values.items()]

    return PolicyAdviser(service, read)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    folder = tmp_path_factory.mktemp("adviser")
    with Ledger.open(folder / "ledger.sqlite", PACK / "status.yaml") as opened:
        sync_pack(opened, PACK)
        yield opened


def test_without_a_word_of_an_enterprise_nothing_is_met(adviser: PolicyAdviser,
                                                        service: PolicyService) -> None:
    trace = adviser.advise(["我们公司能享受什么政策"], TODAY)
    assert trace.rule == NAME
    assert trace.values["eligible"].text == "0"
    counted = sum(int(trace.values[one].text) for one in ("eligible", "unknown", "not_eligible"))
    assert counted == len(service.rules.policies)
    assert trace.steps[-1].startswith("先补一项：")


def test_the_policy_asked_about_is_told_clause_by_clause(adviser: PolicyAdviser,
                                                         service: PolicyService) -> None:
    trace = adviser.advise(["想申请知识产权质押贷款贴息，需要满足什么条件"], TODAY)
    policy = service.rules.get("bj-ip-pledge-interest")
    assert trace.values["first"].text == policy.title.zh
    told = "\n".join(trace.steps)
    assert all(clause.zh in told for clause in policy.clauses)
    assert "有效期未确认" in trace.steps[0]
    english = adviser.advise(["What is needed for the trade fair booth support?"], TODAY, "en")
    assert english.values["first"].text == service.rules.get("bj-trade-fair-booths").title.en


def test_what_was_said_earlier_counts_and_the_newest_value_wins(adviser: PolicyAdviser) -> None:
    trace = adviser.advise(["我们在海淀区", "不对，在杭州市，能享受什么"], TODAY)
    assert trace.steps[:2] == ["region = 北京市/海淀区", "region = 浙江省/杭州市"]
    before = adviser.advise(["我们在海淀区", "能享受什么"], TODAY)
    assert int(trace.values["not_eligible"].text) > int(before.values["not_eligible"].text)


def test_what_fits_most_comes_before_what_merely_lacks_little(
        adviser: PolicyAdviser, service: PolicyService) -> None:
    trace = adviser.advise(["我们在海淀区，能拿什么补贴"], TODAY)
    ids = [line.split("  ")[0] for line in trace.steps]
    shown = [one for one in ids if one in service.rules.policies]
    enterprise = service.rules.dictionary.read({"region": "北京市/海淀区"})
    found = [service.one(one, enterprise, TODAY).result for one in shown]
    open_ = [one for one in found if one.verdict == "unknown"]
    assert any(clause.met for clause in open_[0].clauses)
    waiting = [one.result for one in service.match(enterprise, TODAY).matches
               if one.result.verdict == "unknown"]

    def remote(one: Result) -> float:
        rare = sum(1 / sum(column in other.missing for other in waiting) for column in one.missing)
        return rare / (1 + sum(clause.met is True for clause in one.clauses))

    apart = [remote(one) for one in open_]
    assert apart == pytest.approx(sorted(apart))


def test_a_narrow_trade_does_not_stand_before_what_everybody_is_asked(
        adviser: PolicyAdviser, service: PolicyService) -> None:
    trace = adviser.advise(["开了一家餐馆，能减什么税"], TODAY)
    first = service.rules.get(trace.steps[0].split("  ")[0]).id
    order = [one.id for one in service.match(service.rules.dictionary.read({}), TODAY).matches]
    for narrow in ("deed-tax-barren-land", "vessel-tax-fishing", "env-tax-solid-waste-reuse"):
        assert first != narrow and order.index("sme-procurement-share") < order.index(narrow)


def test_the_models_sentence_stands_beside_policies_of_unconfirmed_validity(
        ledger: Ledger, adviser: PolicyAdviser) -> None:
    asked = "我们在海淀区，能拿什么补贴"
    trace = adviser.advise([asked], TODAY).model_copy(update={"id": "E1"})
    assert any("有效期未确认" in step for step in trace.steps)
    said = ground("能认定符合的{E1.eligible}，还缺信息的{E1.unknown}，先看{E1.first}：",
                  Facts([trace], asked, ledger.resolve, ledger.mentioned), asked, "zh")
    assert said.removed == [] and said.text.startswith("能认定符合的0 项")


def test_a_misspelt_field_is_answered_with_near_names_only(service: PolicyService) -> None:
    near = service.rules.dictionary.near
    assert near("regoin") == ["region"]
    assert near("emploees")[0] == "employees"
    assert near("注册地址") == ["region"] and near("xyzzy") == []


def test_a_general_question_is_about_no_policy(service: PolicyService) -> None:
    topics = Topics(service.rules)
    assert topics.about("我们公司能享受什么政策") == []
    assert topics.about("What can my company get?") == []
    assert topics.about("国外商标注册有资助吗")[0] == "bj-foreign-trademarks"


def test_the_tool_points_at_the_description_and_its_trace_is_evidence(
        ledger: Ledger, adviser: PolicyAdviser) -> None:
    box = Toolbox(ledger, PairSearch(ledger), adviser=adviser)
    asked = "我们公司在海淀区做软件开发已经有好几年了，能享受什么政策"
    bound = box.bind(SPEC, asked)
    assert bound is not None
    head = bound.properties["text"]["examples"][-1]
    session = box.session(date(2019, 12, 31), TODAY, "zh", [asked])  # a year named dates figures
    shown = session.call(SPEC, {"text": head})
    assert shown.startswith("[E1] match_policies eligible=")
    (trace,) = session.evidence
    assert isinstance(trace, RuleTraceEvidence) and trace.steps[0] == "region = 北京市/海淀区"
    said = ground("还缺信息的{E1.unknown}。", Facts(session.evidence, asked, ledger.resolve,
                                             ledger.mentioned), asked, "zh")
    assert trace.values["unknown"].shown() in said.text
    assert trace.steps == adviser.advise([asked], TODAY).steps
    assert all(step.strip() in said.text for step in trace.steps)


def test_it_is_not_offered_without_policies_nor_by_a_retriever_that_never_saw_it(
        ledger: Ledger, adviser: PolicyAdviser) -> None:
    asked = "我们公司能享受什么政策"
    bare = Toolbox(ledger, PairSearch(ledger))
    assert bare.bind(SPEC, asked) is None
    with pytest.raises(ToolProblem, match="没有装惠企政策"):
        bare.session(TODAY, TODAY, "zh", [asked]).call(SPEC, {"text": asked})
    old = ToolRetriever(np.zeros((2, DIMS), np.float32), np.zeros(2, np.float32),
                        ["calculate", "search_regulations"])
    narrowed = Toolbox(ledger, PairSearch(ledger), old, adviser=adviser)
    assert [spec.name for spec in narrowed.offer(asked)] == ["search_regulations"]
    whole = Toolbox(ledger, PairSearch(ledger), adviser=adviser)
    assert NAME in [spec.name for spec in whole.offer(asked)]


def test_a_pack_without_policies_has_no_adviser(tmp_path: Path) -> None:
    from app import policy_adviser, policy_service
    from cityllm.config import load_settings

    bare, shipped = (policy_service(load_settings({"CITYLLM_PACK": str(pack)}))
                     for pack in (tmp_path, PACK))
    assert policy_adviser(bare) is None
    assert policy_adviser(shipped) is not None
