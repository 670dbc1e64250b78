"""What people write about their firm, read into fields: 90 sentences, precision first."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityllm.config import ROOT
from cityllm.policies.fields import Dictionary
from cityllm.policies.reading import heard, read_text

WORDS = Dictionary.load(ROOT / "rag_corpus")
DAY = date(2026, 11, 25)

SAID: list[tuple[str, dict[str, Any]]] = [
    ("我们是海淀区的高新技术企业，去年营收2000万",
     {"region": "北京市/海淀区", "high_tech": True, "revenue@2025": "2000万"}),
    ("我们是海淀的科技公司，能拿什么补贴", {"region": "北京市/海淀区"}),
    ("我们公司在昌平，去年营收2000万元", {"region": "北京市/昌平区", "revenue@2025": "2000万"}),
    ("我在滨江开了家公司", {"region": "浙江省/杭州市/滨江区"}),
    ("我们是海淀区的高新技术企业，去年营收2000万元，研发投入300万元。",
     {"region": "北京市/海淀区", "high_tech": True, "revenue@2025": "2000万", "rd_spend@2025": "300万"}),
    ("公司位于北京市昌平区，员工28人", {"region": "北京市/昌平区", "employees": "28"}),
    ("公司在杭州市余杭区，有35名员工，是科技型中小企业",
     {"region": "浙江省/杭州市/余杭区", "employees": "35", "sme_tech": True}),
    ("我们公司在上海浦东新区，不是高新技术企业", {"region": "上海市/浦东新区", "high_tech": False}),
    ("注册地：北京市丰台区；注册资本1000万元；2021年3月15日成立",
     {"region": "北京市/丰台区", "registered_capital": "1000万", "established": "2021-03-15"}),
    ("成立于2019年5月6日，员工总数120人", {"established": "2019-05-06", "employees": "120"}),
    ("我司2018-07-01注册，2024年营业收入1.5亿元",
     {"established": "2018-07-01", "revenue@2024": "1.5亿"}),
    ("2024年营收1600万元，2025年营收2000万元。",
     {"revenue@2024": "1600万", "revenue@2025": "2000万"}),
    ("前年营业额800万元，去年营业额两千万元",
     {"revenue@2024": "800万", "revenue@2025": "2000万"}),
    ("上一年度净利润50万元", {"net_profit@2025": "50万"}),
    ("上年研发费用是1,200,000元", {"rd_spend@2025": "1200000"}),
    ("2025年度研发经费支出三百万元", {"rd_spend@2025": "300万"}),
    ("去年营收大约3000万元", {"revenue@2025": "3000万"}),
    ("资产总额5000万元，从业人员300人", {"total_assets": "5000万", "employees": "300"}),
    ("我们没有高新技术企业证书", {"high_tech": False}),
    ("还没有被认定为专精特新中小企业", {"specialised_sme": False}),
    ("我们已获得国家级专精特新小巨人企业称号", {"little_giant": True}),
    ("我们是专精特新企业", {"specialised_sme": True}),
    ("是中关村高新技术企业", {"zgc_high_tech": True}),
    ("我们是国家高新技术企业，也是创新型中小企业", {"high_tech": True, "innovative_sme": True}),
    ("拥有发明专利5件，软件著作权12项", {"invention_patents": "5", "software_copyrights": "12"}),
    ("我们有3项发明专利和8项实用新型专利", {"invention_patents": "3", "utility_patents": "8"}),
    ("研发人员15人", {"rd_staff": "15"}),
    ("公司有员工五十人，其中研发人员二十人", {"employees": "50", "rd_staff": "20"}),
    ("我们是小规模纳税人", {"vat_taxpayer": "small"}),
    ("公司是增值税一般纳税人，纳税信用A级", {"vat_taxpayer": "general"}),
    ("我是个体户", {"entity": "household"}),
    ("我们是一家软件公司", {"industry": "I65"}),
    ("去年营收800万，15个人，杭州的软件公司，能拿什么",
     {"revenue@2025": "800万", "employees": "15", "region": "浙江省/杭州市", "industry": "I65"}),
    ("开了家小餐馆，雇了五个人", {"industry": "H62", "employees": "5"}),
    ("在海淀开咖啡馆的，团队8人", {"region": "北京市/海淀区", "industry": "H62", "employees": "8"}),
    ("给软件公司做保洁，我们一共30人", {"employees": "30"}),
    ("我们公司从事集成电路设计", {"industry": "I652"}),
    ("主营餐饮", {"industry": "H62"}),
    ("我们是天河区的一家软件企业", {"region": "广东省/广州市/天河区", "industry": "I65"}),
    ("没有列入经营异常名录", {"abnormal_list": False}),
    ("公司不是失信被执行人，没有欠税", {"dishonest": False, "tax_arrears": False}),
    ("被列入经营异常名录", {"abnormal_list": True}),
    ("具有独立法人资格", {"legal_person": True}),
    ("我们是规上企业", {"above_scale": True}),
    ("实缴资本500万元", {"paid_in_capital": "500万"}),
    ("去年出口额2亿元", {"exports@2025": "2亿"}),
    ("去年纳税100万元", {"taxes_paid@2025": "100万"}),
    ("2025年固定资产投资4500万元", {"fixed_investment@2025": "4500万"}),
    ("贷款余额800万元", {"loan_principal": "800万"}),
    ("残疾职工4人", {"disabled_employees": "4"}),
    ("高新技术企业，海淀区注册，去年营收2000w", {"high_tech": True, "region": "北京市/海淀区",
                                                  "revenue@2025": "2000万"}),
    ("我们是海淀区的高新技术企业能享受什么政策？",
     {"region": "北京市/海淀区", "high_tech": True}),
    # nothing plain is said
    ("想开家餐馆，补贴多少", {}), ("隔壁开了家餐馆，5个人", {}), ("客户有120人", {}), ("裁了15个人", {}),
    ("我们想招15个人", {}), ("三个大学同学合伙", {}), ("我们公司二十来个人", {}), ("开餐馆用品店的", {}),
    ("高新技术企业有什么优惠？", {}),
    ("怎样才能成为高新技术企业", {}),
    ("我们想申请高新技术企业", {}),
    ("我们正在申报专精特新", {}),
    ("我们是不是高新技术企业？", {}),
    ("如果我们是高新技术企业，能拿多少钱", {}),
    ("我们的客户是高新技术企业", {}),
    ("母公司是上市公司，去年营收20亿元", {}),
    ("以前是高新技术企业", {}),
    ("高新技术企业证书已经过期", {}),
    ("营收2000万", {}),
    ("今年营收1000万元", {}),
    ("明年预计营收5000万元", {}),
    ("去年营收超过2000万元", {}),
    ("去年营收2000多万", {}),
    ("去年营收不到500万元", {}),
    ("去年营收1000万到2000万元", {}),
    ("去年营收1000-2000万元", {}),
    ("去年营收增长2000万元", {}),
    ("去年营收增长20%", {}),
    ("去年利润300万元", {}),
    ("去年营收300万美元", {}),
    ("去年月均营收200万元", {}),
    ("去年上半年营收200万元", {}),
    ("员工近百人", {}),
    ("员工50人以上", {}),
    ("员工几十人", {}),
    ("去年新招员工10人", {}),
    ("裁员20人", {}),
    ("成立三年了", {}),
    ("2019年成立", {}),
    ("2021年2月30日成立", {}),
    ("2030年1月1日成立", {}),
    ("我们在朝阳区", {}),
    ("我们在海淀区有分公司", {}),
    ("我们在海淀有分公司", {}),
    ("我们是光明公司", {}),
    ("我们公司在海淀黄庄大街开店", {}),
    ("客户在杭州", {}),
    ("产品卖到北京和上海", {}),
    ("不在海淀区", {}),
    ("我们毕业于北京大学", {}),
    ("我们是小微企业", {}),
    ("我们不做餐饮", {}),
    ("注册资本1000万元，注册资本2000万元", {}),
    ("不能说我们没有高新技术企业证书", {}),
    ("潜在独角兽企业", {}),
    ("政策要求员工300人以下", {}),
    ("我们有两个员工是残疾人", {}),
    ("2023年取得高新技术企业证书，有效期三年", {}),
    ("我们去年没有通过高新技术企业认定", {}),
    ("我们去年被认定为高新技术企业", {"high_tech": True}),
    ("我公司于2022年8月18日在海淀区成立，系科技型中小企业，2024年度研发费用投入65.5万元",
     {"established": "2022-08-18", "sme_tech": True, "rd_spend@2024": "65.5万"}),
    ("公司地址在北京市石景山区古城南街9号", {"region": "北京市/石景山区"}),
    ("公司总部在上海，我们是杭州分公司", {}),
    ("我们已经从北京市海淀区搬到昌平区", {}),
    ("去年我们给员工发了28万元奖金", {}),
    ("贵区的高新技术企业是不是都能享受", {}),
    ("2025年营收20000000.50元", {"revenue@2025": "20000000.50"}),
    ("你好", {}), ("", {}),
]


@pytest.mark.parametrize(("text", "expected"), SAID, ids=[text for text, _ in SAID])
def test_what_is_read(text: str, expected: dict[str, Any]) -> None:
    assert {one.column: one.value for one in read_text(text, DAY, WORDS)} == expected


@pytest.mark.parametrize("text", [text for text, expected in SAID if expected])
def test_each_field_names_its_words_and_the_dictionary_takes_it(text: str) -> None:
    found = read_text(text, DAY, WORDS)
    for one in found:
        assert text[one.start:one.end].strip() and one.end <= len(text)
    WORDS.read({one.column: one.value for one in found})


def test_the_year_before_is_counted_from_the_day() -> None:
    for day, column in ((date(2026, 1, 1), "revenue@2025"), (date(2025, 12, 31), "revenue@2024")):
        [one] = read_text("去年营收2000万元", day, WORDS)
        assert one.column == column
    [about] = read_text("去年营收大约3000万元", DAY, WORDS)
    assert not about.exact


@given(st.text(alphabet="我们是不没有去年营收高新技术企业2000万元员工人，。？海淀区成立于", max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    for one in read_text(text, DAY, WORDS):
        assert 0 <= one.start < one.end <= len(text)


def test_what_is_heard_is_an_enterprise_with_the_words_of_each_field() -> None:
    told, lines = heard("我们是海淀区的高新技术企业，去年营收2000万，想扩大规模", DAY, WORDS)
    assert set(told.values) == {"region", "high_tech", "revenue@2025"}
    assert len(lines) == 3 and any("20,000,000 元" in line and "2000万" in line for line in lines)
    assert heard("有什么补贴", DAY, WORDS) == (WORDS.read({}), [])
    _, english = heard("公司在海淀区", DAY, WORDS, "en")
    assert english[0].startswith("Read: ") and "海淀区" in english[0]
