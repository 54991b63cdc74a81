"""Adds and removes the links of a many-to-many relationship whose link table has no other columns.

Emitted only for a package that has such a relationship.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from sqlalchemy import orm
from sqlmodel import SQLModel

from .execution import Execution
from .operand import Operand
from .sql import MARK, QUOTED, Sql
from .statements import any_of

Keys: TypeAlias = list[tuple[object, ...]]


class Links:
    """The link table of a relationship, with the columns of each side."""

    def __init__(self, execution: Execution[Any], relation: str) -> None:
        self._execution = execution
        relationship: orm.RelationshipProperty[Any] = execution.table.mapper.relationships[relation]
        self._table = str(QUOTED.format_table(relationship.secondary))
        self._owner = _Side(relationship.parent, relationship.synchronize_pairs)
        self._related = _Side(relationship.mapper, relationship.secondary_synchronize_pairs or [])
        self._columns = [*self._owner.columns, *self._related.columns]

    async def add(self, owners: Iterable[SQLModel], related: Iterable[SQLModel]) -> int:
        """Link each owner to each of the related objects, and return the number of new links."""
        return await self._each(self._insertion, self._owner.keys(owners), self._related.keys(related))

    async def remove(self, owners: Iterable[SQLModel], related: Iterable[SQLModel]) -> int:
        """Remove the links between these objects, and return how many existed."""
        equal = " AND ".join([f"{column.bare} = {MARK}" for column in self._columns])
        deletion = f"DELETE FROM {self._table} WHERE {equal} RETURNING 1"
        return await self._each(deletion, self._owner.keys(owners), self._related.keys(related))

    async def set(self, owners: Iterable[SQLModel], related: Iterable[SQLModel]) -> int:
        """Link each owner to exactly these objects, and return the number of changed links."""
        owner_keys, related_keys = self._owner.keys(owners), self._related.keys(related)
        others = Sql(f"DELETE FROM {self._table} WHERE ") + any_of(self._owner.columns, owner_keys)
        if related_keys:
            others = others + " AND NOT (" + any_of(self._related.columns, related_keys) + ")"

        async def replace() -> int:
            return await self._execution.affected(others) + await self._each(self._insertion, owner_keys, related_keys)

        return await self._execution.atomic(replace) if owner_keys else 0

    @property
    def _insertion(self) -> str:
        names, marks = ", ".join([column.bare for column in self._columns]), ", ".join([MARK] * len(self._columns))
        return f"INSERT INTO {self._table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING RETURNING 1"

    async def _each(
        self, statement: str, owners: Sequence[Sequence[object]], related: Sequence[Sequence[object]]
    ) -> int:
        names = tuple([column.name for column in self._columns])
        links = [(*owner, *other) for owner in owners for other in related]
        rows = [[column.converted(value) for column, value in zip(self._columns, link, strict=True)] for link in links]
        return len(await self._execution.many([Sql(statement, names, tuple(arguments)) for arguments in rows]))


class _Side:
    """One side of a relationship: its columns in the link table, and the attributes that they refer to."""

    def __init__(self, mapper: orm.Mapper[Any], pairs: Sequence[tuple[Any, Any]]) -> None:
        self._model: type[SQLModel] = mapper.class_
        self._attributes = [mapper.get_property_by_column(column).key for column, _ in pairs]
        self.columns = [Operand.of_column(self._model, column) for _, column in pairs]

    def keys(self, objects: Iterable[SQLModel]) -> Keys:
        """Return the keys of objects, without duplicates."""
        listed = list(objects)
        for item in listed:
            if not isinstance(item, self._model):
                raise TypeError(f"expected objects of {self._model.__name__}, not {type(item).__name__}")
        return list(dict.fromkeys(tuple([getattr(item, name) for name in self._attributes]) for item in listed))
