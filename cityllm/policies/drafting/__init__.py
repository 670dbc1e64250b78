"""From a policy's text to a proposed rule file, to a published one. A person decides each step."""
