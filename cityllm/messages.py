"""Sentences said to a user by the program itself, Chinese first, English beside it.

`say(name, language, **values)` fills one in. A refusal says what is the matter and what could help.
"""

from __future__ import annotations

from typing import Literal

Language = Literal["zh", "en"]

MESSAGES: dict[str, tuple[str, str]] = {
    # refusals
    "off_topic": (
        "我能查法规条文、信访和政务办理的依据、城市数据和惠企政策，能研判来信、算面积和金额、推算法定期限、模拟交通"
        "方案；这个问题不在其中，我答不了。请换成这方面的问题。",
        "I can look up regulations, the legal basis of petitions and public services, city data "
        "and policies for enterprises; I can also triage a petition, calculate areas and amounts, "
        "work out legal deadlines and simulate traffic plans. This question is beyond that, so I "
        "cannot answer it."),
    "not_found": (
        "在已收录的法规和数据里没有查到能回答这个问题的内容，所以不作答。可以说出法规名称或条号，换个说法再问，"
        "或者由管理员用 cityllm corpus add 导入有关文件。",
        "Nothing in the regulations and data held answers this, so I give no answer. Naming the "
        "regulation or the article may help, or other words; an administrator can import the tex"
        "t with "
        "cityllm corpus add."),
    "no_such_article": (
        "{detail}也可以直接说出要查的事，我按内容检索。",
        "{detail} You can also describe what you need, and I search by content."),
    "no_such_article_default": (
        "已收录的文本里没有这一条。请核对法规名称和条号。",
        "The texts held have no such article. Please check the title and the number."),
    "not_held": (
        "{detail}这里不拿别的文字代替。",
        "{detail} No other wording is shown in its place."),
    "not_held_default": (
        "{as_of} 当时的文本没有收录。可以换一个日期，或者由管理员用 cityllm corpus add 导入当时的文本。",
        "The wording in force on {as_of} is not held. Choose another date, or have an administra"
        "tor "
        "import it with cityllm corpus add."),
    "may_not_answer": (
        "没有找到把握大的条文。下面是检索到的最接近的，未必回答这个问题，请打开核对。",
        "No article was found that answers this with confidence. What follows is the nearest one; "
        "it may not answer the question, so please open and check it."),
    "unsupported": (
        "模型写的内容没有通过核对：缺少可以打开的依据，所以不展示。请说得具体一些，例如写明法规名称、事项或"
        "数量。",
        "What the model wrote did not pass verification: nothing that can be opened supports it,"
        " so it "
        "is not shown. Please be more specific: name the regulation, the matter or the amounts."),
    "tool_failed": (
        "工具“{tool}”运行失败，这次没有结果。请稍后再试；若一直如此，请运行 cityllm doctor 并告诉管理员。",
        "The tool '{tool}' failed, so there is no result. Please try again; if it keeps failing,"
        " run "
        "cityllm doctor and tell the administrator."),
    "no_model": (
        "语言模型现在不可用，所以没有整理过的回答，下面只是检索到的条文。请运行 cityllm doctor 查看原因。",
        "The language model is not available, so there is no composed answer; what follows are p"
        "lain "
        "search results. Run cityllm doctor to see why."),
    "no_model_nothing": (
        "语言模型现在不可用，检索也没有找到有关条文。请运行 cityllm doctor 查看原因。",
        "The language model is not available, and the search found nothing. Run cityllm doctor t"
        "o see "
        "why."),
    "engine_died": (
        "语言模型在回答中途停止了，这次没有写出回答。请再问一次；若仍然如此，请运行 cityllm doctor 查看原因。",
        "The language model stopped in the middle, so there is no composed answer. Ask again; if"
        " it "
        "happens again, run cityllm doctor to see why."),
    "plain_results": ("下面是检索到的条文：", "Plain search results:"),
    # what the program adds to an answer
    "retelling_removed": (
        "模型的转述没有通过核对，已经删去；下面是有关内容的原文。",
        "The model's own wording did not pass verification and was removed; the source itself fo"
        "llows."),
    "quote_head": ("{title}{label}（{version}，{form}）", "{title} {label} ({version}; {form})"),
    "verbatim": ("全文", "full text"),
    "digest": ("摘要，非原文", "digest, not the official wording"),
    "version": ("{date} 版", "version of {date}"),
    "version_unknown": ("版本日期不详", "version date unknown"),
    "quote_cut": ("（本条其余内容请打开条文查看）", "(open the article for the rest of it)"),
    "also_found": ("另可参看：", "See also: "),
    "nearest": ("检索到的最接近的条文：", "The nearest articles found:"),
    "status_known": ("法规时效信息截至 {date}", "status as known on {date}"),
    "as_of": ("按 {date} 有效的文本", "texts in force on {date}"),
    "data_line": ("{label}：{figure}（来源：{source}）", "{label}: {figure} (source: {source})"),
    "run": ("运行结果", "run"),
    # what the model is told of a call
    "nothing_found": ("没有查到有关条文。", "No article was found."),
    "missing_argument": ("缺少参数 {name}。需要：{allowed}。", "Argument {name} is missing. Needed: {allo"
                                                      "wed}."),
    "no_article_number": ("“{value}”里没有条号；请写成“第六十四条”。",
                          "There is no article number in '{value}'; write 'Article 64'."),
    "not_simulated": (
        "交通模拟里没有“{what}”，算不出它的影响。能模拟的是：封闭整条路（主路、北桥、东环）、车流增减、限行。",
        "The traffic simulation has no part for '{what}' and cannot tell its effect. It can close "
        "a whole road (main road, north bridge, east ring), change demand, or restrict plates."),
    "counts_back": (
        "期限只会从起算日往后数，不会从截止日往前推。请给出起算日和期限。",
        "A period is only counted forward from its start, not back from its end: name the start "
        "and the period."),
    "year_assumed": ("注意：“{said}”没有写年份，按{day}计算。",
                     " Note: '{said}' names no year; {day} was taken."),
    "whole_road": (
        "注意：模拟只会封闭整条路，这是整条路封闭的结果，不是“{what}”的。",
        " Note: the simulation can only close a whole road; this is the result of closing all of "
        "it, not '{what}'."),
    "no_adviser": ("这里没有装惠企政策。", "There are no policies for enterprises here."),
    "told_by_model": ("结论由规则得出；其余是大模型写的，名称和数字由规则填入，句子核对过。",
                      "The verdict is the rules'; the rest was written by the model, with names "
                      "and figures filled in by the rules and each sentence checked."),
    "no_narrator": (
        "这段话全由规则写成：随附的小模型写不了这种说明，接上大模型服务（CITYLLM_ENGINE=endpoint）才有。",
        "These words are the rules' own: the small bundled model cannot write them; a larger one "
        "can (CITYLLM_ENGINE=endpoint)."),
    "narrator_removed": ("这段话全由规则写成：大模型的句子没有通过核对。",
                         "These words are the rules' own: no sentence of the model passed."),
    "no_desk": ("这里没有装信访工具。", "There are no petition tools here."),
    # names of tools for a user
    "search_regulations": ("检索法规", "Search regulations"),
    "read_article": ("查阅条文", "Read an article"),
    "calculate": ("计算", "Calculate"),
    "legal_deadline": ("推算法定期限", "Legal deadline"),
    "query_city_data": ("查询城市数据", "Query city data"),
    "traffic_scenario": ("模拟交通方案", "Simulate a traffic plan"),
    "triage_petition": ("研判来信", "Triage of a message"),
    "similar_petitions": ("查找相似往件", "Similar past cases"),
    "match_policies": ("匹配惠企政策", "Policies for an enterprise"),
    "draft_reply": ("起草答复", "Draft of a reply"),
    # export
    "export_title": ("问答记录", "Question and answer"),
    "export_question": ("问题", "Question"),
    "export_answer": ("回答", "Answer"),
    "export_evidence": ("依据", "Evidence"),
    "export_steps": ("经过", "Steps"),
    "export_removed": ("未通过核对而删去的内容", "Removed because it could not be verified"),
    "export_source": ("来源", "Source"),
    "export_status": ("状态", "Status"),
}


def say(message: str, language: Language = "zh", /, **values: object) -> str:
    """A sentence in `language` with its values filled in. KeyError for an unknown one."""
    return MESSAGES[message][0 if language == "zh" else 1].format(**values)
