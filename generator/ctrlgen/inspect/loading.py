"""Which objects can be made of rows, and which relationships found by columns; the rest is left to SQLAlchemy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, BinaryExpression, BooleanClauseList, Column, ColumnElement, TypeDecorator
from sqlalchemy.dialects.postgresql import BIT
from sqlalchemy.dialects.postgresql.ranges import AbstractMultiRange
from sqlalchemy.orm import Mapper, RelationshipProperty
from sqlalchemy.sql import ClauseElement, operators, visitors
from sqlalchemy.types import NullType, TypeEngine

from ctrlgen.inspect.dialect import POSTGRESQL
from ctrlgen.inspect.kinds import overrides

Pairs = Sequence[tuple[ColumnElement[Any], ColumnElement[Any]]]


def is_plain(mapper: Mapper[Any]) -> bool:
    """Whether a row is all there is to an object, and nothing happens when it is loaded."""
    events: Any = mapper.class_manager.dispatch
    listens = bool(events.load or events.refresh)
    special = mapper.inherits or mapper.composites or mapper.polymorphic_on is not None
    partial = any(one.deferred or not isinstance(one.columns[0], Column) for one in mapper.column_attrs)
    return not (listens or special or partial or mapper.version_id_col is not None)


def is_by_columns(relationship: RelationshipProperty[Any]) -> bool:
    """Whether related rows are those whose columns equal others, any number of which can be asked for at once."""
    matched, linked = _pairs(relationship)
    listable = all(_is_listable(remote.type) for _, remote in matched)
    return listable and is_plain(relationship.mapper) and _is_equality(relationship, [*matched, *linked])


def _pairs(relationship: RelationshipProperty[Any]) -> tuple[Pairs, Pairs]:
    """Return the columns that objects are matched by, and those that link a secondary table to its target."""
    if relationship.secondary is None:
        return relationship.local_remote_pairs or [], []
    return relationship.synchronize_pairs, relationship.secondary_synchronize_pairs or []


def _is_equality(relationship: RelationshipProperty[Any], pairs: Pairs) -> bool:
    """Whether the joins of a relationship say nothing but that its pairs of columns are equal."""
    joins: list[ClauseElement | None] = [relationship.primaryjoin, relationship.secondaryjoin]
    parts: list[Any] = [part for join in joins if join is not None for part in visitors.iterate(join)]
    known = {frozenset[object](pair) for pair in pairs}
    alike = all(
        part.operator is operators.eq and frozenset[object]((part.left, part.right)) in known
        for part in parts
        if isinstance(part, BinaryExpression)
    )
    together = all(part.operator is operators.and_ for part in parts if isinstance(part, BooleanClauseList))
    return alike and together and all(isinstance(part, (BinaryExpression, BooleanClauseList, Column)) for part in parts)


def _is_listable(kind: TypeEngine[Any]) -> bool:
    """Whether a list of values means what they mean one by one: of lists there are no lists, and SQL is made of one."""
    if overrides(kind, "bind_expression"):
        return False
    if isinstance(kind, TypeDecorator):
        return _is_listable(kind.load_dialect_impl(POSTGRESQL))
    return not isinstance(kind, (ARRAY, BIT, AbstractMultiRange, NullType))
