"""Masking of personal data: laws over made-up numbers, and what has to stay as it is."""

from __future__ import annotations

import string
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityllm.safety.checksums import CREDIT, bank_card, credit_code, resident_id
from cityllm.safety.pii import MARKS, mask, mask_all

DIGITS = "0123456789"


def id_number(province: str, born: str, serial: str) -> str:
    first = f"{province}0102{born}{serial}"
    return next(first + last for last in "0123456789X" if resident_id(first + last))


def luhn(first: str) -> str:
    return next(first + last for last in DIGITS if bank_card(first + last))


def credit(first: str) -> str:
    return next(first + last for last in CREDIT if credit_code(first + last))


phones = st.tuples(st.sampled_from("3456789"), st.text(DIGITS, min_size=9, max_size=9),
                   st.sampled_from(["{0}{1}{2}", "{0}-{1}-{2}", "{0} {1} {2}",
                                    "+86{0}{1}{2}"])).map(
    lambda t: t[2].format("1" + t[0] + t[1][0], t[1][1:5], t[1][5:]))
ids = st.builds(id_number, st.sampled_from(["11", "31", "33", "43", "65"]),
                st.dates(date(1930, 1, 1), date(2020, 1, 1)).map(
                    lambda day: day.strftime("%Y%m%d")),
                st.text(DIGITS, min_size=3, max_size=3))
cards = st.text(DIGITS, min_size=15, max_size=18).map(lambda t: luhn("62" + t[2:]))
credits = st.tuples(st.sampled_from(["91", "92", "12", "52"]),
                    st.text(DIGITS, min_size=6, max_size=6),
                    st.text(CREDIT, min_size=9, max_size=9)).map(lambda t: credit("".join(t)))
plates = st.tuples(st.sampled_from("京沪湘粤浙"), st.sampled_from("ABCDE"),
                   st.text("0123456789ABCDEFGHJK", min_size=4, max_size=5).map(lambda t: t + "7"),
                   st.sampled_from(["", "·", " "])).map(lambda t: t[0] + t[1] + t[3] + t[2])
emails = st.tuples(st.text(string.ascii_lowercase, min_size=3, max_size=9),
                   st.sampled_from(["qq.com", "163.com", "city.example.cn"])).map("@".join)
wechats = st.text(string.ascii_letters + "_", min_size=5, max_size=9).map(lambda t: "w" + t)
names = st.builds("".join, st.tuples(st.sampled_from("王李张刘陈杨赵周吴徐孙朱胡郭何罗"),
                                     st.sampled_from("建国秀英志强丽华桂兰海涛晓燕"),
                                     st.sampled_from(["", *"军敏静磊勇艳杰娟涛超"])))
rooms = st.builds("{}栋{}单元{}室".format, st.integers(1, 60), st.integers(1, 6),
                  st.integers(101, 3301))
SPOKEN = {"name": "我叫{}，", "phone": "电话{}。", "id": "证件{}，", "plate": "车牌{}，", "card": "汇到{}。",
          "credit": "公司代码{}；", "email": "信箱 {} 收信，", "wechat": "微信号：{}。",
          "address": "住阳光小区{}，"}
pieces = st.one_of(*(made.map(lambda value, kind=kind: (kind, value)) for kind, made in {
    "name": names, "phone": phones, "id": ids, "plate": plates, "card": cards, "credit": credits,
    "email": emails, "wechat": wechats, "address": rooms}.items()))


@settings(max_examples=150, deadline=None)
@given(st.lists(pieces, min_size=1, max_size=5))
def test_nothing_of_a_masked_stretch_survives_and_masking_twice_is_masking_once(
        told: list[tuple[str, str]]) -> None:
    text = "尊敬的领导：" + "路灯坏了，".join(SPOKEN[kind].format(value) for kind, value in told)
    masked = mask(text)
    for kind, value in told:
        assert value not in masked.text
        assert any(text[f.start:f.end].strip() == value for f in masked.found), (kind, masked)
    assert mask(masked.text) == type(masked)(masked.text, ())
    assert [f.start for f in masked.found] == sorted(f.start for f in masked.found)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="王建国先生李局长住0123456789-号路栋单元室电话：，。 A湘@a.微信x〔〕共元村组\n", max_size=60))
def test_masking_any_text_twice_is_masking_once(text: str) -> None:
    once = mask(text)
    assert mask(once.text).text == once.text
    rebuilt, position = [], 0
    for found in once.found:
        rebuilt += [text[position:found.start], MARKS[found.kind]]
        position = found.end
    assert "".join([*rebuilt, text[position:]]) == once.text


