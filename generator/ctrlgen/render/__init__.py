"""Turns the ``Package`` into source text with Jinja."""
