"""Loads relationships of detached objects: one statement for any number of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cache
from typing import Any, TypeAlias, cast

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.orm.attributes import instance_state, set_committed_value
from sqlalchemy.sql import operators, visitors
from sqlmodel import SQLModel

from .arrays import array_of, fits_array, in_arrays, one_of
from .driver import fetch
from .hydration import Hydrator

Key: TypeAlias = tuple[object, ...]
Found: TypeAlias = dict[Key, list[SQLModel]]
Relation: TypeAlias = "orm.RelationshipProperty[Any]"


def load_relations(
    connection: sa.Connection, mapper: orm.Mapper[Any], names: Collection[str], objects: Collection[SQLModel]
) -> None:
    """Load relationships of any number of objects; a row that several of them lead to is one object."""
    relations: list[Relation] = [mapper.relationships[name] for name in names]
    meet = len(relations) > 1 or any(one.secondary is not None or one.mapper is mapper for one in relations)
    seen = {instance_state(one).key: one for one in objects} if meet else None
    for relation in relations:
        _load(connection, relation, objects, seen)


def _load(
    connection: sa.Connection, relation: Relation, objects: Iterable[SQLModel], seen: dict[Any, SQLModel] | None
) -> None:
    mapper, name = relation.parent, relation.key
    attributes, find = _plan(relation)
    owners: dict[Key, list[SQLModel]] = {}
    for one in objects:
        if not isinstance(one, mapper.class_):
            raise TypeError(f"load_{name} takes objects of {mapper.class_.__name__}, not {type(one).__name__}")
        owners.setdefault(tuple([getattr(one, attribute) for attribute in attributes]), []).append(one)
    wanted = [key for key in owners if None not in key]
    found = find(connection, wanted) if wanted else {}
    for key, same in owners.items():
        related = found.get(key, [])
        if seen is not None:
            related = [seen.setdefault(instance_state(one).key, one) for one in related]
        for one in same:
            set_committed_value(one, name, list(related) if relation.uselist else related[0] if related else None)


@cache
def _plan(relation: Relation) -> tuple[list[str], Callable[[sa.Connection, list[Key]], Found]]:
    """Return the attributes that an object is matched by, and what finds the related ones by those."""
    mapper, hydrator = relation.parent, Hydrator(relation.mapper)
    pairs = relation.synchronize_pairs if relation.secondary is not None else relation.local_remote_pairs or []
    matched = [remote for _, remote in pairs]
    fits = all(fits_array(column.type) for column in matched)
    if not (fits and hydrator.plain and _is_equality(relation)):
        return _names(mapper, mapper.primary_key), lambda connection, keys: _by_join(connection, relation, keys)
    source = _linked(relation) if relation.secondary is not None else relation.target
    statement = sa.select(*hydrator.columns, *(column.label(None) for column in matched)).select_from(source)
    arrays = [sa.bindparam(f"keys{n}", type_=array_of(column.type)) for n, column in enumerate(matched)]
    statement = statement.where(in_arrays(matched, arrays)).order_by(*(relation.order_by or ()))
    width = len(hydrator.columns)

    def find(connection: sa.Connection, keys: list[Key]) -> Found:
        values = {f"keys{n}": list(parts) for n, parts in enumerate(zip(*keys, strict=True))}
        rows = fetch(connection, statement, values)
        found: Found = {}
        for one, row in zip(hydrator.of_rows(rows), rows, strict=True):
            found.setdefault(tuple(row[width:]), []).append(one)
        return found

    return _names(mapper, [local for local, _ in pairs]), find


def _by_join(connection: sa.Connection, relation: Relation, keys: list[Key]) -> Found:
    """Find related objects by a join that SQLAlchemy makes, whatever it is."""
    mapper, hydrator = relation.parent, Hydrator(relation.mapper)
    owner: Any = orm.aliased(mapper.class_) if relation.target is mapper.local_table else mapper.class_
    key = [getattr(owner, attribute) for attribute in _names(mapper, mapper.primary_key)]
    statement = sa.select(relation.mapper.class_, *key).select_from(owner).join(getattr(owner, relation.key))
    statement = statement.where(one_of(key, keys)).order_by(*(relation.order_by or ())).options(*hydrator.explicit)
    found: Found = {}
    for row in hydrator.by_orm(connection, statement):
        found.setdefault(row[1:], []).append(row[0])
    return found


def _linked(relation: Relation) -> sa.FromClause:
    """Return the target with the rows of the table that links to it."""
    pairs = relation.secondary_synchronize_pairs or []
    secondary = cast("sa.FromClause", relation.secondary)
    return secondary.join(relation.target, sa.and_(*(target == link for target, link in pairs)))


def _names(mapper: orm.Mapper[Any], columns: Iterable[Any]) -> list[str]:
    return [mapper.get_property_by_column(column).key for column in columns]


def _is_equality(relation: Relation) -> bool:
    """Whether a relationship's joins say nothing but that its pairs of columns are equal."""
    linked = relation.secondary is not None
    pairs = [*(relation.synchronize_pairs if linked else relation.local_remote_pairs or [])]
    pairs += relation.secondary_synchronize_pairs or [] if linked else []
    known = {frozenset[object](pair) for pair in pairs}
    joins = [join for join in (relation.primaryjoin, relation.secondaryjoin) if join is not None]
    parts = [part for join in joins for part in visitors.iterate(join)]
    if not all(isinstance(part, (sa.Column, sa.BinaryExpression, sa.BooleanClauseList)) for part in parts):
        return False
    if any(part.operator is not operators.and_ for part in parts if isinstance(part, sa.BooleanClauseList)):
        return False
    tests: list[Any] = [part for part in parts if isinstance(part, sa.BinaryExpression)]
    return all(test.operator is operators.eq and frozenset((test.left, test.right)) in known for test in tests)
