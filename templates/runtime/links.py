"""Changes which objects a many-to-many relationship links; emitted only for a package that has one.

The rows of the link table are nothing but a pair of keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from sqlalchemy import orm
from sqlmodel import SQLModel

from .execution import Execution
from .operand import Operand
from .sql import MARK, QUOTED, Request, Sql, numbered
from .statements import one_of

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
        """Link each owner with each of the related objects, and return how many links are new."""
        return await self._each(self._insertion, self._owner.keys(owners), self._related.keys(related))

    async def remove(self, owners: Iterable[SQLModel], related: Iterable[SQLModel]) -> int:
        """Take the links between these objects away, and return how many there were."""
        equal = " AND ".join([f"{column.bare} = {MARK}" for column in self._columns])
        deletion = f"DELETE FROM {self._table} WHERE {equal} RETURNING 1"
        return await self._each(deletion, self._owner.keys(owners), self._related.keys(related))

    async def set(self, owners: Iterable[SQLModel], related: Iterable[SQLModel]) -> int:
        """Link each owner with these objects and no others, and return how many links have changed."""
        owner_keys, related_keys = self._owner.keys(owners), self._related.keys(related)
        others = Sql(f"DELETE FROM {self._table} WHERE ") + one_of(self._owner.columns, owner_keys)
        if related_keys:
            others = others + " AND NOT (" + one_of(self._related.columns, related_keys) + ")"

        async def replace() -> int:
            return await self._execution.affected(others) + await self._each(self._insertion, owner_keys, related_keys)

        return await self._execution.whole(replace) if owner_keys else 0

    @property
    def _insertion(self) -> str:
        names, marks = ", ".join([column.bare for column in self._columns]), ", ".join([MARK] * len(self._columns))
        return f"INSERT INTO {self._table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING RETURNING 1"

    async def _each(
        self, statement: str, owners: Sequence[Sequence[object]], related: Sequence[Sequence[object]]
    ) -> int:
        text, names = numbered(statement), [column.name for column in self._columns]
        pairs = [(*one, *other) for one in owners for other in related]
        sent = [[column.converted(value) for column, value in zip(self._columns, pair, strict=True)] for pair in pairs]
        return len(await self._execution.many([Request(text, arguments, names) for arguments in sent]))


class _Side:
    """One side of a relationship: its columns in the link table, and the attributes of objects they refer to."""

    def __init__(self, mapper: orm.Mapper[Any], pairs: Sequence[tuple[Any, Any]]) -> None:
        self._model: type[SQLModel] = mapper.class_
        self._attributes = [mapper.get_property_by_column(column).key for column, _ in pairs]
        self.columns = [_operand(self._model, column) for _, column in pairs]

    def keys(self, objects: Iterable[SQLModel]) -> Keys:
        """Return the keys of objects, each once."""
        listed = list(objects)
        for one in listed:
            if not isinstance(one, self._model):
                raise TypeError(f"this side takes objects of {self._model.__name__}, not {type(one).__name__}")
        return list(dict.fromkeys(tuple([getattr(one, name) for name in self._attributes]) for one in listed))


def _operand(model: type[SQLModel], column: Any) -> Operand:
    bare = str(QUOTED.quote(column.name))
    return Operand(model, str(column.name), f"{QUOTED.format_table(column.table)}.{bare}", bare, column.type)
