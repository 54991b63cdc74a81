"""The statements of a controller, built from its entity and from values that have been checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

from sqlalchemy import (
    ClauseElement,
    Column,
    Delete,
    Executable,
    Select,
    Update,
    delete,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert

from .entity import Entity, inline
from .errors import ValidationError
from .relations import explicit_only

Values: TypeAlias = Mapping[str, object]


def select_key(entity: Entity[Any], key: Values, within: str | None) -> Select[Any]:
    """Select the row that a key names."""
    return select(entity.model).where(*entity.conditions(key, within)).options(*explicit_only(entity.mapper))


def select_same(entity: Entity[Any], keys: Collection[str], within: str | None, values: Values) -> Select[Any]:
    """Select the row that has the same key as a new one would have."""
    conditions = (*entity.same_key(keys, values), *entity.conditions({}, within))
    return select(entity.model).where(*conditions).options(*explicit_only(entity.mapper))


def update_key(entity: Entity[Any], key: Values, within: str | None, values: Values) -> Executable:
    """Set values of the row that a key names, and return it."""
    return returning(entity, update(entity.model).where(*entity.conditions(key, within)), values)


def delete_key(entity: Entity[Any], key: Values, within: str | None) -> Delete:
    """Delete the row that a key names."""
    return delete(entity.model).where(*entity.conditions(key, within))


def insert_row(entity: Entity[Any], values: Values) -> Executable:
    """Insert a row and return it."""
    return returning(entity, insert(entity.model), values)


def insert_once(entity: Entity[Any], keys: Collection[str], within: str | None, values: Values) -> Executable:
    """Insert a row and return it, unless there is one with its key."""
    statement = insert(entity.model).on_conflict_do_nothing(**_conflict(entity, keys, within))
    return returning(entity, statement, values)


def upsert_row(
    entity: Entity[Any], keys: Collection[str], within: str | None, values: Values, given: Collection[str]
) -> Executable:
    """Insert a row, or set what was ``given`` of the one that has its key; return what is there then."""
    statement = insert(entity.model)
    changed = [name for name in given if name not in keys]
    # Something must be set for the row to come back: without changes, the key as it is.
    columns = [entity.columns[name] for name in changed or given]
    updates: dict[Any, Any] = {column: statement.excluded[column.key] for column in columns}
    if changed:
        updates = {column: _onupdate(column) for column in entity.table.columns if column.onupdate} | updates
    statement = statement.on_conflict_do_update(set_=updates, **_conflict(entity, keys, within))
    return returning(entity, statement, values)


def pinned(entity: Entity[Any], within: str | None, values: Values) -> dict[str, object]:
    """Return a new row's values with those that the predicate of its index fixes; refuse what contradicts it."""
    pins = entity.pins(within) if within else {}
    fixed = {name: constant for name, constant in pins.items() if constant != "NOT NULL"}
    given = {name: _constant(entity, name, values[name]) for name in pins.keys() & values.keys()}
    wrong = {
        name: f"must be {pins[name]}, which is what the index {within} is about"
        for name, constant in given.items()
        if (constant == "NULL" if pins[name] == "NOT NULL" else constant != pins[name])
    }
    if wrong:
        raise ValidationError(entity.model, wrong)
    return {**{name: literal_column(constant) for name, constant in fixed.items()}, **values}


def returning(entity: Entity[Any], statement: Insert | Update, values: Values) -> Executable:
    """Complete a write: set the values, and return the object."""
    complete = statement.values(entity.assigned(values)).returning(entity.model)
    return complete.options(*explicit_only(entity.mapper)).execution_options(synchronize_session=False)


def _constant(entity: Entity[Any], name: str, value: object) -> str:
    return inline(value if isinstance(value, ClauseElement) else literal(value, entity.columns[name].type))


def _onupdate(column: Column[Any]) -> object:
    """Return what a column's ``onupdate`` sets; ON CONFLICT DO UPDATE does not see to it by itself."""
    default: Any = column.onupdate
    return default.arg(None) if default.is_callable else default.arg


def _conflict(entity: Entity[Any], keys: Collection[str], within: str | None) -> dict[str, Any]:
    predicate = entity.predicate(within) if within else None
    return {"index_elements": [entity.operand(key) for key in keys], "index_where": predicate}
