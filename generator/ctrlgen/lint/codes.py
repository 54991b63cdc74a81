"""The codes of the rules, and how a choice among them is written: ``CGL101``, ``CGL1`` for a group, ``ALL``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ctrlgen.lint.rules import RULES

SYNTAX_ERROR = "CGL001"
_ALL = "ALL"
_EVERY = "CGL"


@dataclass(frozen=True, slots=True)
class Choice:
    """The codes to report, by what they begin with: of ``select`` and ``ignore`` the more exact one counts, as in ruff.

    ``ignored_here`` is about one file, and counts before both.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    ignored_here: tuple[str, ...] = ()

    def allows(self, code: str) -> bool:
        """Whether findings with this code are reported; a file that cannot be read always is."""
        if code == SYNTAX_ERROR:
            return True
        selected = _exactness(code, self.select or (_EVERY,))
        return not code.startswith(self.ignored_here or ("\0",)) and selected > _exactness(code, self.ignore)


def _exactness(code: str, beginnings: Iterable[str]) -> int:
    """Return the length of the longest beginning of a code; 0 where there is none."""
    return max((len(each) for each in beginnings if code.startswith(each)), default=0)


def codes_of(values: Iterable[str]) -> tuple[tuple[str, ...], list[str]]:
    """Return the codes, or beginnings of codes, of ``CGL101,CGL3``, and those that no rule has."""
    known = [SYNTAX_ERROR, *(rule.code for rule in RULES)]
    codes = [code.strip().upper() for value in values for code in value.split(",") if code.strip()]
    unknown = [code for code in codes if code != _ALL and not any(each.startswith(code) for each in known)]
    return tuple(_EVERY if code == _ALL else code for code in codes), unknown
