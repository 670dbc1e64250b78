"""A city's own language-model assistant."""

__version__ = "0.1.0"
