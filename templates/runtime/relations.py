"""Loads relationships of detached objects: one statement for any number of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache
from typing import Any, TypeAlias, cast

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.sql import operators, visitors
from sqlmodel import SQLModel

from .driver import fetch
from .entity import array_of
from .hydration import Hydrator

Key: TypeAlias = tuple[object, ...]
Found: TypeAlias = dict[Key, list[object]]
Relation: TypeAlias = "orm.RelationshipProperty[Any]"


def load_relation(connection: sa.Connection, mapper: orm.Mapper[Any], name: str, objects: Iterable[SQLModel]) -> None:
    """Load one relationship of any number of objects."""
    relation: Relation = mapper.relationships[name]
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
        for one in same:
            set_committed_value(one, name, list(related) if relation.uselist else related[0] if related else None)


def one_of(key: Sequence[sa.ColumnElement[Any]], values: Collection[Sequence[object]]) -> sa.ColumnElement[bool]:
    """Return the condition that a key is one of these, in as many parameters as it has columns."""
    columns = zip(key, zip(*values, strict=True), strict=True)
    return _in_arrays(key, [sa.literal(list(given), array_of(column.type)) for column, given in columns])


def _in_arrays(key: Sequence[sa.ColumnElement[Any]], arrays: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[bool]:
    if len(arrays) == 1:
        return key[0] == sa.any_(arrays[0])
    return sa.tuple_(*key).in_(sa.select(*map(sa.func.unnest, arrays)))


@cache
def _plan(relation: Relation) -> tuple[list[str], Callable[[sa.Connection, list[Key]], Found]]:
    """Return the attributes that an object is matched by, and what finds the related ones by those."""
    mapper, hydrator = relation.parent, Hydrator(relation.mapper)
    if not hydrator.plain or not _is_equality(relation):
        return _names(mapper, mapper.primary_key), lambda connection, keys: _by_join(connection, relation, keys)
    pairs = relation.synchronize_pairs if relation.secondary is not None else relation.local_remote_pairs or []
    matched = [remote for _, remote in pairs]
    source = _linked(relation) if relation.secondary is not None else relation.target
    statement = sa.select(*hydrator.columns, *(column.label(None) for column in matched)).select_from(source)
    arrays = [sa.bindparam(f"keys{n}", type_=array_of(column.type)) for n, column in enumerate(matched)]
    statement = statement.where(_in_arrays(matched, arrays)).order_by(*(relation.order_by or ()))
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
