"""Applies the edits of findings to the source of a file, for ``--fix``, and keeps the layout of a formatted file."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from ctrlgen.errors import InstallationError
from ctrlgen.format import ruff_executable
from ctrlgen.lint.diagnostics import Diagnostic, Edit, Place

_LINE_ENDS = re.compile(r"\r\n|\r|\n")


def fixed(text: str, diagnostics: Iterable[Diagnostic]) -> tuple[str, int]:
    """Return the text with the edits applied, and the number of findings fixed.

    If the edits of findings overlap, only the first is applied. The next pass fixes the others.
    """
    starts = [0, *(match.end() for match in _LINE_ENDS.finditer(text))]
    applied: set[tuple[int, int, str]] = set()
    count = 0
    for diagnostic in sorted(diagnostics):
        spans = {_span(edit, starts) for edit in diagnostic.edits}
        if spans and not any(_overlap(span, other) for span in spans for other in applied - spans):
            applied |= spans
            count += 1
    for start, end, replacement in sorted(applied, reverse=True):
        text = text[:start] + replacement + text[end:]
    return text, count


def is_formatted(content: bytes, file: Path) -> bool:
    """Return whether the content of a file is as ``ruff format`` would write it with the project's settings."""
    return formatted(content, file) == content


def formatted(content: bytes, file: Path) -> bytes | None:
    """Return the content as formatted by ruff; None if ruff is not installed, or cannot format it."""
    try:
        command = [ruff_executable(), "format", "--quiet", "--stdin-filename", str(file.absolute()), "-"]
    except InstallationError:
        return None
    done = subprocess.run(command, input=content, cwd=file.absolute().parent, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def _span(edit: Edit, starts: Sequence[int]) -> tuple[int, int, str]:
    return _offset(edit.start, starts), _offset(edit.end, starts), edit.text


def _offset(place: Place, starts: Sequence[int]) -> int:
    return starts[place.line - 1] + place.column


def _overlap(span: tuple[int, int, str], other_span: tuple[int, int, str]) -> bool:
    if span[0] == span[1] or other_span[0] == other_span[1]:
        return span[0] == other_span[0] and span[1] == other_span[1]
    return span[0] < other_span[1] and other_span[0] < span[1]
