"""Weights, tokenizer and the decoding loop of the bundled model. Knows token ids, not messages."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cityllm.errors import ModelError, ModelUnavailable
from cityllm.model.chat_format import CALL_OPEN, whole_references

SHARED = 16
"""From so many tokens at a step on, the work is shared among threads."""


class Engine:
    """One model in memory. Several generations may be under way; they take turns token by token.

    `context` is the longest text, prompt and answer together, in tokens.
    """

    def __init__(self, weights: Path, threads: int, adapter: bool, seed: int) -> None:
        base = weights / "base"
        if not (base / "config.json").exists():
            raise ModelUnavailable(
                f"在 {weights} 没有找到模型权重。请运行 python -m finetune all --recipe cpu，"
                "或设置 CITYLLM_ENGINE=endpoint。",
                f"No model weights in {weights}. Run python -m finetune all --recipe cpu, "
                "or set CITYLLM_ENGINE=endpoint.")
        import torch

        torch.set_num_threads(threads)
        self._torch = torch
        self._threads = threads
        self._random = torch.Generator().manual_seed(seed)
        self._turn = threading.Lock()
        self._last: tuple[list[int], Any] | None = None
        try:
            self._read(weights, adapter)
        except Exception as problem:  # four libraries read here, each with errors of its own
            raise ModelUnavailable(
                f"{weights} 里的模型权重读不出来（{type(problem).__name__}）。请重新取得这些文件，"
                "或运行 python -m finetune all --recipe cpu。",
                f"The model weights in {weights} cannot be read ({type(problem).__name__}). "
                "Fetch the files again, or run python -m finetune all --recipe cpu.") from problem
        self.context = int(self.model.config.max_position_embeddings)

    def _read(self, weights: Path, adapter: bool) -> None:
        from llguidance.hf import from_tokenizer
        from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]
        self.tokenizer: Any = PreTrainedTokenizerFast.from_pretrained(
            weights / "base", local_files_only=True)
        model: Any = Qwen3ForCausalLM.from_pretrained(
            weights / "base", dtype=self._torch.float32, local_files_only=True)
        if adapter and (weights / "adapter" / "adapter_config.json").exists():
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, str(weights / "adapter")).merge_and_unload()
        self.model: Any = model.eval()
        self._guide = from_tokenizer(self.tokenizer, n_vocab=len(self.tokenizer), slices=[])
        self._eos = int(self.tokenizer.eos_token_id)

    def prompt(self, rows: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]]) -> list[int]:
        """Token ids of a conversation, ready for the model's turn."""
        text = self.tokenizer.apply_chat_template(
            list(rows), tools=list(tools) or None, tokenize=False, add_generation_prompt=True)
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def generate(self, prompt: list[int], lark: str, max_tokens: int, temperature: float,
                 ) -> Iterator[str]:
        """Pieces of text, ended by the end-of-turn token; every token allowed by the grammar.

        Tokens that the grammar forces are taken without asking the model, several at a step. An
        answer of more than `max_tokens` ends before a reference that is not whole. Raises
        ModelError where the grammar cannot be followed.
        """
        matcher = self.check(lark)
        cache, known = self._resume(prompt)
        fresh, made, sent, text = prompt[known:], list[int](), "", ""
        while not matcher.is_stopped() and len(prompt) + len(made) < self.context:
            if len(made) >= max_tokens and not text.startswith(CALL_OPEN):
                break
            with self._turn, self._torch.inference_mode():
                logits = self.forward(fresh, cache)
                token = self._choose(logits, matcher, temperature)
            matcher.consume_token(token)
            forced = [] if matcher.is_stopped() else matcher.compute_ff_tokens()
            matcher.consume_tokens(forced)
            if matcher.is_error():
                raise _wrong(matcher.get_error())
            fresh = [token, *forced]
            made += [t for t in fresh if t != self._eos]
            text = self.tokenizer.decode(made)
            ready = whole_references(text.rstrip("\ufffd"))
            if len(ready) > len(sent):
                yield ready[len(sent):]
                sent = ready
        with self._turn:
            self._last = (prompt, cache)

    def forward(self, fresh: list[int], cache: Any) -> Any:
        """Logits after the last of `fresh`; the cache grows by all of them.

        A single token is too little work to share: waiting for each other, two threads on a busy
        machine write a fifth of what one writes.
        """
        self._torch.set_num_threads(self._threads if len(fresh) >= SHARED else 1)
        try:
            hidden = self.model.model(
                input_ids=self._torch.tensor([fresh]), past_key_values=cache,
                use_cache=True).last_hidden_state[0, -1]
            return self.model.lm_head(hidden)
        finally:
            self._torch.set_num_threads(self._threads)

    def check(self, lark: str) -> Any:
        """A matcher for the grammar. Raises ModelError where it is wrong."""
        from llguidance import LLMatcher

        matcher = LLMatcher(self._guide, LLMatcher.grammar_from_lark(lark), log_level=0)
        if matcher.is_error():
            raise _wrong(matcher.get_error())
        return matcher

    def _resume(self, prompt: list[int]) -> tuple[Any, int]:
        """A cache of keys and values, and how many tokens of the prompt it holds already.

        The beginning (system words and tools) is mostly that of the prompt before.
        """
        from transformers import DynamicCache

        with self._turn:
            last, self._last = self._last, None
        if last is None:
            return DynamicCache(config=self.model.config), 0
        before, cache = last
        same = next((i for i, (a, b) in enumerate(zip(before, prompt, strict=False)) if a != b),
                    min(len(before), len(prompt)))
        same = min(same, len(prompt) - 1)
        if (more := cache.get_seq_length() - same) > 0:
            cache.crop(-more)
        return cache, same

    def _choose(self, logits: Any, matcher: Any, temperature: float) -> int:
        import numpy as np

        bits = np.unpackbits(np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8),
                             bitorder="little")[: logits.shape[-1]]
        allowed = self._torch.from_numpy(bits.astype(bool))
        logits = logits[: len(bits)].float().masked_fill(~allowed, float("-inf"))
        if temperature <= 0:
            return int(logits.argmax())
        chances = self._torch.softmax(logits / temperature, -1)
        return int(self._torch.multinomial(chances, 1, generator=self._random))


def _wrong(reason: str) -> ModelError:
    return ModelError(
        f"模型的文法用不了：{reason.splitlines()[0][:200]}。请换个问法；若总是这样，请检查工具的参数说明。",
        f"The grammar cannot be followed: {reason.splitlines()[0][:200]}. Ask differently; if it "
        "stays, check the schemas of the tools.")
