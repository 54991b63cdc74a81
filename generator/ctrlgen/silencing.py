"""Silences findings, by the setting ``silence`` or by a comment ``# ctrlgen: ignore[...]``.

``pipeline`` filters the findings of a run with :class:`Silence`. ``lint`` reads the same comments.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from ctrlgen.findings import RULES, UNUSED_COMMENT, UNUSED_SILENCE, Finding, Location

_COMMENT = re.compile(r"#\s*ctrlgen:\s*ignore(?:\[(?P<codes>[^\]]*)\])?(?![\w\[])")


class IgnoreComments:
    """The comments of one file. ``codes`` maps lines to the codes in their comment; None stands for all codes."""

    def __init__(self, text: str) -> None:
        self.codes: dict[int, frozenset[str] | None] = {}
        for line, comment in _comments(text) if "ctrlgen:" in text else ():
            if match := _COMMENT.search(comment):
                codes = match["codes"]
                self.codes[line] = None if codes is None else frozenset(re.findall(r"\w+", codes))

    def ignore(self, code: str, *lines: int) -> bool:
        """Return whether a comment on one of these lines ignores a code."""
        return any((codes := self.codes[line]) is None or code in codes for line in {*lines} & self.codes.keys())


def _comments(text: str) -> list[tuple[int, str]]:
    """Return the comments with their lines, up to the first syntax error."""
    comments: list[tuple[int, str]] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            comments += [(token.start[0], token.string)] if token.type == tokenize.COMMENT else []
    except (tokenize.TokenError, SyntaxError):  # newer syntax than this Python supports: search the lines
        return [(number, line) for number, line in enumerate(text.splitlines(), 1) if "#" in line]
    return comments


class Silence:
    """The silences of a project: the setting, and the comments in models and tests.

    Parameters
    ----------
    entries
        The setting ``silence``: codes, ``CG101``, or codes for one object, ``CG101:Member.team_id``.
    project
        The folder that the locations of findings are relative to.
    """

    def __init__(self, entries: Sequence[str], project: Path) -> None:
        self._entries, self._project = entries, project
        self._files: dict[str, IgnoreComments] = {}

    def remaining(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Return the findings that are not silenced."""
        return tuple(
            finding
            for finding in findings
            if not any(_is_about(entry, finding) for entry in self._entries) and not self._is_ignored(finding)
        )

    def unused(self, findings: Collection[Finding], files: Iterable[str]) -> Iterator[Finding]:
        """Yield a finding for each entry, and each code in a comment, that silences none of these findings.

        Codes about tests are not reported, because these findings come and go while tests are written.

        Parameters
        ----------
        files
            The files that declare models.
        """
        for entry in dict.fromkeys(self._entries):
            code = entry.partition(":")[0]
            if _lasts(code) and not any(_is_about(entry, finding) for finding in findings):
                yield UNUSED_SILENCE.at(_place_of(entry, self._project / "pyproject.toml"), entry=entry)
        quiet = {(finding.location, finding.code) for finding in findings if self._is_ignored(finding)}
        for file in sorted({*files}):
            for line, codes in self._comments(file).codes.items():
                place = Location(file, line)
                for code in sorted(code for code in codes or () if _lasts(code) and (place, code) not in quiet):
                    yield UNUSED_COMMENT.at(place, code=code)

    def _is_ignored(self, finding: Finding) -> bool:
        rule, place = RULES[finding.code], finding.location
        return rule.silenceable and self._comments(place.file).ignore(finding.code, place.line)

    def _comments(self, file: str) -> IgnoreComments:
        if file not in self._files:
            self._files[file] = IgnoreComments(_text(self._project / file))
        return self._files[file]


def _text(file: Path) -> str:
    """Return the source of a file; empty if it has no ignore comment, or cannot be read."""
    try:
        content = file.read_bytes()
        if b"ctrlgen:" not in content:  # true for nearly all files
            return ""
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(encoding)
    except (OSError, SyntaxError, UnicodeDecodeError):
        return ""


def _is_about(entry: str, finding: Finding) -> bool:
    """Return whether an entry of ``silence`` matches a finding."""
    code, _, name = entry.partition(":")
    model, _, attribute = name.partition(".")
    words = set(re.findall(r"\w+", finding.message))
    return finding.code == code and (not name or (model in words and (not attribute or attribute in words)))


def _lasts(code: str) -> bool:
    """Return whether findings with this code depend only on the models."""
    return code.startswith("CG") and not code.startswith(("CG3", "CG4", "CG5", "CG6", "CGL"))


def _place_of(entry: str, file: Path) -> Location:
    """Return the line of an entry, or the first line if it cannot be located."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    numbered = list(enumerate(lines, 1))
    start = next((number for number, line in numbered if re.search(r"\bsilence\b[\s\"']*=", line)), 1)
    quoted = (f'"{entry}"', f"'{entry}'")
    return Location(
        file.name, next((number for number, line in numbered[start - 1 :] if any(text in line for text in quoted)), 1)
    )
