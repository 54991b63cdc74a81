"""Detects from its source whether a module declares a table, without importing it."""

from __future__ import annotations

import re

_TABLE = re.compile(rb"""\btable["']?\s*[=:]\s*True\b""")


def declares_table(source: bytes) -> bool:
    """Return whether a class in this source may be a table."""
    return _TABLE.search(source) is not None
