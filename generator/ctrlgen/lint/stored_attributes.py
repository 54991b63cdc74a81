"""Finds what the methods of a class store in the attributes of their instance: ``self.db = db``.

``sessions`` asks what ``self.db`` is in another method. Only the class itself is read, and not its base classes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from ctrlgen.lint.source_code import SourceCode

Key = tuple[cst.ClassDef, str]
"""A class, and the name of an attribute."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What one statement says about an attribute: its value, its annotation, or neither, if the value is not known."""

    value: cst.BaseExpression | None = None
    annotation: cst.BaseExpression | None = None


class StoredAttributes:
    """The attributes of the instances of the classes in one file."""

    def __init__(self, source: SourceCode) -> None:
        self._source = source

    def key(self, node: cst.CSTNode) -> Key | None:
        """Return the class and the name of an attribute of ``self``; None for anything else."""
        if not isinstance(node, cst.Attribute) or not isinstance(node.value, cst.Name):
            return None
        for function in self._source.functions(node):
            parameters = [*function.params.posonly_params, *function.params.params]
            if self._source.parameter(function, node.value.value) is None:
                continue
            owner = self._source.parent(self._source.parent(function) or function)
            is_self = bool(parameters) and parameters[0].name.value == node.value.value
            return (owner, node.attr.value) if is_self and isinstance(owner, cst.ClassDef) else None
        return None

    def of(self, key: Key) -> list[Stored]:
        """Return everything that a class stores in an attribute."""
        return self._by_key.get(key, [])

    @cached_property
    def _by_key(self) -> dict[Key, list[Stored]]:
        stored: defaultdict[Key, list[Stored]] = defaultdict(list)
        for target, what in self._targets():
            if (key := self.key(target)) is not None:
                stored[key].append(what)
        for declaration in self._source.all(cst.AnnAssign):
            block = self._source.parent(self._source.parent(declaration) or declaration)
            owner = self._source.parent(block) if block is not None else None
            if isinstance(declaration.target, cst.Name) and isinstance(owner, cst.ClassDef):
                stored[owner, declaration.target.value].append(Stored(annotation=declaration.annotation.annotation))
        return stored

    def _targets(self) -> Iterator[tuple[cst.CSTNode, Stored]]:
        """Yield every target of a statement that stores something, with what it stores."""
        source = self._source
        for assign in source.all(cst.Assign):
            for target in assign.targets:
                yield target.target, Stored(assign.value)
                yield from ((part, Stored()) for part in _parts(target.target))
        for annotated in source.all(cst.AnnAssign):
            yield annotated.target, Stored(annotated.value, annotated.annotation.annotation)
        for item in source.all(cst.WithItem):
            if item.asname is not None:
                yield item.asname.name, Stored(item.item)
        for loop in source.all(cst.For):
            yield loop.target, Stored()
            yield from ((part, Stored()) for part in _parts(loop.target))
        for augmented in source.all(cst.AugAssign):
            yield augmented.target, Stored()


def _parts(target: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    """Yield the targets in a tuple or list, whose values are not known."""
    if isinstance(target, cst.Tuple | cst.List):
        for element in target.elements:
            yield element.value
            yield from _parts(element.value)
