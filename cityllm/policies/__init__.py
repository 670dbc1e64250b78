"""Dated rules over an enterprise's fields: which policies it meets, for how much, and why not."""
