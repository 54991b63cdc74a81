"""Foreign keys and relationships of a model, from the mapper and not from the annotations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import (
    ARRAY,
    BinaryExpression,
    BooleanClauseList,
    Column,
    ColumnElement,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    Table,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql.ranges import AbstractMultiRange
from sqlalchemy.exc import NoReferenceError
from sqlalchemy.orm import Mapper, RelationshipDirection, RelationshipProperty
from sqlalchemy.sql import ClauseElement, operators, visitors
from sqlalchemy.types import NullType, TypeEngine

from ctrlgen.findings import NO_LOADER, UNKNOWN_TARGET, Location
from ctrlgen.inspect.annotations import reference
from ctrlgen.inspect.column_types import is_nullable, overrides
from ctrlgen.inspect.index_sql import POSTGRESQL
from ctrlgen.inspect.mappers import intended_target, problem_of
from ctrlgen.schema import ForeignKey, Reference, Relation
from ctrlgen.source_locations import Context

_UNIQUE = (PrimaryKeyConstraint, UniqueConstraint)
_UNLOADABLE = frozenset({"dynamic", "write_only"})

Classes = Mapping[Table, Mapper[Any]]
"""The mappers, by table."""


Pairs = Sequence[tuple[ColumnElement[Any], ColumnElement[Any]]]


def relations_of(mapper: Mapper[Any], context: Context) -> tuple[Relation, ...]:
    """Return the relationships that can be loaded, in the order of their declaration."""
    relations = (_attempt(relationship, mapper.class_, context) for relationship in mapper.relationships)
    return tuple(filter(None, relations))


def foreign_keys_of(
    model: type, table: Table, attributes: Mapping[str, str], classes: Classes, context: Context
) -> tuple[ForeignKey, ...]:
    """Return the foreign keys, sorted by columns, without those with unmapped columns.

    Parameters
    ----------
    attributes
        The model's attributes by the database's name.
    """
    keys = [
        _attempt_foreign_key(model, constraint, names, classes, context)
        for constraint in table.foreign_key_constraints
        if (names := _local(constraint, attributes))
    ]
    order = list(attributes.values())
    ordered = sorted(filter(None, keys), key=lambda key: ([*map(order.index, key.attributes)], repr(key.target)))
    return tuple(ordered)


def references_of(tables: Iterable[Table]) -> tuple[Reference, ...]:
    """Return all foreign keys of these tables with an action on their own rows, in a deterministic order."""
    references = [_reference(constraint) for table in tables for constraint in table.foreign_key_constraints]
    acting = {foreign_key for foreign_key in references if foreign_key.on_delete or foreign_key.on_update}
    return tuple(sorted(acting, key=repr))


def _reference(constraint: ForeignKeyConstraint) -> Reference:
    """Return a foreign key by the declared names. Its target does not have to exist."""
    targets = [element.target_fullname.rpartition(".") for element in constraint.elements]
    on_delete, on_update = ((action or "").upper() for action in (constraint.ondelete, constraint.onupdate))
    return Reference(
        parent=targets[0][0],
        parent_columns=tuple(column for _, _, column in targets),
        child=constraint.table.fullname,
        child_columns=tuple(str(element.parent.name) for element in constraint.elements),
        on_delete="delete" if on_delete == "CASCADE" else "update" if on_delete.startswith("SET ") else None,
        on_update=on_update == "CASCADE" or on_update.startswith("SET "),
    )


def _attempt(relationship: RelationshipProperty[Any], model: type, context: Context) -> Relation | None:
    location = context.sources.of_attribute(model, relationship.key)
    what = f"relationship `{model.__name__}.{relationship.key}`"
    return context.attempt(what, location, lambda: _relation(relationship, model, location, context))


def _relation(
    relationship: RelationshipProperty[Any], model: type, location: Location, context: Context
) -> Relation | None:
    if relationship.lazy in _UNLOADABLE:
        name = f"{model.__name__}.{relationship.key}"
        context.warn(NO_LOADER, location, relationship=name, lazy=relationship.lazy)
        return None
    secondary: object = cast("Any", relationship).secondary
    return Relation(
        attribute=relationship.key,
        target=reference(relationship.mapper.class_),
        many=bool(relationship.uselist),
        optional=_may_be_none(relationship),
        location=location,
        by_columns=is_by_columns(relationship),
        linked=_is_linked(relationship),
        attributes=_attributes(relationship),
        link_table=secondary.fullname if isinstance(secondary, Table) else None,
        pairs=tuple(_attribute_pairs(relationship)),
    )


def _is_linked(relationship: RelationshipProperty[Any]) -> bool:
    """Return whether the secondary table has only the keys of both sides, and each pair at most once."""
    table = relationship.secondary
    if not isinstance(table, Table) or relationship.viewonly or not is_by_columns(relationship):
        return False
    pairs = [*relationship.synchronize_pairs, *(relationship.secondary_synchronize_pairs or ())]
    keys = {str(column.key) for _, column in pairs}
    constraints: list[Any] = [constraint for constraint in table.constraints if isinstance(constraint, _UNIQUE)]
    once = any(set(constraint.columns.keys()) == keys for constraint in constraints)
    names = {str(column.key) for column in cast("Any", table).c}
    return names == keys and len(keys) == len(pairs) and once


def _attributes(relationship: RelationshipProperty[Any]) -> tuple[str, ...]:
    """Return the attributes of the relationship's own model that it is joined by."""
    parent = relationship.parent
    own = {attribute.columns[0]: attribute.key for attribute in parent.column_attrs}
    return tuple(sorted(key for column, key in own.items() if column in relationship.local_columns))


