"""Plain functions with units. Nothing here knows of language models or imports cityllm."""
