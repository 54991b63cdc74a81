"""Foreign keys and relationships of a model, as the mapper has them, whatever the annotations say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Table
from sqlalchemy.exc import NoReferencedColumnError, NoReferenceError
from sqlalchemy.orm import Mapper, RelationshipDirection, RelationshipProperty

from ctrlgen.inspect.context import Context
from ctrlgen.inspect.loading import is_by_columns
from ctrlgen.inspect.names import reference
from ctrlgen.schema import ForeignKey, Location, Relation

_UNLOADABLE = frozenset({"dynamic", "write_only"})

Classes = Mapping[Table, Mapper[Any]]
"""Mappers by the table they map."""


def relations_of(mapper: Mapper[Any], context: Context) -> tuple[Relation, ...]:
    """Return the relationships that can be loaded, in the order of their declaration."""
    found = (_attempt(relationship, mapper.class_, context) for relationship in mapper.relationships)
    return tuple(filter(None, found))


def foreign_keys_of(
    model: type, table: Table, attributes: Mapping[str, str], classes: Classes, context: Context
) -> tuple[ForeignKey, ...]:
    """Return the foreign keys, by their columns; one on a column the class does not map is left out.

    Parameters
    ----------
    attributes
        The model's attributes by the database's name.
    """
    found = [
        _attempt_foreign_key(model, constraint, names, classes, context)
        for constraint in table.foreign_key_constraints
        if (names := _local(constraint, attributes))
    ]
    order = list(attributes.values())
    ordered = sorted(filter(None, found), key=lambda key: ([*map(order.index, key.attributes)], repr(key.target)))
    return tuple(ordered)


def _attempt(relationship: RelationshipProperty[Any], model: type, context: Context) -> Relation | None:
    location = context.sources.of_attribute(model, relationship.key)
    what = f"relationship `{model.__name__}.{relationship.key}`"
    return context.attempt(what, location, lambda: _relation(relationship, model, location, context))


def _relation(
    relationship: RelationshipProperty[Any], model: type, location: Location, context: Context
) -> Relation | None:
    if relationship.lazy in _UNLOADABLE:
        what = f"`{model.__name__}.{relationship.key}`"
        context.warn(location, "CG205", f'{what} has no loader: lazy="{relationship.lazy}" is never loaded')
        return None
    return Relation(
        attribute=relationship.key,
        target=reference(relationship.mapper.class_),
        many=bool(relationship.uselist),
        optional=_may_be_none(relationship),
        description=relationship.doc or "",
        location=location,
        by_columns=is_by_columns(relationship),
    )


def _may_be_none(relationship: RelationshipProperty[Any]) -> bool:
    """Whether a single relationship may be empty: always, unless foreign keys that are NOT NULL lead there."""
    if relationship.uselist:
        return False
    here = relationship.direction is RelationshipDirection.MANYTOONE
    return not here or any(getattr(column, "nullable", True) for column in relationship.local_columns)


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
    try:
        columns = [element.column for element in constraint.elements]
    except NoReferenceError as error:
        told = "has no such column" if isinstance(error, NoReferencedColumnError) else "is not declared"
        message = f"`{model.__name__}` points at `{written[0]}`, but the table `{error.table_name}` {told}"
        context.warn(location, "CG206", message)
        return ForeignKey(names, None, tuple(name.rpartition(".")[2] for name in written), location)
    mapper = classes.get(constraint.referred_table)
    if mapper is None:
        return ForeignKey(names, None, tuple(str(column.name) for column in columns), location)
    targets = tuple(mapper.get_property_by_column(column).key for column in columns)
    return ForeignKey(names, reference(mapper.class_), targets, location)