@pytest.mark.parametrize("text", [
    "根据《信访工作条例》第二十二条、第23条第3款和国发〔2022〕3号文，请答复。",
    "《杭州市物业管理条例》第六十四条之一", "合同总价13812345678元，已付￥62220210.00元，还欠15万元。",
    "2019年12月26日21:44:13起停水，2020-01-06恢复，20200106有通知。",
    "请市住房和城乡建设局、岳麓区人民政府、洋湖街道办事处、公安局、卫生局局长、城管队长、管委会主任答复。",
    "我打过12345热线和110、119，没有人管。", "地铁5号线万家丽路站3号口", "小区共28栋楼房、1200户，绿化率35.5%。",
    "本人于2019年3月在高新区购房，方便时请回复。", "由于时间关系，经常停水，任何人都没有办法。",
    "面积12000㎡，容积率2.5，GB 50352-2019。", "（2019）湘0102民初1234号判决书", "谢谢书记和市长！",
    "常务副市长、文化局局长、第三方经理、环卫师傅都来过。", "每月工资4500元，拖欠3个月共13500元。",
    "公交202路、旅2路改线；门面A区3期", "项目编号 4301022019031200456789012"])
def test_laws_amounts_dates_and_offices_stay(text: str) -> None:
    assert mask(text).text == text


@pytest.mark.parametrize(("text", "gone", "stays"), [
    ("岳麓区麓山南路123号阳光小区3栋2单元501室", ["123号", "3栋", "501"], ["岳麓区麓山南路", "阳光小区"]),
    ("我家在幸福里6幢1321室", ["6幢", "1321"], ["幸福里"]),
    ("长寿路1234弄56号301室", ["1234", "56", "301"], ["长寿路"]),
    ("黄花镇大兴村12号", ["12号"], ["黄花镇大兴村"]), ("阳光小区3-2-501", ["3-2-501"], ["阳光小区"]),
    ("座机0731-8888 8888转12", ["8888"], ["座机"]), ("联系电话：88887777", ["8888"], ["联系电话"]),
    ("手机１３８１２３４５６７８", ["１３８", "５６７８"], ["手机"]), ("138****5678", ["138", "5678"], []),
    ("身份证号：430102199003071230", ["430102"], ["身份证号"]), ("QQ：123456789", ["1234"], ["QQ"]),
    ("联系人：欧阳建国、王芳，", ["欧阳", "建国", "王芳"], ["联系人"]),
    ("村主任张建国贪污低保，张建国还打人", ["张建国"], ["村主任", "贪污低保", "还打人"]),
    ("业主张三反映漏水", ["张三"], ["业主", "反映漏水"]), ("物业经理吴云缙拒绝", ["吴云缙"], ["物业经理", "拒绝"]),
    ("我叫王建国。被打的是赵秀英、王建国、谢澜和钱勇。", ["王建国", "赵秀英", "谢澜"], ["被打的是"]),
    ("李先生和彭某都可作证", ["李", "彭某"], ["先生", "都可作证"]), ("请胡书记过问", ["胡"], ["书记过问"]),
    ("此致敬礼\n王秀英\n2020年1月2日", ["王秀英"], ["2020年1月2日"]),
    ("户名王丽，卡号6222 0210 0111 6245 702", ["6222", "王丽"], ["卡号"])])
def test_shapes(text: str, gone: list[str], stays: list[str]) -> None:
    masked = mask(text).text
    assert [part for part in gone if part in masked] == []
    assert [part for part in stays if part not in masked] == []


def test_a_name_known_from_one_field_goes_from_all() -> None:
    title, text = mask_all(["关于王建国被打一事", "我是当事人王建国，昨日被打。"])
    assert "王建国" not in title.text + text.text
    assert "关键字" in mask("关键字和诸葛明", ["诸葛明"]).text
    assert "诸葛明" not in mask("关键字和诸葛明", ["诸葛明"]).text


@given(ids)
def test_an_id_with_one_wrong_digit_fails_its_check(number: str) -> None:
    wrong = number[:14] + DIGITS[(int(number[14]) + 1) % 10] + number[15:]
    assert resident_id(number)
    assert not resident_id(wrong)


@given(cards, credits)
def test_other_check_digits(card: str, code: str) -> None:
    assert bank_card(card)
    assert not bank_card(card[:-1] + DIGITS[(int(card[-1]) + 1) % 10])
    assert credit_code(code)
    assert not credit_code(code[:-1] + CREDIT[(CREDIT.index(code[-1]) + 1) % 31])


def test_check_digits_of_published_examples() -> None:
    assert resident_id("11010519491231002X")  # GB 11643-1999, the standard's own example
    assert bank_card("4111111111111111")
    assert not bank_card("0000000000000000")
    assert credit_code("91350100M000100Y43")  # GB 32100-2015, the standard's own example
