"""Reads a model's keys and indexes as access paths: what a method can ask for, once each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from ctrlgen.plan.naming import purpose_beside
from ctrlgen.schema import ColumnPart, ExpressionPart, ForeignKey, Index, Model, Part, Predicate, columns_of, names_of

_COLLATION = re.compile(r"\bcollate\b", re.IGNORECASE)  # which an index keeps apart from its expression


@dataclass(frozen=True, slots=True)
class AccessPath:
    """An index as methods see it: its parts before a nameless one, and the predicate it is ``within``, if any."""

    index: Index
    parts: tuple[Part, ...]
    purpose: str = ""

    @property
    def unique(self) -> bool:
        """Whether it leads to at most one row; a column that the predicate says is NULL makes every row distinct."""
        null = self.index.predicate.null if self.index.predicate else frozenset[str]()
        return (
            self.index.unique
            and bool(self.index.names)
            and (self.index.nulls_not_distinct or null.isdisjoint(self.index.columns))
        )

    @property
    def within(self) -> str | None:
        """The partial index whose predicate the path holds in."""
        return self.index.name if self.purpose else None

    @property
    def predicate(self) -> str:
        """The SQL of that predicate; empty for a full path."""
        return self.index.predicate.sql if self.purpose and self.index.predicate else ""

    @property
    def where(self) -> str:
        """The predicate in words for a docstring; empty for a full path."""
        return f" (where {' '.join(self.predicate.split())})" if self.predicate else ""

    @property
    def has_null(self) -> bool:
        """Whether it has the rows with NULL in its leading part."""
        predicate = self.index.predicate
        return predicate is None or (bool(self.purpose) and self.names[0] not in predicate.present)

    @property
    def names(self) -> tuple[str, ...]:
        """What the parts are called."""
        return names_of(self.parts)


def unique_paths(model: Model) -> list[AccessPath]:
    """Return every path that leads to at most one row, the full ones first, each once."""
    return list(_once(path for path in _paths(model) if path.unique))


def index_paths(model: Model) -> list[AccessPath]:
    """Return every path that has all rows with a value in its leading part, and so can find by it."""
    return [path for path in _paths(model) if path.index.holds_all_rows_with(path.parts[:1])]


def partial_paths(model: Model) -> list[AccessPath]:
    """Return the paths of partial indexes whose first part leads to several rows, those that are not unique first."""
    paths = [path for path in _paths(model) if path.purpose and (path.parts[1:] or not path.unique)]
    return sorted(paths, key=lambda path: path.unique)


def unindexed_foreign_keys(model: Model) -> list[ForeignKey]:
    """Return the foreign keys that no index leads which has all rows that refer to something."""
    return [key for key in model.foreign_keys if not any(_leads(index, key) for index in model.indexes)]


def is_arbiter(parts: tuple[Part, ...], predicate: Predicate | None, model: Model) -> bool:
    """Whether ON CONFLICT can be about these parts of all rows, or of those within a predicate."""
    alike = [index for index in model.indexes if index.unique and set(index.parts) == set(parts)]
    refused = any(index.deferrable for index in alike)  # by ON CONFLICT, though another one would do
    refused |= any(isinstance(part, ExpressionPart) and _COLLATION.search(part.sql) for part in parts)
    return not refused and any(index.enforced and index.predicate == predicate for index in alike)


def _leads(index: Index, key: ForeignKey) -> bool:
    lead = index.parts[: len(key.attributes)]
    return set(columns_of(lead)) == set(key.attributes) and index.holds_all_rows_with(lead)


def _paths(model: Model) -> Iterator[AccessPath]:
    for index in model.indexes:
        named = tuple(takewhile(lambda part: part.name is not None, index.parts))
        if not index.is_comparable or not named:
            continue
        if index.predicate is None or index.holds_all_rows_with(index.parts if index.unique else index.parts[:1]):
            yield AccessPath(index, named)
        else:
            parts = _open_parts(named, index.predicate)
            yield AccessPath(index, parts, purpose_beside(names_of(parts), index, model))


def _once(paths: Iterator[AccessPath]) -> Iterator[AccessPath]:
    seen: set[tuple[str, str, frozenset[str]]] = set()
    for path in sorted(paths, key=lambda path: bool(path.purpose)):
        identity = (path.purpose, path.predicate, frozenset(path.names))
        if identity not in seen:
            seen.add(identity)
            yield path


def _open_parts(named: tuple[Part, ...], predicate: Predicate) -> tuple[Part, ...]:
    """Return the parts whose values the predicate does not imply."""
    implied = {ColumnPart(condition.attribute) for condition in predicate.implied_values}
    return tuple(part for part in named if part not in implied)
