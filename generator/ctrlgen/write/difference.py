"""Prints changes as a unified diff."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

from ctrlgen.write.changes import Change, Changes, with_plain_line_ends


def unified_diff(changes: Changes, root: Path) -> str:
    """Return the diff that would bring the disk up to date, with paths relative to ``root``."""
    return "".join(line for change in changes.pending for line in _lines(change, root))


def _lines(change: Change, root: Path) -> Iterator[str]:
    path = change.file.relative_to(root).as_posix() if change.file.is_relative_to(root) else change.file.as_posix()
    before, after = _text(change.before), _text(change.after)
    old = "/dev/null" if change.before is None else f"a/{path}"
    new = "/dev/null" if change.after is None else f"b/{path}"
    for line in difflib.unified_diff(before, after, old, new):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _text(content: bytes | None) -> list[str]:
    return with_plain_line_ends(content or b"").decode(errors="replace").splitlines(keepends=True)
