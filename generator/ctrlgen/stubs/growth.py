"""Adds text to a test file without touching a byte of it."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ctrlgen.stubs.existing import TestFile


def grow(file: TestFile, imports: Sequence[str], tests: str) -> str:
    """Return the file's text with import lines added behind its last import, and tests at its end."""
    newline = "\r\n" if "\r\n" in file.text else "\n"
    lines = file.text.splitlines(keepends=True)
    head, tail = "".join(lines[: file.last_import]), "".join(lines[file.last_import :])
    added = "".join(f"{line}\n" for line in imports)
    if added and head and not head.endswith(("\n", "\r")):
        added = f"\n{added}"
    end = "" if (tail or head).endswith(("\n", "\r")) else "\n"
    grown = f"{head}{added.replace(chr(10), newline)}{tail}{(end + chr(10) * 2 + tests).replace(chr(10), newline)}"
    ast.parse(grown)  # rather nothing than a file that no longer parses
    return grown
