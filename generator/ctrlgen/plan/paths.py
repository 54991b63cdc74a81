"""Reads a model's keys and indexes as access paths: what a method can ask for, once each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ctrlgen.plan.naming import index_purpose, part_name
from ctrlgen.schema import ColumnPart, ForeignKey, Index, Model, Part, Pin, Predicate


@dataclass(frozen=True, slots=True)
class AccessPath:
    """An index as methods see it: named parts, and the predicate it is built ``within``, if any."""

    index: Index
    parts: tuple[Part, ...]
    purpose: str = ""

    @property
    def unique(self) -> bool:
        """Whether it leads to at most one row; a column that the predicate says is NULL makes every row distinct."""
        pins = (self.index.predicate.pins or ()) if self.index.predicate else ()
        nulls = {pin.attribute for pin in pins if pin.test == "is null"}
        lax = any(isinstance(part, ColumnPart) and part.attribute in nulls for part in self.index.parts)
        return self.index.unique and (self.index.nulls_not_distinct or not lax)

    @property
    def within(self) -> str | None:
        """The partial index whose predicate the path holds in."""
        return self.index.name if self.purpose else None

    @property
    def predicate(self) -> str:
        """The SQL of that predicate; empty for a full path."""
        return self.index.predicate.sql if self.purpose and self.index.predicate else ""

    @property
    def condition(self) -> str:
        """The predicate in words for a docstring, shortened; empty for a full path."""
        sql = " ".join(self.predicate.split())
        return f" (where {sql if len(sql) <= 50 else f'{sql[:47]}...'})" if sql else ""

    @property
    def names(self) -> tuple[str, ...]:
        """What the parts are called."""
        return tuple(part_name(part) or "" for part in self.parts)


def unique_paths(model: Model) -> list[AccessPath]:
    """Return every path that leads to at most one row, the full ones first, each once."""
    return list(_once(path for path in _paths(model) if path.unique))


def index_paths(model: Model) -> list[AccessPath]:
    """Return every path that has all rows with a value in its leading part, and so can find by it."""
    return [path for path in _paths(model) if _implied_by(path.index, path.parts[:1])]


def partial_paths(model: Model) -> list[AccessPath]:
    """Return the paths of partial indexes that are not unique."""
    return list(_once(path for path in _paths(model) if path.purpose and not path.unique))


def unindexed_foreign_keys(model: Model) -> list[ForeignKey]:
    """Return the foreign keys that no index leads which has all rows that refer to something."""
    return [key for key in model.foreign_keys if not _is_led(key, model)]


def settled_pins(predicate: Predicate) -> tuple[Pin, ...] | None:
    """Return what a predicate says of single columns; None where it is not understood, or says two things of one."""
    pins = predicate.pins or ()
    contested = len({pin.attribute for pin in pins}) < len(pins)
    return None if contested else predicate.pins


def is_arbiter(parts: tuple[Part, ...], within: Predicate | None, model: Model) -> bool:
    """Whether ON CONFLICT can be about these parts of all rows, or of those within a predicate."""
    alike = [index for index in model.indexes if index.unique and set(index.parts) == set(parts)]
    refused = any(index.deferrable for index in alike)  # by ON CONFLICT, though another one would do
    return not refused and any(index.enforced and index.predicate == within for index in alike)


def _is_led(key: ForeignKey, model: Model) -> bool:
    width = len(key.attributes)
    leads = [index.parts[:width] for index in model.indexes if _implied_by(index, index.parts[:width])]
    return any(
        {part.attribute for part in lead if isinstance(part, ColumnPart)} == set(key.attributes) for lead in leads
    )


def _implied_by(index: Index, parts: tuple[Part, ...]) -> bool:
    """Whether an index has every row with values in ``parts``: it is full, or leaves out only NULLs of theirs."""
    columns = {part.attribute for part in parts if isinstance(part, ColumnPart)}
    if index.predicate is None:
        return True
    pins = index.predicate.pins
    return pins is not None and all(pin.test == "is not null" and pin.attribute in columns for pin in pins)


def _paths(model: Model) -> Iterator[AccessPath]:
    for index in model.indexes:
        if index.method not in {"btree", "hash"} or any(part_name(part) is None for part in index.parts):
            continue
        asked = index.parts if index.unique else index.parts[:1]
        if index.predicate is None or _implied_by(index, asked):
            yield AccessPath(index, index.parts)
        else:
            yield AccessPath(index, _unpinned(index, index.predicate), _purpose(index, model))


def _once(paths: Iterator[AccessPath]) -> Iterator[AccessPath]:
    seen: set[tuple[str, str, frozenset[str]]] = set()
    for path in sorted(paths, key=lambda path: bool(path.purpose)):
        identity = (path.purpose, path.predicate, frozenset(path.names))
        if identity not in seen:
            seen.add(identity)
            yield path


def _unpinned(index: Index, predicate: Predicate) -> tuple[Part, ...]:
    pinned = {pin.attribute for pin in predicate.pins or () if pin.test != "is not null"}
    return tuple(part for part in index.parts if not (isinstance(part, ColumnPart) and part.attribute in pinned))


def _purpose(index: Index, model: Model) -> str:
    names = "_".join(part_name(part) or "" for part in index.parts)
    return (index_purpose(index.name, model) if index.name else "") or f"partial_{names}"
