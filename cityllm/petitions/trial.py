"""What a language model must show before its categories are believed: easy questions of our own.

Each message has one category of three that fits beyond doubt. They are asked as the real ones are,
the right one in each place of the list in turn, and in either order of the list; a question
counts as solved only where both answers are right. Guessing solves a ninth, liking a place at most
a good third.
The questions do not depend on a pack's taxonomy, and say nothing about hard messages.
"""

from __future__ import annotations

from typing import NamedTuple

MARK = 0.8
"""The share of questions that has to be solved."""


class Question(NamedTuple):
    """A message, the category that fits, and two that do not."""

    text: str
    right: str
    wrong: tuple[str, str]

    def options(self, place: int) -> list[str]:
        """The three categories, the right one at `place` (0 to 2)."""
        return [*self.wrong[:place], self.right, *self.wrong[place:]]


NOISE, BUS = "环境保护 / 环境污染 / 噪音污染", "城乡建设 / 城市建设和市政管理 / 公共汽车"
HOUSE, WAGE = "城乡建设 / 住房保障与房地产 / 物业服务", "劳动和社会保障 / 工资福利 / 工资发放"
FOOD, MARRY = "卫生计生 / 食品药品监管 / 食品安全", "民政 / 社会服务 / 婚姻登记"
SCHOOL, CAB = "教育文体 / 考试招生 / 招生录取", "交通运输 / 出租车管理 / 行业监管"
WATER, PARCEL = "城乡建设 / 城市建设和市政管理 / 自来水供应", "交通运输 / 邮政管理 / 快递市场管理"
HEAT, PHONE = "城乡建设 / 城市建设和市政管理 / 冬季采暖", "科技与信息产业 / 电信 / 电信资费"
PENSION, FARM = "劳动和社会保障 / 退休政策及待遇 / 退休金发放", "农村农业 / 土地承包经营 / 土地承包"
TOUR, ID = "商贸旅游 / 旅游管理 / 旅游市场管理", "政法 / 户籍证件 / 身份证管理"
CRASH, SURGERY = "政法 / 交通管理 / 交通事故", "卫生计生 / 医患纠纷 / 医疗事故争议"
POOR, RIVER = "民政 / 社会救助 / 农村低保", "环境保护 / 环境污染 / 水污染"
QUESTIONS = (
    Question("楼下工地半夜两点还在打桩，吵得全楼睡不着。", NOISE, (MARRY, FARM)),
    Question("312路公交等了四十分钟不来，来了也不停站。", BUS, (FOOD, ID)),
    Question("物业收了物业费，楼道从来不打扫，电梯灯坏了也不换。", HOUSE, (CRASH, POOR)),
    Question("厂里拖了四个月工资没有发，问老板就说再等等。", WAGE, (TOUR, WATER)),
    Question("在饭店吃到发霉的肉，回家上吐下泻，请查查这家店的卫生。", FOOD, (BUS, PENSION)),
    Question("我们俩想登记结婚，户口不在一地，在哪里可以办？", MARRY, (NOISE, RIVER)),
    Question("孩子今年上小学，学校说我们不在片区不给报名。", SCHOOL, (CAB, HEAT)),
    Question("出租车司机不打表，漫天要价，还拒载。", CAB, (SCHOOL, WATER)),
    Question("小区停水三天了，打自来水公司电话没人接。", WATER, (PHONE, SURGERY)),
    Question("快递员把包裹丢在楼下弄丢了，快递公司不肯赔。", PARCEL, (HEAT, WAGE)),
    Question("已经供暖半个月，家里暖气还是冰凉，只有十三度。", HEAT, (PARCEL, SCHOOL)),
    Question("手机套餐被悄悄改贵了，每月多扣三十元话费。", PHONE, (POOR, HOUSE)),
    Question("退休金这个月没有到账，往月都是十五号发。", PENSION, (TOUR, BUS)),
    Question("村里把我家承包的责任田收回去给了别人种。", FARM, (PHONE, FOOD)),
    Question("跟团去海岛，导游逼我们买玉镯，不买就不让上车。", TOUR, (ID, WAGE)),
    Question("身份证丢了，人在外地，能不能在这里补办？", ID, (RIVER, HOUSE)),
    Question("昨天路口两车相撞，对方闯红灯，认定书却写我全责。", CRASH, (PENSION, SCHOOL)),
    Question("医院做手术把纱布留在我母亲肚子里，要一个说法。", SURGERY, (FARM, PARCEL)),
    Question("老人独居农村没有收入，想申请低保，怎么办手续？", POOR, (CAB, NOISE)),
    Question("化工厂夜里往河里排黑水，鱼都死了。", RIVER, (MARRY, CRASH)),
)
