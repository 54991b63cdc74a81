"""Loads relationships of detached objects, with one statement for any number of objects.

Emitted only for a package that has relationships. The generator decides which loader a relationship has.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import cache, partial
from typing import Any, TypeAlias, cast

from sqlalchemy import orm
from sqlmodel import SQLModel

from .contracts import Facts, Loader
from .execution import Execution
from .operand import Operand
from .sql import QUOTED, Sql
from .statements import any_of, any_within
from .table import Table

_attributes: Any = orm.attributes  # it has no types in SQLAlchemy 2.0
Key: TypeAlias = tuple[object, ...]
Seen: TypeAlias = dict[Any, SQLModel] | None
Related: TypeAlias = dict[Key, list[SQLModel]]
Relation: TypeAlias = "orm.RelationshipProperty[Any]"


async def by_columns(execution: Execution[Any], name: str, objects: Sequence[SQLModel], seen: Seen) -> None:
    """Load a relationship that is joined only by equal columns; ``seen`` has the objects to reuse."""
    relation = execution.table.mapper.relationships[name]
    target, source, matched, order = _path(relation)
    within: Execution[Any] = Execution(execution.transactions, target, execution.session)
    names = ", ".join([target.select_list, *(part.sql for part in matched)])
    position, equal = _tenant(relation, execution.table.facts.tenant, target)

    async def find(keys: list[Key]) -> Related:
        condition = any_within(matched, keys, position, equal) if equal else any_of(matched, keys)
        rows = await within.rows(Sql(f"SELECT {names} FROM {source} WHERE ") + condition + order)
        converters, related = [part.read for part in matched], Related()
        for item, row in zip(within.instances.of(rows), rows, strict=True):
            values = tuple(row)[-len(matched) :]
            key = tuple(convert(value) if convert else value for convert, value in zip(converters, values, strict=True))
            related.setdefault(key, []).append(item)
        return related

    await _attach(relation, objects, [local for local, _ in _pairs(relation)], find, seen)


async def by_orm(execution: Execution[Any], name: str, objects: Sequence[SQLModel], seen: Seen) -> None:
    """Load a relationship by the ORM, on owners that it reads itself."""
    relation = execution.table.mapper.relationships[name]
    option, key_of = orm.selectinload(relation.class_attribute), relation.parent.primary_key_from_instance

    async def find(keys: list[Key]) -> Related:
        owners = await execution.by_orm(keys, [option])
        related = {tuple(key_of(owner)): getattr(owner, name) for owner in owners}
        return {key: value if relation.uselist else [value] for key, value in related.items() if value is not None}

    await _attach(relation, objects, relation.parent.primary_key, find, seen)


def nested(load: Loader, tenant: str | None = None) -> Loader:
    """Return a loader of a relationship of related objects, "cases.guild", after "cases" was loaded.

    ``tenant`` is that of the related objects.
    """

    async def through(execution: Execution[Any], path: str, objects: Sequence[SQLModel], _seen: Seen) -> None:
        outer, _, inner = path.partition(".")
        target = _table(execution.table.mapper.relationships[outer].mapper, tenant)
        related = dict[int, SQLModel]()
        for item in objects:
            value: Any = getattr(item, outer)
            values: list[SQLModel] = cast("Any", value) if isinstance(value, list) else [value] if value else []
            related |= {id(value): value for value in values}
        await load(Execution(execution.transactions, target, execution.session), inner, list(related.values()), None)

    return through


async def _attach(
    relation: Relation,
    objects: Sequence[SQLModel],
    local: Sequence[Any],
    find: Callable[[list[Key]], Awaitable[Related]],
    seen: Seen,
) -> None:
    """Set the relationship of each object to the rows for its ``local`` columns; each related row is one object."""
    mapper, name = relation.parent, relation.key
    local_names, owners = [mapper.get_property_by_column(column).key for column in local], dict[Key, list[SQLModel]]()
    for owner in objects:
        if not isinstance(owner, mapper.class_):
            raise TypeError(f"load_{name} takes objects of {mapper.class_.__name__}, not {type(owner).__name__}")
        owners.setdefault(tuple([getattr(owner, attribute) for attribute in local_names]), []).append(owner)
    keys = [key for key in owners if None not in key]
    by_key = await find(keys) if keys else {}
    if seen is None and (relation.secondary is not None or relation.mapper is mapper):
        seen = {_attributes.instance_state(owner).key: owner for owner in objects}
    for key, same_key in owners.items():
        related = by_key.get(key, [])
        if seen is not None:
            related = [seen.setdefault(_attributes.instance_state(item).key, item) for item in related]
        for owner in same_key:
            value = list(related) if relation.uselist else related[0] if related else None
            _attributes.set_committed_value(owner, name, value)


@cache
def _path(relation: Relation) -> tuple[Table[Any], str, list[Operand], Sql]:
    """Return the target's table, the FROM clause, the columns that are matched, and the ORDER BY clause."""
    target = _table(relation.mapper)
    operand = partial(Operand.of_column, target.model)
    matched = [operand(column) for _, column in _pairs(relation)]
    source = target.sql
    if relation.secondary is not None:
        pairs = relation.secondary_synchronize_pairs or []
        equal = " AND ".join([f"{operand(own).sql} = {operand(link).sql}" for own, link in pairs])
        source += f" JOIN {QUOTED.format_table(relation.secondary)} ON {equal}"
    return target, source, matched, target.order_by(relation.order_by or ())


@cache
def _table(mapper: orm.Mapper[Any], tenant: str | None = None) -> Table[Any]:
    """Return the table of a related model, which is only read."""
    return Table(mapper.class_, Facts(tenant=tenant))


def _tenant(relation: Relation, tenant: str | None, target: Table[Any]) -> tuple[int, list[Operand]]:
    """Return the position of the tenant among several matched columns, and the columns that are equal to it."""
    for position, (local, remote) in enumerate(_pairs(relation)):
        if relation.parent.get_property_by_column(local).key == tenant and len(_pairs(relation)) > 1:
            linked = relation.secondary_synchronize_pairs or [] if relation.secondary is not None else []
            equal = [remote, *(column for column, link in linked if link is remote)]
            return position, [Operand.of_column(target.model, column) for column in equal]
    return 0, []


def _pairs(relation: Relation) -> Sequence[tuple[Any, Any]]:
    """Return pairs of a column of the owner and the column that it equals."""
    return relation.synchronize_pairs if relation.secondary is not None else relation.local_remote_pairs or []
