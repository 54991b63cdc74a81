"""The names of one scope of emitted code: which are free, and what is imported under which.

``plan`` names modules and parameters with it, ``render`` the modules and class bodies of controllers. Every clash is
settled the same way, by underscores behind the name.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

from ctrlgen.schema import Annotation, Imported

BUILTINS = frozenset(Imported("builtins", name) for name in dir(builtins) if name.islower())
"""What annotations may use without an import, unless the scope defines something of that name."""

_BUILTIN_OR_LITERAL = re.compile(r"""b?'(?:[^'\\]|\\.)*'|b?"(?:[^"\\]|\\.)*"|\b([a-z]+)\b""")


class Namespace:
    """The names of one scope.

    Parameters
    ----------
    defined
        Names that the scope defines itself: its classes, methods, attributes, parameters. They hide whatever else is
        called so.
    known
        What can be used without being imported here, unless a name of the scope hides it.
    """

    def __init__(self, defined: Iterable[str] = (), *, known: Iterable[Imported] = ()) -> None:
        hiding, known = frozenset(defined), frozenset(known)
        self._taken = {*hiding, *(item.name for item in known)}
        self._names = {item: item.name for item in known if item.name not in hiding}
        self._imported: dict[Imported, str] = {}

    def is_free(self, name: str) -> bool:
        """Whether something may still be called so."""
        return name not in self._taken and not keyword.iskeyword(name)

    def claim(self, name: str) -> str:
        """Return this name, with underscores behind it as long as it is not free, and take it."""
        while not self.is_free(name):
            name += "_"
        self._taken.add(name)
        return name

    def claim_all(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return names that belong together; those that are free keep theirs, whatever the others become."""
        names = tuple(names)
        kept = {name for name in names if self.is_free(name)}
        self._taken |= kept
        return tuple(name if name in kept else self.claim(name) for name in names)

    def name(self, item: Imported) -> str:
        """Return what ``item`` is called here, with the dots of a nested class; it is imported if need be."""
        outer, dot, inner = item.name.partition(".")
        return f"{self._outer_name(Imported(item.module, outer))}{dot}{inner}"

    def source(self, annotation: Annotation) -> str:
        """Return an annotation as it stands here."""
        return "".join(self._text(piece) if isinstance(piece, str) else self.name(piece) for piece in annotation.pieces)

    def import_lines(self, only: Iterable[Imported] | None = None) -> list[str]:
        """Return the import statements, sorted; without those of other items, if ``only`` some are asked for."""
        imported = self._imported.keys()
        asked = imported if only is None else {_outer(item) for item in only} & imported
        return sorted(_statement(item, self._imported[item]) for item in asked)

    def _text(self, text: str) -> str:
        """Return plain text of an annotation: builtins, and literals, which stay as they are."""

        def named(match: re.Match[str]) -> str:
            builtin = Imported("builtins", match[1] or "")
            return self.name(builtin) if builtin in BUILTINS else match[0]

        return _BUILTIN_OR_LITERAL.sub(named, text)

    def _outer_name(self, item: Imported) -> str:
        if item not in self._names:
            self._names[item] = self._imported[item] = self.claim(item.name)
        return self._names[item]


def _outer(item: Imported) -> Imported:
    return Imported(item.module, item.name.partition(".")[0])


def _statement(item: Imported, name: str) -> str:
    alias = "" if name == item.name else f" as {name}"
    return f"from {item.module} import {item.name}{alias}"
