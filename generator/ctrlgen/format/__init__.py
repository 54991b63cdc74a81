"""Formats the sources with ruff."""
