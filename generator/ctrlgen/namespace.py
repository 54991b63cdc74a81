"""The namespace of one scope of emitted code: the names in use, and the imports.

``plan`` uses it for the names of modules and parameters, ``render`` for the modules and class bodies of controllers.
Every clash is resolved by appending underscores to the name.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

from ctrlgen.schema import Annotation, Imported

BUILTINS = frozenset(Imported("builtins", name) for name in dir(builtins) if name.islower())
"""Names that annotations may use without an import, unless the scope defines the same name."""

_BUILTIN_OR_LITERAL = re.compile(r"""b?'(?:[^'\\]|\\.)*'|b?"(?:[^"\\]|\\.)*"|\b([a-z]+)\b""")


class Namespace:
    """The namespace of one scope.

    Parameters
    ----------
    defined
        Names that the scope defines: its classes, methods, attributes, parameters. They shadow all other names.
    known
        Names that are available without an import, unless the scope shadows them.
    """

    def __init__(self, defined: Iterable[str] = (), *, known: Iterable[Imported] = ()) -> None:
        hiding, known = frozenset(defined), frozenset(known)
        self._taken = {*hiding, *(item.name for item in known)}
        self._names = {item: item.name for item in known if item.name not in hiding}
        self._imported: dict[Imported, str] = {}

    def is_free(self, name: str) -> bool:
        """Return whether the name is available."""
        return name not in self._taken and not keyword.iskeyword(name)

    def claim(self, name: str) -> str:
        """Reserve a name and return it, with underscores appended if it is not available."""
        while not self.is_free(name):
            name += "_"
        self._taken.add(name)
        return name

    def claim_all(self, names: Iterable[str]) -> tuple[str, ...]:
        """Reserve several names and return them. Available names are not changed by clashes of the others."""
        names = tuple(names)
        kept = {name for name in names if self.is_free(name)}
        self._taken |= kept
        return tuple(name if name in kept else self.claim(name) for name in names)

    def name(self, item: Imported) -> str:
        """Return the name of ``item`` in this scope, qualified for a nested class, and import it if necessary."""
        outer, dot, inner = item.name.partition(".")
        return f"{self._outer_name(Imported(item.module, outer))}{dot}{inner}"

    def source(self, annotation: Annotation) -> str:
        """Return the source of an annotation in this scope."""
        return "".join(self._text(piece) if isinstance(piece, str) else self.name(piece) for piece in annotation.pieces)

    def import_lines(self, only: Iterable[Imported] | None = None) -> list[str]:
        """Return the sorted import statements, limited to the items in ``only`` if set."""
        imported = self._imported.keys()
        selected = imported if only is None else {_outer(item) for item in only} & imported
        return sorted(_statement(item, self._imported[item]) for item in selected)

    def _text(self, text: str) -> str:
        """Return text of an annotation with its builtins qualified where necessary. Literals are not changed."""

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
