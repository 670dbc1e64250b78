"""The chat page: Gradio parts, and which event changes which of them. It only renders.

Every part but the question box is one HTML string made by a pure function (`frame`, `turns`,
`citation_panel`); `page.js` turns clicks into named events; `handlers` answers them. An answer is
followed by a generator that ends when the answer does.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import gradio as gr

from cityllm.web.handlers import FIRST_DAY, LAST_DAY, Chat
from cityllm.web.texts import text

HERE = Path(__file__).parent
_DATE = (f'<input type="date" min="{FIRST_DAY}" max="{LAST_DAY}" aria-labelledby="as-of-words" '
         'value="${value}">')
_DATE_JS = "element.addEventListener('change', (e) => { props.value = e.target.value; });"


@dataclass
class Parts:
    """The parts of the page in the order in which `Chat.view` fills them."""

    header: gr.HTML
    history: gr.HTML
    transcript: gr.HTML
    live: gr.HTML
    welcome: gr.HTML
    date_words: gr.HTML
    date_hint: gr.HTML
    question: gr.Textbox
    send: gr.Button
    stop: gr.Button
    small: gr.HTML
    notice: gr.HTML

    def all(self) -> list[Any]:
        """In order."""
        return [getattr(self, field.name) for field in fields(self)]


def build_page(chat: Chat) -> gr.Blocks:
    """Lay out the parts and tie events to handlers."""
    script = (HERE / "page.js").read_text("utf-8")

    def html(name: str) -> gr.HTML:
        return gr.HTML("", elem_id=name, js_on_load=script, apply_default_css=False)

    with gr.Blocks(title=text("title", chat.language), analytics_enabled=False) as page:
        language, conversation = gr.State(chat.language), gr.State("")
        with gr.Column(elem_id="site"):
            top = html("top")
            side = html("side")
            with gr.Column(elem_id="main"):
                turns, live, welcome = html("transcript"), html("live"), html("welcome")
            article = html("panel")
            with gr.Column(elem_id="composer"):
                notice = html("notice")
                with gr.Row(elem_id="ask-row"):
                    question = gr.Textbox(elem_id="question", show_label=False, container=False,
                                          lines=1, max_lines=6, autofocus=True, scale=1)
                    send = gr.Button(elem_id="send", scale=0)
                    stop = gr.Button(elem_id="stop", scale=0, visible=False)
                with gr.Row(elem_id="date-row"):
                    date_words = html("date-words")
                    as_of = gr.HTML("", elem_id="as-of", html_template=_DATE, js_on_load=_DATE_JS,
                                    apply_default_css=False)
                    hint = html("hint")
                small = html("small")
        parts = Parts(top, side, turns, live, welcome, date_words, hint, question, send, stop,
                      small, notice).all()
        here = [conversation, language]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}

        def followed(event: Any) -> None:
            """After `event`: follow the answer that is on its way, then show what came of it."""
            event.then(chat.follow, here, live, concurrency_limit=None, **quiet).then(
                chat.show, here, parts, **quiet)

        followed(page.load(chat.load, None, [language, conversation, *parts], **quiet))
        followed(gr.on([question.submit, send.click], chat.ask,
                       [question, as_of, conversation, language],
                       [conversation, *parts], **quiet))
        followed(welcome.example(chat.example, [as_of, conversation, language],
                                 [conversation, *parts], **quiet))
        followed(side.open(chat.open, [language], [conversation, article, *parts], **quiet))
        side.fresh(chat.fresh, [language], [conversation, article, *parts], **quiet)
        side.remove(chat.remove, here, [conversation, *parts], **quiet)
        top.speak(chat.speak, [conversation], [language, article, *parts], **quiet)
        stop.click(chat.stop, [conversation], None, **quiet)
        for part in (turns, article):
            part.cite(chat.cite, [language], article, **quiet)
        article.shut(lambda: "", None, article, **quiet)
        turns.rate(chat.rate, here, parts, **quiet)
        turns.comment(chat.comment, here, parts, **quiet)
        page.unload(chat.close_tab)
    blocks: gr.Blocks = page.queue(default_concurrency_limit=16)
    return blocks
