"""The statements that write rows, built once for each shape of values, with parameters called after attributes."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, insert

from .arrays import is_list, unlimited
from .entity import Entity, constant, expressions_of, inline, is_sql
from .errors import ValidationError
from .filters import Where, refuse_others, where_of

Values: TypeAlias = Mapping[str, object]


class Assignment:
    """Values to be stored: an explicit None is NULL, which no default and no JSON ``null`` replaces.

    ``shape`` tells which columns get which kind of value, None where it can not be told; ``values`` are the parameters.
    """

    def __init__(self, entity: Entity[Any], given: Values, suffix: str = "set") -> None:
        self._entity, self._given, self._suffix = entity, given, suffix
        expressions = expressions_of(given)
        texts = {name: _text(value) for name, value in expressions.items()}
        self.shape: Hashable = None
        if None not in texts.values():
            self.shape = tuple([(name, texts.get(name, value is None)) for name, value in given.items()])
        self.values = {f"{name}__{suffix}": value for name, value in given.items() if value is not None}
        for name in expressions:
            refuse_others(entity, self.values.pop(f"{name}__{suffix}"))

    @property
    def columns(self) -> dict[sa.Column[Any], Any]:
        """What each column is set to."""
        return {self._entity.columns[name]: self._set(name, value) for name, value in self._given.items()}

    def _set(self, name: str, value: object) -> object:
        if value is None:
            return sa.null()
        if is_sql(value):
            return value
        kind = self._entity.columns[name].type
        return sa.bindparam(f"{name}__{self._suffix}", type_=unlimited(kind) if is_list(kind) else kind)


def change_of(entity: Entity[Any], changes: Values) -> Assignment:
    """Return what an update sets: what was asked for, and what ``onupdate`` functions add."""
    return Assignment(entity, {**changes, **entity.updated(changes)})


def insert_row(entity: Entity[Any], row: Assignment) -> sa.Executable:
    """Insert a row and return it."""
    shape = row.shape and ("insert", row.shape)
    return entity.prepared(shape, lambda: _returning(entity, insert(entity.table).values(row.columns)))


def insert_once(entity: Entity[Any], row: Assignment, keys: Collection[str], within: str | None) -> sa.Executable:
    """Insert a row and return it, unless there is one with its key."""

    def build() -> sa.Executable:
        statement = insert(entity.table).values(row.columns)
        return _returning(entity, statement.on_conflict_do_nothing(**entity.conflict(keys, within)))

    return entity.prepared(row.shape and ("insert once", row.shape, tuple(keys), within), build)


def upsert_row(
    entity: Entity[Any], values: Values, keys: Collection[str], within: str | None, given: Collection[str]
) -> tuple[sa.Executable, dict[str, object]]:
    """Insert a row, or set what was ``given`` of the one with its key, and return it; with the parameters."""
    changes = {name: values[name] for name in given if name not in keys}
    row, more = Assignment(entity, values), Assignment(entity, entity.updated(changes) if changes else {}, "onupdate")

    def build() -> sa.Executable:
        inserted = insert(entity.table).values(row.columns)
        return _returning(entity, upserting(entity, inserted, keys, within, given, more.columns))

    keep = row.shape and more.shape is not None
    shape = ("upsert", row.shape, more.shape, tuple(keys), within, tuple(given)) if keep else None
    return entity.prepared(shape, build), {**row.values, **more.values}


def upserting(
    entity: Entity[Any],
    statement: Insert,
    keys: Collection[str],
    within: str | None,
    given: Collection[str],
    more: Mapping[sa.Column[Any], object],
) -> Insert:
    """Complete an insert with what happens to a row that is there: something must, for it to be returned.

    ``more`` is what ``onupdate`` functions gave for it.
    """
    changed = [name for name in given if name not in keys]
    sets: dict[sa.Column[Any], object] = {
        entity.columns[name]: statement.excluded[entity.columns[name].key] for name in changed or given
    }
    if changed:  # ON CONFLICT does not see to it by itself
        sets = {**_constant_onupdates(entity), **more, **sets}
    return statement.on_conflict_do_update(set_=sets, **entity.conflict(keys, within))


def update_rows(entity: Entity[Any], where: Where, changes: Assignment) -> sa.Update:
    """Set values of the rows that match."""
    shape = where.shape and changes.shape and ("update", where.shape, changes.shape)
    return entity.prepared(shape, lambda: sa.update(entity.table).where(*where.conditions).values(changes.columns))


def update_row(entity: Entity[Any], where: Where, changes: Assignment) -> sa.Executable:
    """Set values of the row that matches and return it."""
    shape = where.shape and changes.shape and ("update one", where.shape, changes.shape)
    return entity.prepared(shape, lambda: _returning(entity, update_rows(entity, where, changes)))


def pinned(entity: Entity[Any], values: Values, within: str | None) -> dict[str, object]:
    """Return a new row's values with those that the predicate of its index fixes; refuse what contradicts it."""
    pins = entity.pins(within) if within else {}
    given = {name: _inlined(entity, name, values[name]) for name in pins.keys() & values.keys()}
    if wrong := [name for name, text in given.items() if not _fits(pins[name], text)]:
        reasons = {name: f"must be {pins[name]}, which is what the index {within} is about" for name in wrong}
        raise ValidationError(entity.model, reasons)
    fixed: dict[str, object] = {name: constant(text) for name, text in pins.items() if text != "NOT NULL"}
    return {**fixed, **values}


def same_key(entity: Entity[Any], keys: Collection[str], row: Values, within: str | None) -> Where:
    """Return the conditions of the row that has the same key as a new one."""
    where = where_of(entity, {key: row[key] for key in keys if key in entity.columns}, within)
    if all(key in entity.columns for key in keys):
        return where
    columns = {entity.columns[name]: value for name, value in row.items() if not is_sql(value)}
    labelled = (sa.literal(value, column.type).label(column.name) for column, value in columns.items())
    new = sa.select(*labelled).subquery(entity.table.name)  # what an expression calls the table is the new row here
    expressions = {key: inline(entity.expression(key), qualified=False) for key in keys if key not in entity.columns}
    alike = [
        entity.operand(key) == sa.select(constant(text)).select_from(new).scalar_subquery()
        for key, text in expressions.items()
    ]
    return Where(None, (*where.conditions, *alike), where.values)


def _text(value: object) -> str | None:
    """Return a constant as it will be rendered; None for what is rendered anew each time."""
    return value.name if isinstance(value, sa.ColumnClause) and value.is_literal else None


def _returning(entity: Entity[Any], statement: Insert | sa.Update) -> sa.Executable:
    return statement.returning(*entity.hydrator.stored)


def _inlined(entity: Entity[Any], name: str, value: object) -> str:
    return inline(value if isinstance(value, sa.ClauseElement) else sa.literal(value, entity.columns[name].type))


def _fits(pin: str, text: str) -> bool:
    return text != "NULL" if pin == "NOT NULL" else text == pin


def _constant_onupdates(entity: Entity[Any]) -> dict[sa.Column[Any], object]:
    made: dict[sa.Column[Any], Any] = {column: column.onupdate for column in entity.table.columns if column.onupdate}
    return {column: default.arg for column, default in made.items() if not default.is_callable}
