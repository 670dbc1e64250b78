"""From text to the bundled model: tokenizer, base, dialogues, LoRA, export."""
