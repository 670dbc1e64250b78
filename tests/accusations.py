"""500 reports of wrongdoing made of parts written by hand, each with the unit and person accused.

The parts were written before the rules were tried on them: plain accusations, hints, third-hand
stories, reports inside a complaint about something else, and reports against the discipline
inspection or the petition office itself. OBLIQUE are acts told without any word of wrongdoing, by
people without a rank: the rules know few of them, and must keep them from the accused all the same.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

UNITS = (  # unit, who there
    ("市住房和城乡建设局", "审批科科长"), ("区城市管理局", "执法中队队长"), ("市自然资源和规划局", "用途管制处处长"),
    ("幸福镇政府", "副镇长"), ("光明村村委会", "村主任"), ("平安社区居委会", "社区书记"), ("市生态环境局", "监察支队的负责人"),
    ("区市场监督管理局", "所长"), ("市人力资源和社会保障局", "窗口工作人员"), ("市教育局", "基建办主任"),
    ("第三中学", "校长"), ("市第二人民医院", "设备科主任"), ("区公安分局湖滨派出所", "副所长"), ("市交通运输局", "运管所所长"),
    ("区民政局", "低保科干部"), ("市医疗保障局", "稽核科长"), ("区税务局", "税管员"), ("市水务集团", "总经理"),
    ("市城投公司", "董事长"), ("区人民法院", "执行局法官"), ("区信访局", "接访科科长"), ("区纪委监委", "第三室主任"),
    ("东风街道办事处", "拆迁办主任"), ("市公积金管理中心", "副主任"), ("区农业农村局", "农机站站长"))
ACTS = (
    "收了开发商二十万元好处费才给盖章", "每办一个证就要收红包", "吃拿卡要，不请吃饭就不给验收",
    "把修路的钱装进了自己腰包", "挪用集体征地补偿款去放贷", "虚报种植面积冒领国家补贴", "把低保名额都给了自己的亲戚",
    "让小舅子的公司承包了全部绿化工程", "给已经去世的人领了三年补助", "逢年过节要送烟送酒，不送就拖着不办",
    "公车私用，天天接送孩子上学", "拿公款请客吃饭、外出旅游", "安排儿媳吃空饷五年", "招标之前就内定了中标单位，别的都是陪标",
    "与黑砂场老板勾结，每次检查前都通风报信", "充当赌场的保护伞", "收了钱就撤销处罚", "滥用职权强行拆除我家房屋泄愤",
    "利用职务便利给情妇安排工作", "名下房产多套，来源不明", "篡改成绩让关系户进了编制", "截留救灾物资，自己留着卖",
    "私自把集体土地低价卖给老板，没有开过会", "账目从不公开，几百万元不知去向", "伪造村民签名套取危房改造资金",
    "打击报复向上反映问题的群众", "索要两万元辛苦费，不给就查封", "医药代表的回扣按月收", "违规提拔自己的司机当科长",
    "明里暗里指定家长到他老婆开的机构补课", "执法罚款从来不开票据，现金进了私人口袋", "徇私枉法，把打人的放了反而抓我",
    "上班时间在办公室打牌赌博，群众来了没人理", "玩忽职守，垮塌之前三次报告都压着不报",
    "跟几个老板称兄道弟，工程换着人中标，他家里盖了三栋楼", "说白了就是认钱不认人，给了意思意思当天就批")
OBLIQUE_UNITS = (
    ("县水利局", "局长"), ("高新区管委会", "招商部部长"), ("市疾控中心", "党支部书记"), ("柳树乡政府", "乡长"), ("县林业站", "护林员"),
    ("市消防救援支队", "参谋"), ("县供销社", "主任"), ("市体育局", "训练处的老周"), ("石门社区", "网格长"),
    ("市不动产登记中心", "登记员"), ("市住房和城乡建设局", "科长"), ("市水务集团", "董事长"))
OBLIQUE = (
    "批文要看关系，没关系等三年", "把防汛石料拉去修自己家鱼塘", "会议费里开的都是白酒", "亲妹夫做了监理",
    "要我们店去指定的地方买灭火器才过关", "退休金领着还在下面企业拿顾问费", "采石场一停电话一打又开了",
    "给领导家送过两次木材才拿到砍伐证", "考勤机是别人代打的卡", "树苗款付了三遍，山上一棵没有",
    "拿了砂石老板的干股", "把公家的车借给亲家跑运输", "报销的票全是假的", "过年收了十几户的土鸡和现金",
    "把扶贫羊分给了没有贫困的本家", "工程没干完就全额结了账，钱转到他弟媳账上", "谁给他塞烟谁就先排号",
    "考试前把题给了熟人的孩子", "开着几十万的豪车，工资才几千", "对检查组说假话，把排污口临时堵上骗过去",
    "孩子结婚摆了八十桌，管辖企业都去随礼", "扣着我的补偿款，让我先交两成", "监控偏偏那几天坏了，案子不了了之",
    "把公租房转租出去自己收租金", "扶贫款发到手里又收回去一半", "征地量尺寸，跟他关系好的多量一倍",
    "考核材料都是编出来应付的", "长期和做工程的老板在酒店里吃喝唱歌")
OPENINGS = ("", "实名举报：", "尊敬的领导，我要反映一件事。", "我实在忍无可忍了。", "听村里人说，", "作为一名老党员，我向组织反映：",
            "不敢写真名，怕报复。", "本来是咨询办证的，", "这几年的事大家都知道，", "匿名反映：")
FRAMES = ("{unit}{who}{act}。", "{who}（{unit}的）{act}。", "{unit}有个{who}，{act}。",
          "就是{unit}那个{who}，{act}！", "群众都知道，{unit}{who}{act}，谁也管不了。",
          "我去{unit}办事，{who}{act}。", "{act}，说的就是{unit}的{who}。")
OBLIQUE_FRAMES = (
    *FRAMES, "关于{unit}，{act}，经手的是{who}。", "{unit}的{who}这个人，{act}。",
    "{who}在{unit}干了十年，{act}。", "我们都怕{unit}的{who}。{act}。")
NOISE = ("", "另外我家门口的路灯也坏了半年。", "小区停水的事还没有解决。", "请问办理房产证要什么材料？", "孩子上学的事也一直拖着。",
         "物业费一年比一年高。")
ASKS = ("请查处。", "希望上级派人调查。", "请不要把信转给他们。", "求领导为民做主。", "", "请纪检部门介入。", "请保护举报人。")
TITLES = ("反映{unit}{who}的问题", "{unit}的事", "求助", "举报{unit}{who}", "关于路灯和其他问题", "请领导看一看")


@dataclass(frozen=True)
class Accusation:
    """One report: what is written, and whom it accuses. `secret`: the words that must not leak."""

    title: str
    text: str
    unit: str
    who: str
    act: str


def accusations(count: int = 500, seed: int = 7, *, oblique: bool = False) -> list[Accusation]:
    """That many different ones; every unit, act, opening, frame and ask is used."""
    units, acts, frames = ((OBLIQUE_UNITS, OBLIQUE, OBLIQUE_FRAMES) if oblique else
                           (UNITS, ACTS, FRAMES))
    draw = random.Random(seed)
    made: dict[str, Accusation] = {}
    turn = 0
    while len(made) < count:
        unit, who = units[turn % len(units)]
        act = acts[turn // 3 % len(acts)]
        frame = draw.choice(frames).format(unit=unit, who=who, act=act)
        before, after = draw.sample(("noise", "none"), 2)
        noise = draw.choice(NOISE)
        text = (draw.choice(OPENINGS) + (noise if before == "noise" else "") + frame
                + (noise if after == "noise" else "") + draw.choice(ASKS))
        title = draw.choice(TITLES).format(unit=unit, who=who)
        made.setdefault(title + text, Accusation(title, text, unit, who, act))
        turn += 1
    return list(made.values())
