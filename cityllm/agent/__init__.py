"""Question and history in, events out, the last of them a verified Answer."""
