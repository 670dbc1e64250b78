"""Where tokens come from: an OpenAI-compatible endpoint, or the bundled model in process."""
