"""Collects what an emitted module imports, under names that can not clash; ``render.views`` asks it for each type."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from ctrlgen.schema import Annotation, Imported

_BUILTIN_OR_LITERAL = re.compile(r"""b?'(?:[^'\\]|\\.)*'|b?"(?:[^"\\]|\\.)*"|\b([a-z]+)\b""")


class Imports:
    """The names one module imports.

    Parameters
    ----------
    known
        What the module imports anyway, under its own name.
    taken
        Names the module uses for something else: its own classes, members of its controller, builtins.
    hidden
        The model's attributes: inside a class body that lists them, they hide everything else of their name.
    """

    def __init__(self, known: Iterable[Imported], taken: Iterable[str], hidden: Collection[str] = ()) -> None:
        self._known = {item for item in known if item.name not in hidden}
        self._taken = {*(item.name for item in known), *taken, *hidden}
        self._hidden = hidden
        self._names: dict[Imported, str] = {}

    def name(self, wanted: Imported) -> str:
        """Return what ``wanted`` is called in this module, with the dots of a nested class."""
        outer, dot, inner = wanted.name.partition(".")
        return f"{self._outer_name(Imported(wanted.module, outer))}{dot}{inner}"

    def own(self, module: str, name: str) -> str:
        """Return what a name that every emitted module knows is called in a class body that may hide it."""
        return self.name(Imported(module, name)) if name in self._hidden else name

    def source(self, annotation: Annotation) -> str:
        """Return an annotation as it stands in this module."""
        return "".join(self._text(piece) if isinstance(piece, str) else self.name(piece) for piece in annotation.pieces)

    def lines(self, only: Iterable[Imported] | None = None) -> list[str]:
        """Return the import statements, sorted; ``only`` those asked for, when given."""
        chosen = self._names if only is None else {self._outer(item) for item in only} & self._names.keys()
        return sorted(_statement(item, self._names[item]) for item in chosen)

    def _text(self, text: str) -> str:
        """Return plain text of an annotation: builtins, and literals, which stay as they are."""
        return _BUILTIN_OR_LITERAL.sub(lambda found: self.own("builtins", found[1]) if found[1] else found[0], text)

    def _outer(self, item: Imported) -> Imported:
        return Imported(item.module, item.name.partition(".")[0])

    def _outer_name(self, wanted: Imported) -> str:
        if wanted in self._known:
            return wanted.name
        if wanted not in self._names:
            name = wanted.name
            while name in self._taken:
                name += "_"
            self._taken.add(name)
            self._names[wanted] = name
        return self._names[wanted]


def _statement(item: Imported, name: str) -> str:
    alias = "" if name == item.name else f" as {name}"
    return f"from {item.module} import {item.name}{alias}"
