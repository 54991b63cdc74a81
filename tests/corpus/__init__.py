"""Models nobody would write all at once: what the generator must serve, and what the type checkers are shown."""
