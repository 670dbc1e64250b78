"""The words by which a field is known in what people write: names of amounts, counts, papers,
kinds and places. Whatever is ambiguous by itself (利润, 小微企业, 朝阳区) is not here."""

from __future__ import annotations

import re

MONEY: tuple[tuple[str, str, bool], ...] = (
    ("main_revenue", "主营业务收入", True),
    ("revenue", "(?<!主营)(?:营业总?收入|营收|营业额|年收入|销售收入|年销售额)", True),
    ("rd_spend", "研发(?:费用|投入|支出|经费)(?:投入|支出)?|研究开发费用", True),
    ("profit", "利润总额", True), ("net_profit", "净利润", True),
    ("taxable_income", "应纳税所得额", True),
    ("taxes_paid", "(?:纳税|缴税|交税|缴纳税款|实缴税款)(?:总?额)?", True),
    ("exports", "出口额|出口总额", True), ("fixed_investment", "固定资产投资", True),
    ("total_assets", "资产总额|总资产", False), ("net_assets", "净资产", False),
    ("registered_capital", "注册资本|注册资金", False),
    ("paid_in_capital", "实缴资本|实缴注册资本", False), ("loan_principal", "贷款余额", False))
"""Column, names, whether it is given by year."""

COUNTS: tuple[tuple[str, str, str], ...] = (
    ("employees", "(?<![技究发疾增招聘发])(?:从业人员|从业人数|员工|职工)", "人|名|个|位"),
    ("rd_staff", "研发人员", "人|名|个|位"), ("tech_staff", "科技人员", "人|名|个|位"),
    ("disabled_employees", "残疾(?:职工|员工)", "人|名|个|位"),
    ("social_insured", "参保人数|社保人数", "人|名|个|位"),
    ("invention_patents", "(?<!国外)发明专利", "件|项|个"),
    ("utility_patents", "实用新型专利|实用新型", "件|项|个"),
    ("software_copyrights", "软件著作权|软著", "件|项|个"))
"""Column, names, measure words."""

CERTIFICATES: tuple[tuple[str, str], ...] = (
    ("zgc_high_tech", "中关村高新技术企业|村高新"),
    ("high_tech", "(?<!中关村)(?:国家级?)?高新技术企业|(?<!村)国高新?企业|国高新(?!企业)|(?<![村提])高新企业|高企"),
    ("sme_tech", "科技型中小企业"), ("innovative_sme", "创新型中小企业"),
    ("little_giant", "(?:国家级)?(?:专精特新)?[“\"「]?小巨人[”\"」]?(?:企业)?"),
    ("specialised_sme", "(?<!国家级)专精特新(?![“\"「]?小巨人)(?:中小企业|企业)?"),
    ("champion", "制造业单项冠军(?:企业)?"), ("unicorn", "(?<![潜准])独角兽企业"),
    ("advanced_service", "技术先进型服务企业"), ("green_factory", "绿色工厂"))
BOOLEANS: tuple[tuple[str, str], ...] = (
    ("dishonest", "失信被执行人|失信记录"), ("abnormal_list", "经营异常名录"),
    ("tax_arrears", "欠税"), ("legal_person", "独立法人资格"),
    ("above_scale", "规上企业|规模以上(?:工业|服务业)?企业"))

CHOICES: tuple[tuple[str, str, str], ...] = (
    ("vat_taxpayer", "小规模纳税人", "small"), ("vat_taxpayer", "(?<!增值税)一般纳税人", "general"),
    ("vat_taxpayer", "增值税一般纳税人", "general"),
    ("sme_size", "(?<!中)小型企业", "small"), ("sme_size", "(?<!小)微型企业", "micro"),
    ("sme_size", "中型企业", "medium"), ("sme_size", "大型企业", "large"),
    ("entity", "个体工商户|个体户", "household"), ("entity", "合伙企业", "partnership"),
    ("entity", "农民专业合作社", "cooperative"), ("entity", "个人独资企业", "sole"),
    *(("tax_credit", f"纳税信用(?:等级|级别|评级)?(?:是|为)?{one}级", one.lower()) for one in "ABMCD"))
"""Column, names, option."""

