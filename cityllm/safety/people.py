"""Names of people in Chinese prose, by what stands around them; no model, no list of given names.

Found: after words that announce a name (姓名：, 我叫, 村主任 …), before a form of address (先生, 局长:
the surname alone, too), with 某, in a row with a name already found, and alone on the last lines.
Not found: a full name in running text that nothing announces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_SURE = ("王李张刘陈杨赵黄周吴徐孙胡朱郭何罗梁宋郑韩唐冯董萧肖曹袁邓许傅沈彭吕苏卢蒋蔡贾丁魏薛叶阎余潘"
         "杜戴夏钟汪姜范姚谭廖邹熊陆郝孔崔毛邱秦顾侯邵孟龙钱汤尹黎乔贺赖龚庞樊殷施陶翟颜倪严牛俞章鲁葛伍韦"
         "申尤毕聂焦柳邢岳梅莫庄辛祝左涂祁舒耿牟卜詹苗靳童欧甄裴屈鲍覃霍翁隋甘柏柯阮桂闵娄冼蔺晏"
         "阚佟尚仇冉麦骆栾戚荆褚喻敖匡邬巫")
_DOUBTFUL = "高林马于任方石金白康江史雷易常武文洪安温季管关路项曲成游阳席卫查包宁时程万段田费纪盛单景谷兰华应车谢曾齐楼凌"
_DOUBLE = ("欧阳|上官|司马|诸葛|司徒|东方|尉迟|皇甫|令狐|慕容|端木|夏侯|公孙|司空|轩辕|呼延|闻人|澹台|宇文|长孙|"
           "鲜于|申屠|南宫|独孤")
_SURNAME = rf"(?:{_DOUBLE}|[{_SURE}{_DOUBTFUL}])"
_HAN = r"[\u3400-\u9fff]"
_NEVER = set("的了是我你他她它们这那哪吗呢吧不没很个些什么怎只就都还也并且或者而但等及与之其某")
_OFFICE = set("委会局部厅处科所站院办区县市镇乡村街道公司校党支总副组队班社政店厂路桥楼栋号元年月日城管")
_COMMON = frozenset(
    "高新 高铁 高速 高中 高层 高压 高度 林业 林地 马上 马路 方面 方便 方案 方式 方法 石材 石油 金额 金融 白天 白色 "
    "康复 史上 雷同 易燃 常常 常年 常委 常务 武装 文件 文明 文化 文旅 安全 安置 安排 安装 安静 安居 温泉 季度 管理 管道 "
    "管委 管网 关于 关系 关注 关闭 关心 路上 路边 路面 路口 路灯 项目 曲线 成立 成为 成都 成本 游客 游戏 阳光 阳台 卫生 "
    "卫健 查处 查看 查询 包括 包庇 包工 包装 宁愿 宁可 时间 时候 时常 时任 程序 程度 万元 万家 万达 段时 田地 田间 费用 "
    "纪委 纪检 盛世 单位 单元 单独 单方 景区 景观 任何 任意 任务 于是 于今 于去 于本 于该 于此 何时 何处 何种 何况 何人 "
    "许多 许可 施工 施行 严重 严格 严肃 严禁 严查 左右 左边 夏天 夏季 余额 余款 余下 钱款 钱财 顾客 汪洋 黄色 黄土 黄金 "
    "黄线 江边 江北 江南 江西 毛病 申请 申诉 申报 申办 章程 齐全 孔洞 苗木 梅雨 童年 尚未 尚无 应当 应该 应急 华为 华侨 "
    "车辆 车位 车库 车主 车道 谢谢 谢绝 周边 周围 周末 周一 周二 周三 周四 周五 周六 周日 唐突 龙头 牛奶 叶子 汤水 祝愿 祝您 "
    "邻居 陆续 冯庄 胡同 胡乱 胡说 贺电 乔迁 乔木 庄稼 庄重 莫名 莫非 柳树 桂花 沈阳 吴江 郑州 苏州 韩国 杭州 秦皇 "
    "鲁迅 梁山 姚江 温州 洪水 洪涝 景点 谷物 兰州 董事 董监 欧元 欧洲 仇恨 麦子 楼上 楼下 楼道 楼顶 楼层 楼盘 楼栋 "
    "楼房 楼梯 伍佰 陈述 陈列 陈旧 任课 任职 任期 任性 曾多 楼爆 孙子 孙女 "
    "万一 万分 尤其 毕业 毕竟 辛苦 曾经 曾在 曾向 凌晨 齐心 安宁 安心 甘肃 甘蔗 柏油 罗湖 宋代 赵县 曹县 单县 肖像 傅家 丁字".split())
_LABEL = ("姓名|联系人|投诉人|申请人|反映人|举报人|信访人|来信人|来电人|来访人|当事人|诉求人|委托人|代理人|被举报人|"
          "被投诉人|收件人|户名|法定代表人|法人代表|法人|责任人|负责人|经办人|签名|署名|落款|写信人|户主|业主|家长|学生")
_ROLE = ("户名|我叫|名叫|叫做|名为|姓名|户主|业主|村民|居民|市民|患者|死者|伤者|病人|民警|辅警|交警|医生|法官|律师|检察官|"
         "村主任|副主任|主任|村支书|支书|副书记|书记|副局长|局长|副所长|所长|大队长|队长|副镇长|镇长|乡长|县长|区长|市长|"
         "科长|副科长|处长|站长|校长|院长|组长|会计|出纳|总经理|副总经理|经理|老板|老板娘|董事长|房东|司机|同事|邻居|"
         "丈夫|妻子|儿子|女儿|父亲|母亲|爱人|哥哥|弟弟|姐姐|妹妹|外甥|侄子|侄女|小舅子|姐夫|妹夫|岳父|亲戚|包工头|"
         "承包人|联系人|投诉人|申请人|反映人|举报人|当事人|法定代表人|法人代表|法人|负责人|被举报人|工作人员|"
         "办事员|干部|班主任|老师|同学|职工|员工|工人|农民工|退休教师|退役军人|党员")
_BARE = "我是|本人|我名|举报|控告"
_TITLE = ("先生|女士|小姐|师傅|阿姨|大爷|大妈|大姐|大哥|老师|医生|律师|法官|警官|经理|总经理|老板|主任|书记|支书|"
          "局长|副局长|所长|队长|镇长|乡长|县长|区长|市长|科长|处长|站长|校长|院长|组长|董事长|会计|同志|某某|某")
_AFTER = ("反映|投诉|举报|要求|来信|来电|来访|表示|电话|手机|身份|联系|利用|收受|贪污|受贿|索要|挪用|强占|侵占|私自|"
          "多次|长期|公然|殴打|同志|先生|女士|今年|家住|家里|家属|希望|建议|认为|存在|涉嫌|虚报|冒领|套取|截留|违规|"
          "违法|担任|负责|承诺|答应|拒绝|威胁|一家|一直|一人|两人|三人|夫妇|夫妻|父子|兄弟|生前|名下|本人|"
          "私吞|滥用|强行|包庇|暗中|指使|伙同|勾结|任人|将|把|称|说|住|男|女|在|于|和|与|系|到|去|以|为|因|向|对|"
          "被|给|跟|让|找|从|自|有|又|已|竟|打|骂|收|拿|占|贪|私")

_LABELLED = re.compile(rf"(?:{_LABEL})\s*[:：]\s*(?P<name>{_SURNAME})")
_ANNOUNCED = re.compile(rf"(?:{_ROLE})\s?(?:是|为|叫)?\s?(?P<name>{_SURNAME})(?={_HAN})")
_STATED = re.compile(rf"(?:{_BARE})\s?(?P<name>{_SURNAME})(?={_HAN})")
_SURNAMED = re.compile(rf"(?P<name>{_SURNAME})(?P<given>{_HAN}{{0,2}}?)(?P<title>{_TITLE})")
_SIGNED = re.compile(rf"(?:^|[\n。！!？?；;]|敬礼|此致)[ \t\u3000]*(?P<name>{_SURNAME}{_HAN}{{1,2}})"
                     rf"[ \t\u3000]*(?=$|\n\s*$|\n?\s*\d{{4}}\s*[年./-])")
_NEXT = re.compile(rf"[、]\s?(?P<name>{_SURNAME})(?={_HAN})")
_BESIDE = re.compile(rf"〔姓名〕、\s?(?P<name>{_SURNAME})(?={_HAN})")
_BEFORE = re.compile(rf"(?:(?<!{_HAN})|(?<=[是和与被由]))(?P<name>[{_SURE}]{_HAN}{{1,2}})(?=、〔姓名〕)")
_TIME_AFTER = re.compile("日|年|月|时|天|处|地|个|种|些|小区|单位|公司|路|村|镇|县|区|市|街|项|人员")


def names_in(text: str) -> Iterator[tuple[int, int]]:
    """Spans of names, not in order; a span may come twice."""
    spans = []
    for pattern, strict in ((_LABELLED, False), (_ANNOUNCED, True), (_STATED, True),
                            (_BESIDE, True)):
        for found in pattern.finditer(text):
            start = found.start("name")
            end = _end(text, start, found.end("name"), alone=pattern is _STATED, strict=strict)
            if end:
                spans.append((start, end))
    spans += [found.span("name") for pattern in (_SIGNED, _BEFORE)
              for found in pattern.finditer(text)
              if text[found.start("name"):][:2] not in _COMMON
              and not (set(found["name"][1:]) & (_NEVER | _OFFICE))]
    for start, end in spans:
        yield start, end
        row = _NEXT.match(text, end)
        while row and (more := _end(text, row.start("name"), row.end("name"), alone=False,
                                    strict=True)):
            yield row.start("name"), more
            row = _NEXT.match(text, more)
    yield from _titled(text)


def _titled(text: str) -> Iterator[tuple[int, int]]:
    """王先生, 吴云缙经理, 彭某: the name without the form of address, 某 being part of it."""
    position = 0
    while found := _SURNAMED.search(text, position):
        position = found.start() + 1
        start, given, title = found.start(), found["given"], found["title"]
        before = text[start - 1:start]
        if found["name"] in _DOUBTFUL and "\u3400" <= before <= "\u9fff" \
                and before not in "的是叫找问被跟给让请位名":
            continue
        if text[start:start + 2] in _COMMON or set(given) & (_NEVER | _OFFICE):
            continue
        if title.startswith("某"):
            if given or _TIME_AFTER.match(text, found.end()):
                continue
            end = found.end()
            if title == "某" and re.match(rf"{_HAN}(?=[，。、；：,.;:\s）)]|$)", text[end:]):
                end += 1
            yield start, end
            position = end
        else:
            yield start, found.end("given")
            position = found.end()


def _end(text: str, start: int, after_surname: int, *, alone: bool, strict: bool) -> int | None:
    """Where the name ends that begins at `start`, or None where it is no name.

    Two signs after a surname unless the second begins what follows; `alone`: only before a mark.
    """
    given = re.match(rf"{_HAN}{{1,3}}", text[after_surname:after_surname + 3])
    if not given or (strict and text[start:start + 2] in _COMMON):
        return None
    run = given[0]
    if run[0] in _NEVER or (strict and run[0] in _OFFICE):
        return None
    whole = len(run) >= 2 and run[1] not in _NEVER and not (strict and run[1] in _OFFICE)
    if whole and re.match(_AFTER, text[after_surname + 1:]) and len(run) > 2:
        whole = False
    if len(run) >= 2 and strict and run[1] in _OFFICE:
        return None
    end = after_surname + (2 if whole else 1)
    unsure = alone or (strict and text[start] in _DOUBTFUL)
    if unsure and re.match(_HAN, text[end:end + 1]) and not re.match(_AFTER, text[end:]):
        return None
    return end


def again(text: str, names: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Every further place of names that are known already, of two signs or more."""
    for name in sorted({name for name in names if len(name) > 1}, key=len, reverse=True):
        yield from (found.span() for found in re.finditer(re.escape(name), text))
