"""Derives the distinct access paths of a model from its keys and indexes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from ctrlgen.plan.naming import purpose_beside
from ctrlgen.schema import ColumnPart, ExpressionPart, ForeignKey, Index, Model, Part, Predicate, columns_of, names_of

_LONGEST_NAME = 63  # the maximum length of a name in PostgreSQL
_COLLATION = re.compile(r"\bcollate\b", re.IGNORECASE)  # stored separately from the expression of an index


@dataclass(frozen=True, slots=True)
class AccessPath:
    """An index as used by methods: its parts before an unnamed one, and the predicate it is ``within``, if any."""

    index: Index
    parts: tuple[Part, ...]
    purpose: str = ""

    @property
    def unique(self) -> bool:
        """Whether it finds at most one row. A column that the predicate requires to be NULL makes all rows distinct."""
        null = self.index.predicate.null if self.index.predicate else frozenset[str]()
        return (
            self.index.unique
            and bool(self.index.names)
            and (self.index.nulls_not_distinct or null.isdisjoint(self.index.columns))
        )

    @property
    def within(self) -> str | None:
        """The partial index whose predicate the path includes."""
        return self.index.name if self.purpose else None

    @property
    def predicate(self) -> str:
        """The SQL of that predicate; empty for a full path."""
        return self.index.predicate.sql if self.purpose and self.index.predicate else ""

    @property
    def where(self) -> str:
        """The predicate as text for a docstring; empty for a full path."""
        return f" (where {' '.join(self.predicate.split())})" if self.predicate else ""

    @property
    def has_null(self) -> bool:
        """Whether it includes rows with NULL in its first part."""
        predicate = self.index.predicate
        return predicate is None or (bool(self.purpose) and self.names[0] not in predicate.present)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parts."""
        return names_of(self.parts)


def unique_paths(model: Model) -> list[AccessPath]:
    """Return the distinct paths that find at most one row, full ones first."""
    return list(_once(path for path in _paths(model) if path.unique))


def index_paths(model: Model) -> list[AccessPath]:
    """Return the paths that include all rows with a value in the first part, and so can find rows by it."""
    return [path for path in _paths(model) if path.index.holds_all_rows_with(path.parts[:1])]


def partial_paths(model: Model) -> list[AccessPath]:
    """Return the paths of partial indexes whose first part finds several rows, non-unique ones first."""
    paths = [path for path in _paths(model) if path.purpose and (path.parts[1:] or not path.unique)]
    return sorted(paths, key=lambda path: path.unique)


def unindexed_foreign_keys(model: Model) -> list[ForeignKey]:
    """Return the foreign keys without an index that begins with them and includes all referencing rows."""
    return [key for key in model.foreign_keys if not any(_leads(index, key) for index in model.indexes)]


def index_declaration(model: Model, attributes: Iterable[str]) -> str:
    """Return an index on some columns as source for ``__table_args__``."""
    columns = [model.column(attribute).name for attribute in attributes]
    name = "_".join(["ix", model.table.rpartition(".")[2], *columns])[:_LONGEST_NAME]
    quoted = ", ".join(f'"{text}"' for text in [name, *columns])
    return f"Index({quoted})"


def index_advice(model: Model, key: ForeignKey) -> str:
    """Return how to declare the index that a foreign key lacks."""
    if len(key.attributes) == 1:
        return "declare `index=True`"
    return f"add `{index_declaration(model, key.attributes)}` to its `__table_args__`"


def is_arbiter(parts: tuple[Part, ...], predicate: Predicate | None, model: Model) -> bool:
    """Return whether ON CONFLICT accepts these parts, for all rows or within a predicate."""
    alike = [index for index in model.indexes if index.unique and set(index.parts) == set(parts)]
    refused = any(index.deferrable for index in alike)  # rejected by ON CONFLICT, even if another index would match
    refused |= any(isinstance(part, ExpressionPart) and _COLLATION.search(part.sql) for part in parts)
    return not refused and any(index.enforced and index.predicate == predicate for index in alike)


def has_only_partial_index(model: Model, key: ForeignKey) -> bool:
    """Return whether an index begins with an unindexed foreign key, but lacks some of the referencing rows."""
    return any(_begins(index, key) for index in model.indexes)


def _leads(index: Index, key: ForeignKey) -> bool:
    return _begins(index, key) and index.holds_all_rows_with(index.parts[: len(key.attributes)])


def _begins(index: Index, key: ForeignKey) -> bool:
    return set(columns_of(index.parts[: len(key.attributes)])) == set(key.attributes)


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
