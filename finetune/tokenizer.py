"""Byte-level BPE with the control tokens of Qwen3, so that its chat format carries over."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from finetune.recipe import Recipe, TokenizerPart
from finetune.sources import conversations, law_texts

CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MARKS = ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<tools>",
         "</tools>", "<think>", "</think>"]
# Fragments that every tool schema and call repeats: one token each keeps prompts short.
FRAGMENTS = [
    '{"type": "function", "function": {"name": "', '", "description": "', '", "parameters": ',
    '{"type": "object", "properties": {"', '": {"type": "', '"}, "', '"}}, "required": ["',
    '"}, "required": ["', '"}}, "required": []}}}', '"], "description": "', '"string"', '"number"',
    '"integer"', '"boolean"', '"enum": ["', '{"name": "', '", "arguments": {"', '": "', '", "',
    '": ', '"}}', '}}', '"]}}}', '{"name": <function-name>, "arguments": <args-json-object>}',
    "# Tools", "system", "user", "assistant", "search", "regulations", "article", "calculate",
    "legal",
    "deadline", "query", "city", "data", "traffic", "scenario", "read",
    *(f"[E{i}]" for i in range(1, 10)), *(f"{{E{i}." for i in range(1, 10)),
]
# One digit a token (figures are copied digit by digit), letters, Han runs, then everything else.
_SPLIT = Regex(r"\p{N}|\p{Han}+| ?[A-Za-z]+|_|\s*[\r\n]+|\s+|[^\s\p{N}\p{Han}A-Za-z_]+")


def train_tokenizer(texts: list[str], part: TokenizerPart, out: Path) -> PreTrainedTokenizerFast:
    """Train on the first `part.characters` characters of `texts`; write it and the template."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(_SPLIT, "isolated"),
         pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=part.vocab_size - len(MARKS) - len(FRAGMENTS),
        special_tokens=CONTROL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=True, max_token_length=24)
    budget = part.characters
    count = 0
    for text in texts:
        budget -= len(text)
        count += 1
        if budget < 0:
            break
    tokenizer.train_from_iterator(islice(texts, count), trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>",
        clean_up_tokenization_spaces=False)
    fast.add_tokens(MARKS + FRAGMENTS)
    fast.chat_template = (Path(__file__).parent / "chat_template.jinja").read_text(encoding="utf-8")
    out.mkdir(parents=True, exist_ok=True)
    fast.save_pretrained(out)
    return fast


def train_from_data(data: Path, recipe: Recipe) -> PreTrainedTokenizerFast:
    """Train on laws and chats in turn, so that both styles shape the vocabulary."""
    laws = law_texts(data, recipe.seed)
    chats = ["\n".join(m["content"] for m in chat) for chat in conversations(data, recipe.seed)]
    mixed: list[str] = []
    for i in range(max(len(laws), len(chats))):
        mixed += laws[i : i + 1] + chats[i : i + 1]
    return train_tokenizer(mixed, recipe.tokenizer, recipe.folder / "tokenizer")
