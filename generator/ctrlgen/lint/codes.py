"""Selects rules by their codes: ``CGL101``, ``CGL1`` for a group, ``ALL``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ctrlgen.lint.parsing import SYNTAX_ERROR
from ctrlgen.lint.rules import RULES

_ALL = "ALL"
_EVERY = "CGL"


@dataclass(frozen=True, slots=True)
class Choice:
    """The codes to report, as prefixes. The longer match of ``select`` and ``ignore`` takes precedence, as in ruff.

    ``ignored_here`` applies to one file, and takes precedence over both.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    ignored_here: tuple[str, ...] = ()

    def allows(self, code: str) -> bool:
        """Return whether findings with this code are reported. A file that cannot be read is always reported."""
        if code == SYNTAX_ERROR:
            return True
        selected = _exactness(code, self.select or (_EVERY,))
        return not code.startswith(self.ignored_here or ("\0",)) and selected > _exactness(code, self.ignore)


def _exactness(code: str, beginnings: Iterable[str]) -> int:
    """Return the length of the longest prefix of a code; 0 if there is none."""
    return max((len(beginning) for beginning in beginnings if code.startswith(beginning)), default=0)


def codes_of(values: Iterable[str]) -> tuple[tuple[str, ...], list[str]]:
    """Return the codes and prefixes in ``CGL101,CGL3``, and those that match no rule."""
    known = [SYNTAX_ERROR, *(rule.code for rule in RULES)]
    codes = [code.strip().upper() for value in values for code in value.split(",") if code.strip()]
    unknown = [code for code in codes if code != _ALL and not any(known_code.startswith(code) for known_code in known)]
    return tuple(_EVERY if code == _ALL else code for code in codes), unknown
