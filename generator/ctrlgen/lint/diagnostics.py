"""The findings of rules, as plain data that is sent between processes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file. Lines are counted from 1, columns from 0, as in libcst and ``ast``."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replaces the source between two positions by ``text``."""

    start: Place
    end: Place
    text: str


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    """One finding in a checked file.

    Parameters
    ----------
    path
        The file, as it is printed.
    start, end
        The range of the code that is reported.
    code
        The rule's code, ``CGL101``.
    message
        The reason, in one sentence.
    replacement
        The code to write instead, or a description if that is not one expression.
    edits
        The edits of ``--fix``; empty if the finding has no automatic fix.
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
        """The first line, counted from 1."""
        return self.start.line

    @property
    def column(self) -> int:
        """The first column, counted from 1 as in editors."""
        return self.start.column + 1

    @property
    def text(self) -> str:
        """The printed form: a line with location, code and message, and a line with the replacement."""
        place = f"{self.path}:{self.line}:{self.column}"
        return f"{place}: {self.code} {self.message}\n    instead: {self.replacement}\n"