def _attribute_pairs(relationship: RelationshipProperty[Any]) -> Iterator[tuple[str, str]]:
    """Yield the attributes of both sides that the relationship requires to be equal."""
    matched, linked = _pairs(relationship)
    own: dict[object, str] = {each.columns[0]: each.key for each in relationship.parent.column_attrs}
    other: dict[object, str] = {each.columns[0]: each.key for each in relationship.mapper.column_attrs}
    through = [(local, column) for local, link in matched for column, other_link in linked if other_link is link]
    for local, remote in through if relationship.secondary is not None else matched:
        if local in own and remote in other:
            yield own[local], other[remote]


def _may_be_none(relationship: RelationshipProperty[Any]) -> bool:
    """Return whether a scalar relationship may be None: always, unless NOT NULL foreign keys guarantee a row."""
    if relationship.uselist:
        return False
    pairs = relationship.local_remote_pairs or []
    here = relationship.direction is RelationshipDirection.MANYTOONE
    certain = here and relationship.mapper.inherits is None and _is_equality(relationship, pairs)
    return not certain or not all(_refers_always(*pair) for pair in pairs)


def _refers_always(local: ColumnElement[Any], remote: ColumnElement[Any]) -> bool:
    """Return whether the database guarantees that a column has the value of another column in some row."""
    if not isinstance(local, Column) or is_nullable(local):
        return False
    try:
        return any(key.column is remote for key in local.foreign_keys)
    except NoReferenceError:  # an invalid foreign key, which has its own finding
        return False


def _local(constraint: ForeignKeyConstraint, attributes: Mapping[str, str]) -> tuple[str, ...]:
    names = [str(element.parent.name) for element in constraint.elements]
    return tuple(attributes[name] for name in names) if attributes.keys() >= set(names) else ()


def _attempt_foreign_key(
    model: type, constraint: ForeignKeyConstraint, names: tuple[str, ...], classes: Classes, context: Context
) -> ForeignKey | None:
    location = context.sources.of_attribute(model, names[0] if len(names) == 1 else "__table_args__")
    what = f"the foreign key `{'`, `'.join(names)}` of `{model.__name__}`"
    return context.attempt(what, location, lambda: _foreign_key(model, constraint, names, location, classes, context))


def _foreign_key(
    model: type,
    constraint: ForeignKeyConstraint,
    names: tuple[str, ...],
    location: Location,
    classes: Classes,
    context: Context,
) -> ForeignKey:
    written = [element.target_fullname for element in constraint.elements]
    on_delete = str(constraint.ondelete).upper() if constraint.ondelete else None
    try:
        columns = [element.column for element in constraint.elements]
    except NoReferenceError as error:
        hint = intended_target(written[0], constraint.table)
        fields = {"table": error.table_name, "problem": problem_of(error), "suggestion": f"; {hint}" if hint else ""}
        context.warn(UNKNOWN_TARGET, location, model=model.__name__, target=written[0], **fields)
        table, unknown = written[0].rpartition(".")[0], tuple(name.rpartition(".")[2] for name in written)
        return ForeignKey(names, None, unknown, location, table, on_delete)
    table, mapper = str(constraint.referred_table.fullname), classes.get(constraint.referred_table)
    if mapper is None:
        return ForeignKey(names, None, tuple(str(column.name) for column in columns), location, table, on_delete)
    targets = tuple(mapper.get_property_by_column(column).key for column in columns)
    return ForeignKey(names, reference(mapper.class_), targets, location, table, on_delete)


def is_plain(mapper: Mapper[Any]) -> bool:
    """Return whether instances consist only of a row, and no hooks run when they are loaded."""
    events: Any = mapper.class_manager.dispatch
    listens = bool(events.load or events.refresh)
    special = mapper.inherits or mapper.composites or mapper.polymorphic_on is not None
    partial = any(
        attribute.deferred or not isinstance(attribute.columns[0], Column) for attribute in mapper.column_attrs
    )
    return not (listens or special or partial or mapper.version_id_col is not None)


def is_by_columns(relationship: RelationshipProperty[Any]) -> bool:
    """Return whether related rows are found by comparing columns, for any number of objects at once."""
    matched, linked = _pairs(relationship)
    matchable = all(_is_matchable(remote.type) for _, remote in matched)
    return matchable and is_plain(relationship.mapper) and _is_equality(relationship, [*matched, *linked])


def _pairs(relationship: RelationshipProperty[Any]) -> tuple[Pairs, Pairs]:
    """Return the columns that objects are matched by, and those that join a secondary table to the target."""
    if relationship.secondary is None:
        return relationship.local_remote_pairs or [], []
    return relationship.synchronize_pairs, relationship.secondary_synchronize_pairs or []


def _is_equality(relationship: RelationshipProperty[Any], pairs: Pairs) -> bool:
    """Return whether the joins of a relationship consist only of equalities of its column pairs."""
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


def _is_matchable(kind: TypeEngine[Any]) -> bool:
    """Return whether such values can be matched in Python, unlike lists and values that only SQL converts."""
    if overrides(kind, "bind_expression"):
        return False
    if isinstance(kind, TypeDecorator):
        return _is_matchable(kind.load_dialect_impl(POSTGRESQL))
    return not isinstance(kind, (ARRAY, AbstractMultiRange, NullType))
