"""Reports of wrongdoing: told by their words, kept from the accused, passed to a body above them.

信访工作条例 art. 30: what is reported must not be let known or passed to the person or body accused.
So the text of a report leaves this program only for who holds the key of the originals, a report
is never routed without a person, and the body proposed for it is one of discipline inspection: the
next higher one where the report names such a body itself. Only a report in which no public body
and no official has any part (a shop that sells short) keeps the department of its matter. Words
are read broadly, because a report taken for a complaint does harm and the reverse costs a look.
"""

from __future__ import annotations

import re
from dataclasses import replace

from cityllm.petitions.record import Labels, Triaged

OWN, HIGHER = "同级纪检监察机关", "上一级纪检监察机关"
WITHHELD = "〔检举控告材料：不在此显示，凭密钥查看原件〕"

_KIN = "小舅子|舅子|亲戚|亲属|亲信|亲弟|亲哥|侄子|侄女|外甥|老婆|妻子|爱人|儿子|女儿|女婿|儿媳|弟弟|哥哥|连襟|家属|家人|情妇|同学|战友|熟人|自家人|自己人"
_GIFT = "红包|好处|回扣|礼金|购物卡|烟酒|好烟|名烟|名酒|好酒|辛苦费|感谢费|疏通费|干股|孝敬|土特产"
_PLAIN = re.compile("|".join((
    "贪污|贪腐|受贿|行贿|索贿|贿赂|吃拿卡要|捞钱|捞好处|中饱私囊|揣进|装进[^，。]{0,6}(?:腰包|口袋)|进了?[^，。]{0,4}(?:腰包|口袋)|自己(?:的)?腰包",
    f"收(?:了|过|受|取)?[^，。；]{{0,8}}(?:{_GIFT})|(?:{_GIFT})[^，。；]{{0,4}}按月收|"
    f"[拿送塞](?:了|过|点)?[^，。；]{{0,6}}(?:{_GIFT})[^，。；]{{0,8}}(?:才|就|不然|否则)|"
    f"要(?:收|送|给)?(?:{_GIFT}|送烟|送酒)|索要[^，。；]{{0,8}}(?:{_GIFT})",
    "不送(?:钱|礼|烟|酒|东西)?[^，。]{0,6}(?:不办|就拖|就卡|拖着|不给)|给钱才[办批给盖]|拿钱(?:办事|摆平)|花钱(?:摆平|买官)",
    "冒领|骗取[^，。]{0,10}(?:补|低保|国家|财政)|小金库|账外账|白条入账|私分|套取[^，。]{0,10}(?:补|国家|财政|资金|经费)|截留",
    "优亲厚友|以权谋私|以职谋私|假公济私|公权私用|公报私仇|收了钱就|收了?(?:人家|别人|老板|他们)的?钱|认钱不认人|(?:给|送)了?[^，。]{0,4}意思",
    "(?:去世|死亡|死了|过世|不存在)[^，。；]{0,6}(?:人|老人|名字)[^，。；]{0,6}(?:领|报)|(?:轮流|换着)[^，。]{0,4}中标|来[源路]不明",
    "利用职务|职务之便|利用手中|卖官|买官|拉票|贿选|违规(?:提拔|录用|经商)|萝卜招聘",
    f"(?:{_KIN})[^，。；]{{0,16}}(?:承包|承揽|中标|空饷|编制|名额|指标|干股|拿到工程|吃低保|享受低保)",
    f"(?:名额|低保|工程|补贴|指标|编制|岗位|安置房)[^，。；]{{0,12}}(?:给|分给|让|留给|安排)(?:了)?[^，。；]{{0,8}}(?:{_KIN}|关系户)",
    "吃空饷|空饷|人情保|关系保|公车私用|公款|公费旅游|大吃大喝|收黑钱|打击报复|泄露举报|通风报信|销毁证据|职务犯罪")))
"""Acts. They make a report where a body or a person in an office stands near."""
_VIEW = re.compile("|".join((
    "保护伞|官商勾结|警匪|官官相护|玩忽职守|渎职|权钱交易|钱权交易|利益输送|滥用(?:职权|权力)|徇私|枉法|村霸|敛财|违纪违法|违法乱纪|腐败|贪官|"
    "包庇|袒护|勾结|报复|威胁举报|保护费",
    "索要|索取|勒索|卡要|挪用|侵占|侵吞|私吞|套取|虚报|虚列|多报|骗取|账目不清|账目[^，。]{0,3}不公开|去向不明|不知去向|对不上账",
    f"(?:{_GIFT})|送(?:钱|礼|烟|酒)|打点|意思意思|私设|乱罚|罚款[^，。；]{{0,6}}不开|黑钱|赌博|打牌|包养|情妇|"
    "内定|围标|串标|陪标|暗箱|走后门|量身定|指定[^，。]{0,10}(?:公司|商家|供应商|施工队|机构)|关系户|宴请|酒局",
    "不(?:走|经)(?:招标|招投标)|没有(?:招标|公开招标)|挂名|违规(?:招聘|发放|审批)|作风(?:问题|败坏)|虚开|假材料|假发票|假账|伪造|篡改|冒名",
    f"(?:{_KIN})[^，。；]{{0,12}}(?:拿工资|得了|开的|的公司|入股)|"
    "私自[^，。；]{0,8}(?:卖|出售|出租|处置|转让)|贱卖|低价(?:卖|转让|出租)|据为己有|拉回家")))
