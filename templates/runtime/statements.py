"""Makes SQL of what callers ask for: conditions, and the statements that write rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeAlias, cast
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import AsBoolean, BooleanClauseList, False_, Grouping, True_

from .contracts import AnyOf, Expression, Filters, Span
from .errors import ValidationError
from .operand import Operand
from .sql import MARK, Convert, Request, Sql, has_sql, is_sql, joined
from .table import Table

_BOUNDS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
_SIMPLE = frozenset({bool, bytes, datetime, Decimal, float, int, str, UUID})  # that a column can only be equal to


def where_of(table: Table[Any], filters: Mapping[str, object], within: str | None = None, given: Filters = None) -> Sql:
    """Return what keywords and conditions say, inside a partial index if one is named; nothing if they say nothing."""
    tests = [_test(table, key, value) for key, value in filters.items()]
    if given is not None:
        several = hasattr(given, "__iter__") and not is_sql(given)
        tests += [_condition(table, one) for one in cast("Iterable[object]", given if several else [given])]
    if within:
        tests.append(Sql(f"({table.facts.partial[within].where})"))
    return Sql(" WHERE ") + joined(" AND ", tests) if (tests := [test for test in tests if test.text]) else Sql("")


def key_of(table: Table[Any], key: Mapping[str, object], within: str | None, *, nulls: bool) -> Sql:
    """Return the condition of the one row with a key; NULL is equal to nothing, unless ``nulls`` are."""
    for name, value in key.items():
        if isinstance(value, (AnyOf, Span)):
            raise TypeError(f"{name} is a key: it takes one value, not several; use find_all")
        if value is None and not nulls:
            return Sql(" WHERE false")
    return where_of(table, key, within)


def one_of(key: list[Operand], values: Iterable[Iterable[object]]) -> Sql:
    """Return the condition that a key is one of these, in as many parameters as it has columns where that can be."""
    names, rows = ", ".join([part.sql for part in key]), [list(row) for row in values]
    if len(key) == 1 and key[0].array:
        array = [key[0].converted(value) for (value,) in rows]
        return Sql(f"{names} = ANY(\0)", ((key[0].name, array),))
    columns = [[part.converted(row[n]) for row in rows] for n, part in enumerate(key)]
    if all(part.array for part in key):
        arrays = ", ".join([f"\0::{part.array}" for part in key])
        bound = tuple([(part.name, column) for part, column in zip(key, columns, strict=True)])
        return Sql(f"({names}) IN (SELECT * FROM unnest({arrays}))", bound)
    each = [
        Sql("(") + joined(", ", [part.value(one) for part, one in zip(key, row, strict=True)]) + ")" for row in rows
    ]
    return Sql(f"({names}) IN (") + joined(", ", each) + ")" if rows else Sql("false")


def _condition(table: Table[Any], expression: Any) -> Sql:
    """Return a condition of the caller's in SQL."""
    element: Any = expression.__clause_element__() if hasattr(expression, "__clause_element__") else expression
    if not is_sql(element) or _is_decided(element):
        what = "true or false" if is_sql(element) else f"a Python {type(element).__name__}"
        raise TypeError(
            f"a filter is an SQL condition such as c.points > 5, not {what}, which is what Python makes of `not`, "
            "`and` and `or`: write ~c.flag for `not c.flag`, and put `&` and `|` between conditions in parentheses"
        )
    return Sql("(") + table.embedded(expression) + ")"


def _is_decided(element: Any) -> bool:
    """Whether a condition is a bare true or false, or joins one to others."""
    while type(element) in {AsBoolean, Grouping}:
        element = element.element
    return isinstance(element, (True_, False_)) or (
        isinstance(element, BooleanClauseList) and any(map(_is_decided, element.clauses))
    )


def _test(table: Table[Any], key: str, value: object) -> Sql:
    operand = table.operand(key)
    if value is None:
        return Sql(f"{operand.sql} IS NULL")
    if operand.is_json and not isinstance(operand.inner, JSONB):
        raise TypeError(f"{key} is json, which PostgreSQL does not compare: JSONB can be; or filter with c.{key}[...]")
    if type(value) in _SIMPLE:
        return Sql(f"{operand.sql} = ") + operand.value(value)
    if isinstance(value, AnyOf):
        given = list(cast("AnyOf[object]", value).values)
        for one in given:
            if reason := operand.timezone_mismatch(one):
                raise ValidationError(table.model, {key: reason})
        some = one_of([operand], [(one,) for one in given if one is not None])
        return Sql("(") + some + f" OR {operand.sql} IS NULL)" if any(one is None for one in given) else some
    if isinstance(value, Span):
        bounds = [(sign, getattr(cast("Span[object]", value), name)) for name, sign in _BOUNDS.items()]
        tests = [
            Sql(f"{operand.sql} {sign} ") + _one(table, operand, bound) for sign, bound in bounds if bound is not None
        ]
        return joined(" AND ", tests)
    if type(value) in {list, tuple, set, frozenset} and not operand.takes_lists:
        raise TypeError(f"{key} has one value; for one of several give AnyOf([...])")
    return Sql(f"{operand.sql} = ") + _one(table, operand, value)


def _one(table: Table[Any], operand: Operand, value: object) -> Sql:
    if isinstance(value, Sql):
        return Sql("(") + value + ")"
    return Sql("(") + table.embedded(value) + ")" if is_sql(value) else operand.value(value)


def keys_of(table: Table[Any], row: Mapping[str, object], keys: Collection[str]) -> dict[str, object]:
    """Return what a new row has in a key; an expression is computed by the server, as for the index."""
    return {key: _computed(table, row, table.facts.expressions[key]) if key not in row else row[key] for key in keys}


def _computed(table: Table[Any], row: Mapping[str, object], expression: Expression) -> Sql:
    inputs = [(table.operands[name], row[name]) for name in expression.inputs]
    values = joined(", ", [operand.in_row(_one(table, operand, value)) for operand, value in inputs])
    return Sql(f"SELECT {expression.sql} FROM (SELECT ") + values + ") AS row_to_store"


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


def create_or_change_row(
    table: Table[Any], row: Values, returning: str, keys: Collection[str], within: str | None, changes: Values
) -> Sql:
    """Insert a row, or make changes in the one with its key, and return it."""
    settings = _settings(table, table.completed(changes, "onupdate") if changes else {})
    if not settings:  # something must be set in a row that is there, for it to be returned
        key = next(iter(keys))
        column = table.operands[table.facts.expressions[key].inputs[0] if key in table.facts.expressions else key]
        settings = [Sql(f"{column.bare} = {column.sql}")]
    conflict = Sql(f" ON CONFLICT {table.conflict(keys, within)} DO UPDATE SET ") + joined(", ", settings)
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
