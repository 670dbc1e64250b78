"""Every word of the pages, Chinese first, English beside it. Refusals: `cityllm/messages.py`."""

from __future__ import annotations

from dataclasses import dataclass

from cityllm.messages import Language
from cityllm.web.petition_texts import PETITION_TEXTS
from cityllm.web.policy_texts import POLICY_TEXTS

TEXTS: dict[str, tuple[str, str]] = {
    # the frame
    "title": ("城市规划与政务助手", "City planning and public service assistant"),
    "tagline": ("每条引用可以打开，每个数字有出处", "Every citation opens, every number has a source"),
    "status_known": ("法规时效信息截至 {date}", "Regulation status as known on {date}"),
    "language": ("语言", "Language"),
    "skip": ("跳到提问框", "Skip to the question box"),
    "pages": ("页面", "Pages"),
    "nav_chat": ("问答", "Questions"),
    "sign_out": ("退出", "Sign out"),
    "signed_in": ("用户：{name}", "User: {name}"),
    "limits": (
        "回答由程序核对出处后给出，供工作参考；正式处理以有权机关发布的文本为准。",
        "Answers are checked against their sources and are an aid to work; what counts officially "
        "is the text published by the competent authority."),
    # conversations
    "history": ("历史对话", "Conversations"),
    "new": ("新对话", "New conversation"),
    "no_history": ("还没有对话。", "No conversation yet."),
    "delete": ("删除", "Delete"),
    "delete_named": ("删除对话：{title}", "Delete conversation: {title}"),
    "delete_sure": ("删除这个对话和它的全部记录？此操作不能撤销。",
                    "Delete this conversation and all its records? This cannot be undone."),
    "gone": ("这个对话不存在，或者不属于您。请从左侧另选一个，或新建对话。",
             "This conversation does not exist or is not yours. Choose another on the left or "
             "start a new one."),
    # asking
    "welcome": ("想查什么，直接问", "Ask in your own words"),
    "welcome_more": (
        "可以查法规条文、推算法定期限、查城市数据、算面积和金额、模拟交通方案。",
        "Regulations, legal deadlines, city data, areas and amounts, traffic scenarios."),
    "examples": ("可以这样问", "Examples"),
    "placeholder": ("请写下您的问题", "Write your question"),
    "question": ("问题", "Question"),
    "send": ("提问", "Ask"),
    "stop": ("停止", "Stop"),
    "keys": ("按回车键提问，Shift＋回车换行", "Enter asks, Shift + Enter makes a new line"),
    "as_of": ("按这一天有效的法规回答", "Answer by the law in force on"),
    "as_of_today": ("不选：按问题里写明的日期，没有就按今天",
                    "Empty: the date in the question, otherwise today"),
    "bad_date": ("日期 {value} 不可用。请选 1949-10-01 到 2100-12-31 之间的一天，或者清空表示今天。",
                 "The date {value} cannot be used. Choose a day from 1949-10-01 to 2100-12-31, or "
                 "clear it for today."),
    "too_long": ("问题有 {n} 个字，最多 {most} 个。请删短后再问。",
                 "The question has {n} characters; at most {most} are allowed. Please shorten it."),
    "empty": ("请先写下问题。", "Please write a question first."),
    "busy": ("上一个问题还在回答。请等它完成，或先按“停止”。",
             "The last question is still being answered. Wait for it, or press Stop first."),
    # an answer on its way
    "you": ("提问", "Question"),
    "assistant": ("回答", "Answer"),
    "queued": ("前面还有问题在回答，已排队 {seconds} 秒……",
               "Other questions are being answered; waiting for {seconds} s…"),
    "thinking": ("正在处理……", "Working…"),
    "slow": ("仍在处理，已用 {seconds} 秒。可以继续等，也可以按“停止”。",
             "Still working after {seconds} s. You can wait or press Stop."),
    "draft": ("正在写，完成后核对出处", "Being written; sources are checked at the end"),
    "stopped": ("已停止。这次没有回答，写到一半的内容没有核对，不保留。",
                "Stopped. There is no answer; the unfinished text was not checked and is not "
                "kept."),
    "interrupted": ("服务中断，这个问题没有答完。请再问一次。",
                    "The service was interrupted before this was answered. Please ask again."),
    "unreadable": ("这条记录是旧版本写的，现在读不了。请再问一次。",
                   "This record was written by an older version and cannot be read. Please ask "
                   "again."),
    "timeout": ("等了 {seconds} 秒仍没有回答，已停止。请稍后再问；若一直如此，请管理员运行 cityllm doctor。",
                "There was no answer within {seconds} s, so it was stopped. Please ask again "
                "later; if it keeps happening, the administrator should run cityllm doctor."),
    "failed": ("程序出了错，这次没有回答。问题已记入日志（编号 {number}）。请再问一次；若仍然如此，请把编号告诉"
               "管理员。",
               "The program failed and there is no answer. It is in the log (number {number}). "
               "Please ask again; if it fails again, give the number to the administrator."),
    # an answer
    "step_running": ("进行中", "running"),
    "steps": ("经过：{n} 步，{seconds} 秒", "How: {n} steps, {seconds} s"),
    "steps_one": ("经过：1 步，{seconds} 秒", "How: 1 step, {seconds} s"),
    "seconds": ("{seconds} 秒", "{seconds} s"),
    "no_inputs": ("没有输入", "no inputs"),
    "in_query": ("要查的事", "query"),
    "in_text": ("所说的内容", "what was said"),
    "in_title": ("法规名", "instrument"),
    "in_article": ("条号", "article"),
    "in_expression": ("算式", "expression"),
    "in_start": ("起算日期", "start"),
    "in_period": ("期限", "period"),
    "in_close": ("封闭的道路", "road closed"),
    "in_demand_percent": ("需求增减（%）", "change in demand (%)"),
    "in_plate_restriction": ("车牌限行", "plate restriction"),
    "value_none": ("无", "none"),
    "value_main_road": ("主路", "main road"),
    "value_center_road": ("中心路", "centre road"),
    "value_station_road": ("站前路", "station road"),
    "value_hospital_road": ("医院路", "hospital road"),
    "value_school_road": ("学校路", "school road"),
    "value_riverside_road": ("滨河路", "riverside road"),
    "value_north_bridge": ("北桥", "north bridge"),
    "value_station_bridge": ("站前桥", "station bridge"),
    "value_ring_east": ("东环路", "east ring road"),
    "value_ring_west": ("西环路", "west ring road"),
    "value_ring_north": ("北环路", "north ring road"),
    "value_ring_south": ("南环路", "south ring road"),
    "value_side_streets": ("支路", "side streets"),
    "value_lift": ("取消限行", "lifted"),
    "value_odd_even": ("单双号", "odd and even"),
    "value_one_day_a_week": ("每周停一天", "one day a week"),
    "found": ("得到", "Found"),
    "problem": ("问题", "Problem"),
    "evidence": ("依据：{n} 项", "Evidence: {n}"),
    "citations": ("引用的条文", "Articles cited"),
    "open": ("打开条文", "Open the article"),
    "verified": ("已核对：引用和数字都有出处", "Checked: every citation and number has a source"),
    "removed": ("核对时删去了 {n} 处没有出处的内容", "{n} unsupported passages were removed"),
    "engine": ("引擎：{engine}", "Engine: {engine}"),
    "took": ("用时 {seconds} 秒", "{seconds} s"),
    "refused": ("没有作答", "Not answered"),
    "no_such_article": ("没有这一条", "No such article"),
    "not_held": ("当时的文本没有收录", "Wording not held"),
    "no_model": ("只有检索结果", "Search results only"),
    "digest": ("摘要", "Digest"),
    "verbatim": ("全文", "Full text"),
    "run_of": ("{tool}的运行", "Run of: {tool}"),
    "seed": ("随机种子", "Seed"),
    "map": ("{tool}画的图", "Picture drawn by: {tool}"),
    "picture_big": ("点图可看大图", "Select the picture to enlarge it"),
    "table": ("数据表", "Table"),
    "query": ("查询", "Query"),
    "sources": ("来源", "Source"),
    "rule": ("规则", "Rule"),
    # feedback and export
    "good": ("有帮助", "Helpful"),
    "bad": ("没帮助", "Not helpful"),
    "thanks": ("已记下，谢谢。", "Recorded, thank you."),
    "comment": ("想补充什么（可不填）", "Anything to add (optional)"),
    "comment_send": ("提交意见", "Send comment"),
    "comment_kept": ("意见已保存：{comment}", "Comment saved: {comment}"),
    "export_md": ("导出 Markdown", "Export Markdown"),
    "export_docx": ("导出 Word", "Export Word"),
    "export_failed": ("导出没有成功。请再试一次；若仍然如此，请告诉管理员。",
                      "The export failed. Please try again; if it fails again, tell the "
                      "administrator."),
    # the article beside the answer
    "panel": ("条文", "Article"),
    "close": ("关闭", "Close"),
    "before": ("上一条", "Previous article"),
    "after": ("下一条", "Next article"),
    "before_held": ("库里的前一条", "Previous article held"),
    "after_held": ("库里的后一条", "Next article held"),
    "issuer": ("制定机关", "Issued by"),
    "level": ("效力层级", "Level"),
    "region": ("适用地域", "Region"),
    "version": ("版本", "Version"),
    "effective": ("首次施行", "First in force"),
    "status": ("效力状态", "Status"),
    "status_as_known": ("{status}（截至 {date} 所知）", "{status} (as known on {date})"),
    "unknown": ("不详", "not known"),
    "source": ("官方来源", "Official source"),
    "digest_note": ("这是资料包用自己的话写的摘要，不是原文。引用时请核对官方文本。",
                    "This is a digest in the pack's own words, not the official wording. Check the "
                    "official text before quoting it."),
    "verbatim_note": ("这是导入文件里的条文全文。", "This is the full text of the article as imported."),
    "clause_gone": ("这一条现在已不在库里，下面是回答时用的文本。",
                    "This article is no longer held; below is the wording used for the answer."),
    "clause_missing": ("找不到这一条。它可能已从库里移除。",
                       "This article cannot be found. It may have been removed."),
    # sign-in
    "sign_in": ("登录", "Sign in"),
    "name": ("用户名", "User name"),
    "password": ("密码", "Password"),
    **PETITION_TEXTS,
    **POLICY_TEXTS,
}