"""Views and weaker words. They make a report only of somebody who is named by body and rank."""
_HEDGE = re.compile("(?:是否|有没有|有无|难道|什么样的|是不是|莫非|如果|若有|怀疑|幕后|背后|打掉|打倒|铲除|扫黑|"
                    "杜绝|避免|防止|严禁|不得|不准|反对|并无|没有|谁是|会不会|还是)[^，。；]{0,10}$")
_CONDUCT = re.compile("态度(?:恶劣|差|粗暴|蛮横)|作风粗暴|推诿|踢皮球|不作为|乱作为|慢作为|懒政|敷衍|打人|骂人|殴打|粗暴执法|暴力执法|"
                      "选择性执法|乱收费|刁难|恐吓|威胁|欺压|官僚")
_ASKED = re.compile(r"(?:恳请|请求|请|希望|望|建议|要求|盼)[^，。；！!？?\n]{0,14}?(?:局|委|部门|大队|政府|机关|领导|中心|单位)"
                    r"[^，。；！!？?\n]{0,6}(?:查处|处理|调查|核实|介入|严查|检查|整治|取缔|打击|处罚|查一下|查查)")
_TOLD = re.compile(r"(?:向|到|去|找|给|打电话)[^，。；！!？?\n]{0,14}?(?:举报|控告|反映)(?:电话|了|过)?|"
                   r"(?:举报|控告)(?:电话|热线|信箱|平台|后|过|无果|多次|无门)|(?:多次|反复|被人|经人|有人)举报")
_RANK = ("局长|书记|(?<!业委会)(?<!委员会)主任|[镇乡县区市厅科股处所站队部校院园馆村组]长|"
         "支书|村干部|村委|村支|两委|居委|干部|公务员|公职人员|民警|交警|辅警|警官|法官|检察官|办事员|税管员|专管员|网格员|协管员|会计|出纳|"
         "执法人员|参谋|护林员|登记员")
_BODIES = (r"派出所|城管|执法[局队]|法院|检察院|公安局?|纪委|信访局|街道办|镇政府|乡政府|村委会|居委会|管委会|国土所|土地所|税务局|"
           r"[\u3400-\u9fff]{2}(?:局|支队|大队|街道)|城投|水务集团|国企|窗口|工作人员|医院|学校|中学|小学|上级领导|当官")
_HOLDER = re.compile(f"{_RANK}|{_BODIES}")
_PUBLIC = re.compile(
    f"{_RANK}|{_BODIES}|委员|社区|街道|领导|官员|执法|编制|国有|事业单位|公职|党员|党委|党组|政府|机关|[所局科镇乡队站村]里|镇上|公家|"
    "[\u3400-\u9fff](?:局|厅|委|办|乡|镇|村)(?![\u3400-\u9fff]?(?:面|部|限))|"
    "集团|燃气|供电|公交|交投|国投|中心|老师|教师|主刀|医生|支队|工商|市监|住建|环保|人社|民政|主管|上面|上头|部门|单位")
_NEAR, _BESIDE = 40, 36
"""Characters between an act and who holds an office; between a view and who is named."""
_UNIT = (r"[\u3400-\u9fff](?:局|委|厅|办|处|队|所|院|校|中学|小学|医院|法院|政府|乡|镇|街道|办事处|村|居委会|村委会|社区|集团|"
         r"公司|中心|部门|银行)")
_ROLE = ("局长|书记|主任|[镇乡县区市厅科股处所站队组校院园馆村室]长|总经理|董事长|经理|会计|出纳|委员|干部|公务员|民警|交警|辅警|法官|检察官|"
         "警察|执法人员|工作人员|办事员|税管员|专管员|协管员|网格员|负责人|领导|教导员|医生|老师|司机|接访员|支书")
_NAMED = re.compile(rf"{_UNIT}(?:办事|办理|办证|咨询|反映|申请|里|那里)?[，,]?[^，。；！!？?\n]{{0,9}}?(?:{_ROLE})|"
                    rf"(?:{_ROLE})[（(][^）)]{{0,16}}{_UNIT}")
_ADDRESSED = re.compile(rf"(?:尊敬的|敬爱的|致|请|求|给|向|望|吁)[^，。；！!？?：:\n]{{0,14}}(?:{_ROLE})|"
                        rf"^[^，。；！!？?\n]{{0,12}}(?:{_ROLE})"
                        r"[：:，,！!]?(?:您好|你好|好)", re.MULTILINE)
_OFFICE = re.compile("信访|12345|热线|市长信箱|接访")
_DISCIPLINE = re.compile("纪委|监委|纪检|监察|巡视|巡察|派驻")


