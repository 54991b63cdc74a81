"""Keeps known findings quiet: by the setting ``silence``, or by a comment ``# ctrlgen: ignore[...]``.

``pipeline`` asks :class:`Silence` about the findings of a run; ``lint`` reads the same comments.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from ctrlgen.finding import Finding, Location
from ctrlgen.findings import RULES, UNUSED_COMMENT, UNUSED_SILENCE

_COMMENT = re.compile(r"#\s*ctrlgen:\s*ignore(?:\[(?P<codes>[^\]]*)\])?(?![\w\[])")


class IgnoreComments:
    """The comments of one file; ``codes`` are those that a line's comment lists, None where it is about any."""

    def __init__(self, text: str) -> None:
        self.codes: dict[int, frozenset[str] | None] = {}
        for line, comment in _comments(text) if "ctrlgen:" in text else ():
            if match := _COMMENT.search(comment):
                codes = match["codes"]
                self.codes[line] = None if codes is None else frozenset(re.findall(r"\w+", codes))

    def ignore(self, code: str, *lines: int) -> bool:
        """Tell whether a comment on one of these lines is about a code."""
        return any((codes := self.codes[line]) is None or code in codes for line in {*lines} & self.codes.keys())


def _comments(text: str) -> list[tuple[int, str]]:
    """Return the comments with their lines; of a source that Python cannot read to its end, those before."""
    comments: list[tuple[int, str]] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            comments += [(token.start[0], token.string)] if token.type == tokenize.COMMENT else []
    except (tokenize.TokenError, SyntaxError):  # newer syntax than this Python's: then by the lines alone
        return [(number, line) for number, line in enumerate(text.splitlines(), 1) if "#" in line]
    return comments


class Silence:
    """What keeps the findings about a project's models and tests quiet.

    Parameters
    ----------
    entries
        The setting ``silence``: codes, ``CG101``, and codes of a single thing, ``CG101:Member.team_id``.
    project
        What the places of findings are relative to.
    """

    def __init__(self, entries: Sequence[str], project: Path) -> None:
        self._entries, self._project = entries, project
        self._files: dict[str, IgnoreComments] = {}

    def remaining(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Return the findings that nothing keeps quiet."""
        return tuple(
            finding
            for finding in findings
            if not any(_is_about(entry, finding) for entry in self._entries) and not self._is_ignored(finding)
        )

    def unused(self, findings: Collection[Finding], files: Iterable[str]) -> Iterator[Finding]:
        """Yield a finding for each entry, and each code in a comment, that keeps none of these findings quiet.

        Those about tests are left alone: they come and go while tests are written.

        Parameters
        ----------
        files
            Where models are declared.
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
    """Return a source; nothing where it has no comment of ours, or cannot be read."""
    try:
        content = file.read_bytes()
        if b"ctrlgen:" not in content:  # of nearly all
            return ""
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(encoding)
    except (OSError, SyntaxError, UnicodeDecodeError):
        return ""


def _is_about(entry: str, finding: Finding) -> bool:
    """Tell whether an entry of ``silence`` is about a finding."""
    code, _, name = entry.partition(":")
    model, _, attribute = name.partition(".")
    words = set(re.findall(r"\w+", finding.message))
    return finding.code == code and (not name or (model in words and (not attribute or attribute in words)))


def _lasts(code: str) -> bool:
    """Tell whether a code is that of a finding which stays as long as the models are what they are."""
    return code.startswith("CG") and not code.startswith(("CG3", "CG4", "CG5", "CG6", "CGL"))


def _place_of(entry: str, file: Path) -> Location:
    """Return the line of an entry; the first line where the setting is written in a way that hides it."""
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
