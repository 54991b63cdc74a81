"""Finds texts for a pattern by trying what patterns mostly ask for: words, numbers, codes, addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ctrlgen.schema import Bounds

_SAMPLES = (1, 23, 456, 7890)
"""Numbers for which a text that counts must match."""

_WIDEST = 40
"""Characters of the longest code that is tried."""

_AROUND = (
    *(("", ""), ("x", ""), ("X", ""), ("x-", ""), ("X-", ""), ("x_", ""), ("#", ""), ("/", ""), ("@", "")),
    *(("x", "@example.org"), ("https://example.org/", ""), ("+1555", ""), ("x", ".org"), ("1.0.", "")),
)
"""What may stand before and behind a number."""


def counted_text(bounds: Bounds, words: str) -> tuple[str, str, str] | None:
    """Return what stands before a number that counts, the number's format, and what stands behind; None if unknown."""
    return next((text for text in _counted(words) if all(_fits(_filled(text, n), bounds) for n in _SAMPLES)), None)


def fixed_text(bounds: Bounds) -> str | None:
    """Return a text that matches; None if none is found."""
    same = (character * width for width in range(1, _WIDEST) for character in "xX7")
    counted = (_filled(text, _SAMPLES[-1]) for text in _counted("changed"))
    return next((text for text in (*counted, *same) if _fits(text, bounds)), None)


def _counted(words: str) -> Iterator[tuple[str, str, str]]:
    for before, behind in ((f"{words} ", ""), (words, ""), *_AROUND):
        yield before, "", behind
        for width in range(4, _WIDEST):
            yield before, f":0{width}d", behind
            yield before, f":0{width}x", behind


def _filled(text: tuple[str, str, str], number: int) -> str:
    before, form, behind = text
    return f"{before}{number:{form.removeprefix(':')}}{behind}"


def _fits(text: str, bounds: Bounds) -> bool:
    try:
        matches = bounds.pattern is None or re.search(bounds.pattern, text) is not None
    except re.error:  # in the dialect of pydantic's own engine
        return False
    return matches and (bounds.min_length or 0) <= len(text) <= (bounds.max_length or len(text))