def acts_in(text: str) -> tuple[str, ...]:
    """The words for which a text is taken for a report of wrongdoing; none: it is not.

    An act counts where a body or a person in an office stands near in the same sentence; a view or
    a weaker word where somebody is named by body and rank, and it is no mere question or wish. What
    the writer asks an office to do, whom a letter is addressed to, and what was told to offices are
    left aside.
    """
    found: list[str] = []
    plain = _ADDRESSED.sub("", _TOLD.sub("", _ASKED.sub("", text)))
    for sentence in re.split(r"[。！!？?\n]", plain):
        for words, who, width in ((_PLAIN, _HOLDER, _NEAR), (_VIEW, _NAMED, _BESIDE)):
            found += [one[0] for one in words.finditer(sentence)
                      if not _HEDGE.search(sentence[:one.start()])
                      and who.search(sentence[max(0, one.start() - width):one.end() + width])]
    return tuple(dict.fromkeys(found))


def conduct_in(text: str) -> tuple[str, ...]:
    """Words about how an office or its people behave, short of wrongdoing."""
    return tuple(dict.fromkeys(found[0] for found in _CONDUCT.finditer(text)))


_CALLED = {
    "住房和城乡建设": "住建|城建|建设局|房管|房产局|建委", "自然资源": "自规|资规|规划局|国土|土地局|土管",
    "城市管理": "城管|执法局|综合执法|市容", "人力资源": "人社|劳动局|劳动监察|社保局|人事局", "生态环境": "环保|环境局",
    "市场监督": "市监|市场监管|工商|质监|食药|药监|物价", "公安": "派出所|民警|交警|警察|特警|刑警|辅警",
    "卫生健康": "卫健|卫计|卫生局", "教育": "教体局|教委|教育部门", "交通运输": "交通局|运管|交运局|公路局",
    "农业农村": "农业局|农委|农机站", "医疗保障": "医保局|医保中心", "民政": "低保办|救助站",
    "税务": "国税|地税|税管", "法院": "法官|执行局|法庭", "检察": "检察", "信访": "信访|接访|12345", "纪委": "纪检|监委|监察",
    "水务": "水利局|水务", "园林": "绿化局|林业局", "街道": "街道|社区"}
_AREA = re.compile(r"^[\u3400-\u9fffA-Z0-9]{0,4}?(?:省|市|区|县|旗)(?=[\u3400-\u9fff]{2})")
_TAIL = re.compile(r"(?:监督|管理|保护)*(?:局|委员会|委|厅|办公室|办事处|中心|站|所|公司|集团|支队|大队|政府)$")

_BODY = r"[^，。；！？\n]{0,6}?(?:局|委|厅|办|部门|处|站|所|中心|集团|公司|队|政府|院|人员|领导)"


def named_in(department: str, text: str) -> bool:
    """Whether a text speaks of a department, by its name or what people call it, other than to ask
    it for something or to say that it was told."""
    if not department:
        return False
    core = _TAIL.sub("", _AREA.sub("", department)) or department
    known = [re.escape(department), re.escape(core[:3]) + ("" if core[-1] in "镇乡村道区" else _BODY)]
    known += [names for whole, names in _CALLED.items() if whole in department]
    return bool(re.search("|".join(known), _TOLD.sub("", _ASKED.sub("", text))))


def officials_in(text: str) -> tuple[str, ...]:
    """Where a text names somebody in an office by rank, other than to address them."""
    plain = _ADDRESSED.sub("", text)
    return tuple(dict.fromkeys(found[0] for found in _NAMED.finditer(plain)))


def shield(text: str, labels: Labels) -> Labels:
    """The labels with a department that the text does not accuse.

    A report of somebody in an office gets a body of discipline inspection. A text that may be one,
    that names somebody in an office, or that speaks of the very department it would go to, gets no
    department: a person has to read it first. One about people of the petition office itself is
    taken for a report. What is said of a shop, a firm or a neighbour is a complaint, and goes to
    its regulator: after this, kind `report` always means one against an office.
    """
    believed = labels.jurisdiction == "discipline" and bool(_PUBLIC.search(text))
    if not (believed or acts_in(text)):
        named = officials_in(text)
        if not any(_OFFICE.search(one) for one in named):
            doubted = labels.suspected or labels.jurisdiction == "discipline" or named \
                or named_in(labels.department, text)
            return replace(
                labels, kind="complaint" if labels.kind == "report" else labels.kind,
                jurisdiction="petition" if labels.jurisdiction == "discipline"
                else labels.jurisdiction, department="" if doubted else labels.department)
    return replace(labels, kind="report", jurisdiction="discipline", grounds=(),
                   department=HIGHER if _DISCIPLINE.search(text) else OWN)


def is_secret(labels: Labels) -> bool:
    """Whether the words of shielded labels are kept from everybody without the key."""
    return labels.kind == "report"


def withhold(done: Triaged) -> Triaged:
    """A report against an office without its words; anything else as it is."""
    if not is_secret(done.labels):
        return done
    told = replace(done.petition, title=WITHHELD, text=WITHHELD, place="", extra={})
    return replace(done, petition=told, labels=replace(done.labels, grounds=()),
                   summary=WITHHELD, draft="")