def text(name: str, language: Language, /, **values: object) -> str:
    """The text `name` in `language`, its values filled in. KeyError for an unknown name."""
    return TEXTS[name][0 if language == "zh" else 1].format(**values)


def label(kind: str, word: object, language: Language) -> str:
    """What the table calls an input (`in`) or one of its values (`value`); else the word itself."""
    name = f"{kind}_{word}"
    return text(name, language) if name in TEXTS else str(word)


def language_of(value: object) -> Language:
    """`en` for exactly that; everything else a browser may send is Chinese."""
    return "en" if value == "en" else "zh"


@dataclass(frozen=True)
class Example:
    """A question to begin with; `field` says whose work it is from."""

    field: tuple[str, str]
    question: tuple[str, str]


EXAMPLES: tuple[Example, ...] = (
    Example(("规划", "Planning"),
            ("没办规划许可证就盖了楼，会怎么罚？",
             "What is the penalty for building without a planning permit?")),
    Example(("规划", "Planning"),
            ("《城乡规划法》第四十八条对修改控制性详细规划怎么说？",
             "What does Article 48 of the Urban and Rural Planning Law say?")),
    Example(("信访", "Petitions"),
            ("信访事项受理后多少天内要办结？", "Within how many days must a petition be settled?")),
    Example(("信访", "Petitions"),
            ("2026年3月5日收到信访处理意见，不服的话最晚哪天申请复查？",
             "From 2026-03-05, when does a period of 30 days end?")),
    Example(("企业", "Enterprises"),
            ("机关向中小企业采购，最迟多久要付款？",
             "How soon must a public body pay a small enterprise?")),
    Example(("计算", "Calculation"),
            ("30亩地，容积率2.5，最多能建多少平方米？", "How much is 30 mu * 2.5 in square metres?")),
    Example(("交通", "Traffic"),
            ("如果把主路封了，平均车速会怎样？",
             "What happens to the average speed if the main road is closed?")),
    Example(("数据", "Data"),
            ("南昌取消尾号限行前后，平均车速是多少？",
             "What was the average speed in Nanchang before and after plate restrictions ended?")),
)