INDUSTRIES: tuple[tuple[str, str], ...] = (
    ("软件开发|应用软件|软件(?=公司|企业)", "I65"), ("集成电路设计|芯片设计", "I652"),
    ("餐饮", "H62"), ("(?:酒店|民宿|住宿)", "H61"), ("零售", "F52"), ("批发", "F51"),
    ("房地产开发", "K701"), ("物业管理", "K702"), ("汽车制造", "C36"), ("医药制造|制药", "C27"),
    ("食品制造|食品加工", "C14"), ("纺织", "C17"), ("快递", "G60"), ("建筑施工", "E"),
    ("(?<!设备)制造业", "C"))
"""Words and the code of GB/T 4754-2017 that holds all of what they may mean."""

SHOPS: tuple[tuple[str, str], ...] = (
    ("餐馆|餐厅|饭店|饭馆|火锅店|小吃店|面馆|早点铺|咖啡馆|咖啡店|茶馆|奶茶店", "H62"),
    ("民宿|酒店|宾馆|旅馆", "H61"), ("超市|便利店|小卖部|杂货店|药店|服装店|五金店", "F52"),
    ("诊所|医院", "Q84"))
"""What one opens (开了家餐馆) and its code."""
HEADS = "我们?|厂里?|店里?|公司|企业|单位|团队|全公司|全厂|目前|现在|一共|总共|共|就|才|现有|有|雇了?|请了|用工|员工"
"""What may stand before a number of people that is the whole clause."""

DISTRICTS = {
    "北京市": "东城 西城 丰台 石景山 海淀 门头沟 房山 顺义 昌平 大兴 怀柔 平谷 密云 延庆",
    "上海市": "黄浦 徐汇 长宁 静安 虹口 杨浦 闵行 嘉定 松江 青浦 奉贤 崇明",
    "浙江省/杭州市": "上城 拱墅 滨江 萧山 余杭 富阳 临安 临平 钱塘",
    "广东省/广州市": "越秀 天河 番禺 花都 从化", "广东省/深圳市": "福田 罗湖 宝安 龙岗 光明"}
"""Districts whose name alone says which city is meant."""
CITIES = {"杭州": "浙江省/杭州市", "宁波": "浙江省/宁波市", "温州": "浙江省/温州市", "广州": "广东省/广州市",
          "深圳": "广东省/深圳市", "苏州": "江苏省/苏州市", "南京": "江苏省/南京市", "成都": "四川省/成都市",
          "武汉": "湖北省/武汉市", "青岛": "山东省/青岛市", "济南": "山东省/济南市", "郑州": "河南省/郑州市",
          "西安": "陕西省/西安市", "厦门": "福建省/厦门市"}
MUNICIPALITIES = "北京 上海 天津 重庆".split()
_PROVINCES = sorted({path.partition("/")[0][:-1] for path in CITIES.values()})
_OF = {name: f"{city}/{name}区" for city, names in DISTRICTS.items() for name in names.split()}
_BARE = "|".join(f"{name}区" for name in _OF)
_ALONE = "|".join(name for name in _OF if name not in ("东城", "长宁", "光明"))
"""Names that may stand without 区; 东莞 has a 东城, too, 四川 a 长宁, and 光明 is a word."""
_TOWN = "|".join([*CITIES, *MUNICIPALITIES])
PLACES = re.compile(
    rf"(?:(?:{'|'.join(_PROVINCES)})省?)?(?:{_TOWN})市?(?:(?:{'|'.join(_OF)})(?:区)?|"
    rf"[\u4e00-\u9fff]{{1,4}}?(?:新区|区|县)(?!的?别))?|{_BARE}|"
    rf"(?:{_ALONE})(?=的|[，,。；;、！!\s]|$|注册|这边|[开做办租建有])")


def path_of(words: str) -> str | None:
    """海淀区, 北京海淀, 浙江杭州余杭区 as a path; None for a part of no city."""
    if words.removesuffix("区") in _OF:
        return _OF[words.removesuffix("区")]
    match = re.fullmatch(
        rf"(?:(?:{'|'.join(_PROVINCES)})省?)?(?P<town>{_TOWN})市?(?P<part>.*)", words)
    if match is None:
        return None
    city = CITIES.get(match["town"]) or f"{match['town']}市"
    part = match["part"]
    if part and not re.search("[区县]$", part):
        part += "区"
    return f"{city}/{part}" if part else city
