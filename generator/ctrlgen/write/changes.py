"""Finds what would change on disk, file by file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ctrlgen.errors import OutputError
from ctrlgen.write.ownership import our_files, refuse_foreign

State = Literal["created", "changed", "removed", "unchanged"]


@dataclass(frozen=True, slots=True)
class Change:
    """One file before and after; None where it does not exist."""

    file: Path
    before: bytes | None
    after: bytes | None

    @property
    def state(self) -> State:
        """What happens to the file; line ends are left as a checkout made them."""
        if self.before is None or self.after is None:
            return "unchanged" if self.before == self.after else "created" if self.before is None else "removed"
        return "unchanged" if with_plain_line_ends(self.before) == with_plain_line_ends(self.after) else "changed"


@dataclass(frozen=True, slots=True)
class Changes:
    """All files of a run, sorted by path."""

    files: tuple[Change, ...]

    def having(self, state: State) -> list[Change]:
        """Return the files in this state."""
        return [change for change in self.files if change.state == state]

    @property
    def pending(self) -> list[Change]:
        """The files that differ from the disk."""
        return [change for change in self.files if change.state != "unchanged"]

    def __add__(self, other: Changes) -> Changes:
        return Changes(tuple(sorted(self.files + other.files, key=lambda change: change.file)))


def with_plain_line_ends(content: bytes) -> bytes:
    """Return a file's content as ctrlgen emits it, whatever ``core.autocrlf`` made of it."""
    return content.replace(b"\r\n", b"\n")


def compare(sources: Mapping[str, str], folder: Path) -> Changes:
    """Compare the sources with the files under ``folder``; ours that are no longer emitted are to go.

    Raises
    ------
    OutputError
        A source would overwrite something that is not ours, or a file can not be read.
    """
    wanted = {folder / path: text.encode() for path, text in sources.items()}
    try:
        for file in wanted:
            refuse_foreign(file)
        gone = [file for file in our_files(folder) if file not in wanted]
        return compare_texts(wanted | dict.fromkeys(gone))
    except OSError as error:
        raise OutputError(f"can not read `{error.filename}`: {error.strerror}", hint="check its permissions") from error


def compare_texts(wanted: Mapping[Path, bytes | None]) -> Changes:
    """Compare what is wanted with what is there, whoever wrote it."""
    files = (Change(file, file.read_bytes() if file.exists() else None, after) for file, after in wanted.items())
    return Changes(tuple(sorted(files, key=lambda change: change.file)))
