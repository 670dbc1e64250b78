"""A small corpus of made-up law for the tests of search: texts, and a settings with them in."""

from __future__ import annotations

from pathlib import Path

from cityllm.config import Settings
from cityllm.corpus.importer import add_files
from cityllm.corpus.ledger import Ledger

TEXTS = {
    "河湾城乡规划条例(2019-04-23)": """# 河湾城乡规划条例

2019年4月23日 河湾人民代表大会常务委员会通过

<!-- INFO END -->

## 第一章 总则

第一条 为了加强河湾的城乡规划管理，制定本条例。

第二条 在规划区内建房，应当先取得建设工程规划许可证。

## 第二章 法律责任

第三条 没有取得规划许可证就建设的，由规划主管部门责令停止建设；可以改正的，处工程造价百分之五的罚款。

第四条 夜间施工噪声扰民的，由城市管理部门责令改正；拒不改正的，处五千元罚款。

有下列情形之一的，加重处罚：

（一）在居民楼旁彻夜打桩的；

（二）一年内被处罚两次以上的。
""",
    "河湾停车管理办法(2015-01-01)": """# 河湾停车管理办法

2015年1月1日 河湾人民政府公布

<!-- INFO END -->

第一条 为了规范停车秩序，制定本办法。

第二条 在人行道上违法停放机动车的，处一百元罚款。

第三条 住宅小区的车位首先满足业主的需要。
""",
    "河湾停车管理办法(2022-06-01)": """# 河湾停车管理办法

2015年1月1日 河湾人民政府公布

2022年6月1日 河湾人民政府修订

<!-- INFO END -->

第一条 为了规范停车秩序，制定本办法。

第二条 在人行道上违法停放机动车的，处二百元罚款。

第三条 住宅小区的车位首先满足业主的需要。
""",
    "信访处理规定(2020-05-01)": """# 信访处理规定

2020年5月1日 公布

<!-- INFO END -->

第一条 信访人可以通过信函、走访提出建议、意见和投诉。

第二条 信访事项应当自受理之日起六十日内办结。
""",
}


def fill(settings: Settings, texts: dict[str, str] = TEXTS) -> Ledger:
    """A ledger in `settings.home` that holds `texts`; the caller closes it."""
    folder = settings.home / "texts"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    ledger = Ledger.open(settings.ledger)
    add_files(ledger, [folder])
    return ledger


def settings_in(folder: Path) -> Settings:
    """Settings whose home is `folder`, with the shipped weights."""
    return Settings(home=folder)
