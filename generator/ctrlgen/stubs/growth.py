"""Adds text to a test file without touching a byte of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from ctrlgen.errors import OutputError
from ctrlgen.stubs.existing import TestFile

_AFTER_LINE = re.compile(rb"(?<=\n)|(?<=\r)(?!\n)")
"""Where Python begins a line; bytes know no other line ends, and in every encoding of sources these are themselves."""


def grow(file: TestFile, imports: Sequence[str], tests: str) -> bytes:
    """Return the file with import lines added behind its last import, and tests at its end.

    Raises
    ------
    OutputError
        The file's encoding has no place for what is added.
    """
    lines = _AFTER_LINE.split(file.raw)
    head, tail = b"".join(lines[: file.last_import]), b"".join(lines[file.last_import :])
    added = "".join(f"{line}\n" for line in imports)
    if added and head and not head.endswith((b"\n", b"\r")):
        added = f"\n{added}"
    end = "" if (tail or head).endswith((b"\n", b"\r")) else "\n"
    grown = head + _encoded(added, file) + tail + _encoded(f"{end}\n\n{tests}", file)
    ast.parse(grown)  # rather nothing than a file that no longer parses
    return grown


def _encoded(text: str, file: TestFile) -> bytes:
    """Return a text with the line ends and in the encoding of the file, whose mark is at its beginning only."""
    newline = "\r\n" if b"\r\n" in file.raw else "\n"
    try:
        return text.replace("\n", newline).encode(file.encoding.removesuffix("-sig"))
    except UnicodeEncodeError as error:
        message = f"a test file in {file.encoding} has no place for {error.object[error.start : error.end]!r}"
        raise OutputError(message, hint="save it as UTF-8, and generate again") from error
