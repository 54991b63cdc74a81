"""The comments ``# ctrlgen: ignore[CGL101]`` that keep a finding quiet."""

from __future__ import annotations

import io
import re
import tokenize

from ctrlgen.lint.diagnostics import Diagnostic

_IGNORE = re.compile(r"#\s*ctrlgen:\s*ignore(?:\[(?P<codes>[^\]]*)\])?(?![\w\[])")


class Suppressions:
    """The comments of one file."""

    def __init__(self, text: str) -> None:
        self._codes: dict[int, frozenset[str] | None] = {}
        if "ctrlgen:" not in text:
            return
        for line, comment in _comments(text):
            match = _IGNORE.search(comment)
            if match:
                codes = match["codes"]
                self._codes[line] = None if codes is None else frozenset(code.strip() for code in codes.split(","))

    def cover(self, diagnostic: Diagnostic) -> bool:
        """Whether a comment on the finding's first or last line is about it; one without codes is about any."""
        for line in {diagnostic.start.line, diagnostic.end.line} & self._codes.keys():
            codes = self._codes[line]
            if codes is None or diagnostic.code in codes:
                return True
        return False


def _comments(text: str) -> list[tuple[int, str]]:
    """Return the comments with their lines; of a source that Python cannot read to its end, those before."""
    comments: list[tuple[int, str]] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            comments += [(token.start[0], token.string)] if token.type == tokenize.COMMENT else []
    except (tokenize.TokenError, SyntaxError):  # newer syntax than this Python's: then by the lines alone
        return [(number, line) for number, line in enumerate(text.splitlines(), 1) if "#" in line]
    return comments
