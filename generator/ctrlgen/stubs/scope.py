"""What names mean in one test file: those that stubs use as they are, and the imported ones, renamed where taken."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import groupby

from ctrlgen.schema import Imported
from ctrlgen.stubs.existing import TestFile


class Scope:
    """The names of one file.

    Parameters
    ----------
    fixed
        Names that stubs use as they are: their helpers and their local variables.
    file
        The file as it stands; None for a new one.
    """

    def __init__(self, fixed: Collection[str], file: TestFile | None) -> None:
        self._there = file.imported if file else frozenset[str]()
        self._names = {Imported(it.module, it.name): it.local for it in file.origins} if file else {}
        self._taken = {*fixed, *self._there, *(name for name, _ in file.functions)} if file else {*fixed}
        self._added: dict[Imported, str] = {}

    def name(self, wanted: Imported) -> str:
        """Return what ``wanted`` is called here, with the dots of a nested class; it is imported if need be."""
        outer, dot, inner = wanted.name.partition(".")
        return f"{self._outer(Imported(wanted.module, outer))}{dot}{inner}"

    def use(self, helper: Imported) -> None:
        """Import a helper that stubs call by its own name, unless the file has that name."""
        if helper.name not in self._there:
            self._added[helper] = helper.name

    def imports(self, text: str) -> list[str]:
        """Return the statements that import what a text uses and the file lacks, one for each module."""
        words = set(re.findall(r"\w+", text))
        used = sorted(item for item, name in self._added.items() if name in words)
        return [self._statement(module, list(items)) for module, items in groupby(used, lambda item: item.module)]

    def _outer(self, wanted: Imported) -> str:
        if wanted not in self._names:
            name = wanted.name
            while name in self._taken:
                name += "_"
            self._taken.add(name)
            self._names[wanted] = self._added[wanted] = name
        return self._names[wanted]

    def _statement(self, module: str, items: list[Imported]) -> str:
        names = [self._added[item] for item in items]
        listed = (
            item.name if item.name == name else f"{item.name} as {name}"
            for item, name in zip(items, names, strict=True)
        )
        return f"from {module} import {', '.join(listed)}"
