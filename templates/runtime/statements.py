"""The statements that write rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, TypeAlias

from .errors import ValidationError
from .filters import where_of
from .sql import MARK, Convert, Request, Sql, joined
from .table import Table, has_sql

Values: TypeAlias = Mapping[str, object]


def insert_row(table: Table[Any], row: Values, returning: str, conflict: Sql | str = "") -> Sql:
    """Insert a row and return it."""
    row, more = table.completed(row, "default"), conflict if isinstance(conflict, Sql) else Sql(conflict)
    names = tuple(row)
    if table.is_simple and not has_sql(row.values()):  # as nearly always
        operands = table.operands
        values = tuple([(name, operands[name].converted(value)) for name, value in row.items()])
        return Sql(_insertion(table, names, ", ".join([MARK] * len(names)), more.text, returning), values + more.values)
    values_sql = joined(", ", table.assigned(row))
    text = _insertion(table, names, values_sql.text, more.text, returning)
    return Sql(text, values_sql.values + more.values)


@lru_cache(1000)
def _insertion(table: Table[Any], names: tuple[str, ...], values: str, conflict: str, returning: str) -> str:
    columns = ", ".join([table.operands[name].bare for name in names])
    given = f"({columns}) VALUES ({values})" if names else "DEFAULT VALUES"
    return f"INSERT INTO {table.sql} {given}{conflict} RETURNING {returning}"


def insert_once(table: Table[Any], row: Values, returning: str, keys: Collection[str], within: str | None) -> Sql:
    """Insert a row and return it, unless there is one with its key."""
    return insert_row(table, row, returning, f" ON CONFLICT {table.conflict(keys, within)} DO NOTHING")


def upsert_row(
    table: Table[Any], row: Values, returning: str, keys: Collection[str], within: str | None, given: Collection[str]
) -> Sql:
    """Insert a row, or set what was ``given`` of the one with its key, and return it.

    Something must be set in a row that is there, for it to be returned.
    """
    changed = [name for name in given if name not in keys]
    set_ = ", ".join([f"{bare} = excluded.{bare}" for bare in (table.operands[name].bare for name in changed or given)])
    conflict = Sql(f" ON CONFLICT {table.conflict(keys, within)} DO UPDATE SET {set_}")
    if changed and table.supplied["onupdate"]:
        completed = table.completed({name: row[name] for name in changed}, "onupdate")
        more = {name: value for name, value in completed.items() if name not in given}
        conflict = joined(", ", [conflict, *_settings(table, more)])
    return insert_row(table, row, returning, conflict)


def update_rows(table: Table[Any], where: Sql, changes: Values) -> Sql:
    """Set values of the rows that match, and what their table's ``onupdate`` adds."""
    parts = _settings(table, table.completed(changes, "onupdate"))
    return Sql(f"UPDATE {table.sql} SET ") + joined(", ", parts) + where


def _settings(table: Table[Any], changes: Values) -> list[Sql]:
    return [
        Sql(f"{table.operands[name].bare} = ") + value
        for name, value in zip(changes, table.assigned(changes), strict=True)
    ]


def update_key(table: Table[Any], row: Values, returning: str) -> Sql:
    """Set values of the row with this primary key; if there are none, look whether it is there."""
    where = where_of(table, {name: row[name] for name in table.key_names})
    changes = {name: value for name, value in row.items() if name not in table.key_names}
    if not changes:
        return Sql(f"SELECT {returning} FROM {table.sql}") + where
    return update_rows(table, where, changes) + f" RETURNING {returning}"


def requests(
    table: Table[Any], rows: Iterable[tuple[Values, Hashable]], build: Callable[[Values, Any], Sql]
) -> list[Request]:
    """Return what is sent for each of many rows; rows that give the same columns, in one ``shape``, share a text."""
    known: dict[Hashable, tuple[str, Sequence[str], list[tuple[int, Convert]]]] = {}
    made: list[Request] = []
    for row, shape in rows:
        key, plain = (tuple(row), shape), not has_sql(row.values())
        if plain and (same := known.get(key)):
            text, names, converts = same
            arguments = list(row.values())
            with suppress(Exception):  # of a type of the author's own: the other way says whose
                for number, convert in converts:
                    if (value := arguments[number]) is not None:
                        arguments[number] = convert(value)
                made.append(Request(text, arguments, names))
                continue
        statement = build(row, shape)
        made.append(request := statement.request)
        # Where each parameter is one of the row's values:
        if plain and table.is_simple and tuple(request.names) == tuple(row):
            binds = [(number, table.operands[name].bind) for number, name in enumerate(row)]
            known[key] = request.text, request.names, [(number, bind) for number, bind in binds if bind]
    return made


def row_within(
    table: Table[Any], values: Values, within: str | None, check: Callable[[Values], dict[str, object]]
) -> dict[str, object]:
    """Return a new row, checked, with what the predicate of its index implies; refuse what contradicts it."""
    if within is None:
        return check(values)
    partial = table.facts.partial[within]
    row = check({**partial.implied, **values})
    reasons = {name: "must not be None" for name in partial.present if row.get(name) is None}
    if partial.implied.keys() & values.keys():
        right = check({**values, **partial.implied})
        reasons |= {name: f"must be {right[name]!r}" for name in partial.implied if row[name] != right[name]}
    if reasons:
        about = f", which is what the index {within} is about"
        raise ValidationError(table.model, {name: reason + about for name, reason in reasons.items()})
    return row
