"""Knows which files in the output folder ctrlgen emitted: those that begin with its header."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ctrlgen.errors import OutputError
from ctrlgen.render import HEADER

_SUFFIXES = frozenset({".py", ".typed"})


def is_ours(file: Path) -> bool:
    """Tell whether ctrlgen emitted this file."""
    with file.open("rb") as stream:
        return stream.readline(len(HEADER) + 2).rstrip(b"\r\n") == HEADER.encode()


def our_files(folder: Path) -> Iterator[Path]:
    """Yield every file of the package in ``folder`` that ctrlgen emitted; one nested deeper is another package's."""
    for file in sorted((*folder.glob("*"), *folder.glob("runtime/*"))):
        if file.suffix in _SUFFIXES and file.is_file() and is_ours(file):
            yield file


def refuse_foreign(file: Path) -> None:
    """Raise ``OutputError`` where writing ``file`` would destroy something that is not ours."""
    for parent in file.parents:
        if parent.is_file():
            raise OutputError(f"`{parent}` is a file where a folder is needed", hint="move it, or set another `output`")
    if file.is_dir() or (file.exists() and not is_ours(file)):
        raise OutputError(
            f"`{file}` was not written by ctrlgen and is left alone; nothing was written",
            hint="move it, or set another `output`; if its first line was lost, delete it and generate again",
        )
