"""What a rule reports: where, which code, why, and what to write in its place. Plain data that crosses processes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file: lines begin at 1, columns at 0, as libcst and ``ast`` count them."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replaces what stands between two positions by ``text``."""

    start: Place
    end: Place
    text: str


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    """One finding in a file of the user's.

    Parameters
    ----------
    path
        The file, as it is printed.
    start, end
        The code that is meant.
    code
        The rule's code, ``CGL101``.
    message
        The reason, one sentence.
    replacement
        The code to write in its place, or what to do where that is not one expression.
    edits
        What ``--fix`` does; empty where the fix needs a person.
    """

    path: str
    start: Place
    end: Place
    code: str
    message: str
    replacement: str
    edits: tuple[Edit, ...] = ()

    @property
    def line(self) -> int:
        """The first line, from 1."""
        return self.start.line

    @property
    def column(self) -> int:
        """The first column, from 1 as editors count."""
        return self.start.column + 1

    @property
    def text(self) -> str:
        """Two lines: where, which and why; and what to write instead."""
        place = f"{self.path}:{self.line}:{self.column}"
        return f"{place}: {self.code} {self.message}\n    instead: {self.replacement}\n"
