"""Builds the SQL of conditions, and of the statements that write rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
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
from .sql import MARK, Convert, Sql, has_sql, is_sql, joined
from .table import Table

_BOUNDS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
_SIMPLE = frozenset({bool, bytes, datetime, Decimal, float, int, str, UUID})  # values that mean equality


def where_of(
    table: Table[Any], values: Mapping[str, object], within: str | None = None, filters: Filters = None
) -> Sql:
    """Return the WHERE clause of keywords and conditions, in the partial index ``within``; empty without conditions."""
    conditions = [_keyword_condition(table, key, value) for key, value in values.items()]
    if filters is not None:
        if isinstance(filters, Mapping):
            keywords = ", ".join(f"{name}=..." for name in filters)
            raise TypeError(f"filters are conditions, not a dict: pass its values as keywords ({keywords})")
        several = hasattr(filters, "__iter__") and not is_sql(filters)
        listed = cast("Iterable[object]", filters if several else [filters])
        conditions += [_condition(table, expression) for expression in listed]
    if within:
        conditions.append(Sql(f"({table.facts.partial[within].where})"))
    conditions = [condition for condition in conditions if condition.text]
    return Sql(" WHERE ") + joined(" AND ", conditions) if conditions else Sql("")


def key_of(table: Table[Any], key: Mapping[str, object], within: str | None, *, nulls: bool) -> Sql:
    """Return the WHERE clause of a key; NULL matches no row, unless ``nulls`` are values of the key."""
    for name, value in key.items():
        if isinstance(value, (AnyOf, Span)):
            raise TypeError(f"{name} is a key: it takes one value, not several; use find_all")
        if value is None and not nulls:
            return Sql(" WHERE false")
    return where_of(table, key, within)


def tenant_of(table: Table[Any], key: Mapping[str, object], within: str | None) -> Sql:
    """Return the WHERE clause of the tenant in a key; raise an error if the call requires one and has none."""
    tenant = table.facts.tenant
    if tenant is None or (within and tenant in table.facts.partial[within].implied):
        return Sql("")
    return where_of(table, {tenant: key.get(tenant)})


def any_of(key: list[Operand], values: Iterable[Iterable[object]]) -> Sql:
    """Return the condition that a key is one of several, with one array per column if all types have arrays."""
    names, rows = ", ".join([part.sql for part in key]), [list(row) for row in values]
    if len(key) == 1 and key[0].array:
        array = [key[0].converted(value) for (value,) in rows]
        return Sql(f"{names} = ANY({MARK})", (key[0].name,), (array,))
    columns = [[part.converted(row[n]) for row in rows] for n, part in enumerate(key)]
    if all(part.array for part in key):
        arrays = ", ".join([f"{MARK}::{part.array}" for part in key])
        text = f"({names}) IN (SELECT * FROM unnest({arrays}))"
        return Sql(text, tuple([part.name for part in key]), tuple(columns))
    tuples = [
        Sql("(") + joined(", ", [part.value(value) for part, value in zip(key, row, strict=True)]) + ")" for row in rows
    ]
    return Sql(f"({names}) IN (") + joined(", ", tuples) + ")" if rows else Sql("false")


def any_within(key: list[Operand], values: Iterable[Iterable[object]], position: int, equal: list[Operand]) -> Sql:
    """Return the same condition with the tenant, which is at ``position``, compared with each of the ``equal`` columns.

    PostgreSQL finds the partitions of a table by these comparisons, and not by those of several columns at once.
    """
    rows = [tuple(row) for row in values]
    tenants = list(dict.fromkeys([row[position] for row in rows]))
    conditions = [
        Sql(f"{column.sql} = ") + column.value(tenants[0])  # unlike an array, it also prunes a generic plan
        if len(tenants) == 1
        else any_of([column], [(tenant,) for tenant in tenants])
        for column in equal
    ]
    return joined(" AND ", [*conditions, any_of(key, rows)])


def _condition(table: Table[Any], expression: Any) -> Sql:
    """Return the caller's condition in SQL."""
    element: Any = expression.__clause_element__() if hasattr(expression, "__clause_element__") else expression
    if not is_sql(element) or _is_constant(element):
        value = "true or false" if is_sql(element) else f"a Python {type(element).__name__}"
        raise TypeError(
            f"a filter is an SQL condition such as c.points > 5, not {value}, which is the result of Python's `not`, "
            "`and`, `or`, `is` and `in`: write ~c.flag for `not c.flag`, c.name.is_(None) for `c.name is None`, "
            "c.id.in_([1]) for `c.id in [1]`, and put `&` and `|` between conditions in parentheses"
        )
    return Sql("(") + table.embedded(expression) + ")"


def _is_constant(element: Any) -> bool:
    """Return whether a condition is a constant true or false, or contains one."""
    while type(element) in {AsBoolean, Grouping}:
        element = element.element
    return isinstance(element, (True_, False_)) or (
        isinstance(element, BooleanClauseList) and any(map(_is_constant, element.clauses))
    )


def _keyword_condition(table: Table[Any], key: str, value: object) -> Sql:
    operand = table.operand(key)
    if key == table.facts.tenant and (value is None or isinstance(value, (AnyOf, Span)) or is_sql(value)):
        model = table.model.__name__
        raise TypeError(f"a call for {model} reaches one {key}: use find_all({key}=...) with a single value")
    if value is None:
        return Sql(f"{operand.sql} IS NULL")
    if operand.is_json and not isinstance(operand.inner, JSONB):
        raise TypeError(f"{key} is json, which PostgreSQL cannot compare: use JSONB, or filter by c.{key}[...]")
    if type(value) in _SIMPLE:
        return Sql(f"{operand.sql} = ") + operand.value(value)
    if isinstance(value, AnyOf):
        values = list(cast("AnyOf[object]", value).values)
        condition = any_of([operand], [(item,) for item in values if item is not None])
        has_null = any(item is None for item in values)
        return Sql("(") + condition + f" OR {operand.sql} IS NULL)" if has_null else condition
    if isinstance(value, Span):
        bounds = [(sign, getattr(cast("Span[object]", value), name)) for name, sign in _BOUNDS.items()]
        comparisons = [(f"{operand.sql} {sign} ", bound) for sign, bound in bounds if bound is not None]
        return joined(" AND ", [Sql(start) + _compared(table, operand, bound) for start, bound in comparisons])
    if operand.is_several(value):
        raise TypeError(f"{key} takes a single value; for any of several, pass AnyOf([...])")
    return Sql(f"{operand.sql} = ") + _compared(table, operand, value)


def _compared(table: Table[Any], operand: Operand, value: object) -> Sql:
    """Return a value for a comparison, in which an expression is in parentheses."""
    sql = table.value(operand, value)
    return Sql("(") + sql + ")" if is_sql(value) else sql


def key_values(table: Table[Any], row: Mapping[str, object], keys: Collection[str]) -> dict[str, object]:
    """Return the values that a new row has for a key; the server computes those of expressions."""
    return {key: _computed(table, row, table.facts.expressions[key]) if key not in row else row[key] for key in keys}


def _computed(table: Table[Any], row: Mapping[str, object], expression: Expression) -> Sql:
    inputs = [(table.operands[name], row[name]) for name in expression.inputs]
    values = joined(", ", [operand.in_row(table.value(operand, value)) for operand, value in inputs])
    return Sql(f"SELECT {expression.sql} FROM (SELECT ") + values + ") AS row_to_store"


Values: TypeAlias = Mapping[str, object]
Build: TypeAlias = Callable[[Values, tuple[str, ...]], Sql]
"""Returns the statement for a row, from its values and the names of the columns that the caller set."""


def insert_row(table: Table[Any], row: Values, conflict: Sql | str = "") -> Sql:
    """Return an INSERT of a row, which returns it."""
    row, clause = table.completed(row, "default"), conflict if isinstance(conflict, Sql) else Sql(conflict)
    names = tuple(row)
    if table.is_simple and not has_sql(row.values()):  # the usual case
        operands = table.operands
        arguments = tuple([operands[name].bound(value) for name, value in row.items()])
        values = Sql(", ".join([MARK] * len(names)), names, arguments)
    else:
        values = joined(", ", [table.value(table.operands[name], value) for name, value in row.items()])
    text = _insert_text(table, names, values.text, clause.text)
    return Sql(text, values.names + clause.names, values.arguments + clause.arguments)


@lru_cache(1000)
def _insert_text(table: Table[Any], names: tuple[str, ...], values: str, conflict: str) -> str:
    columns = ", ".join([table.operands[name].bare for name in names])
    row = f"({columns}) VALUES ({values})" if names else "DEFAULT VALUES"
    return f"INSERT INTO {table.sql} {row}{conflict} RETURNING {table.select_list}"


def insert_once(table: Table[Any], row: Values, keys: Collection[str], within: str | None) -> Sql:
    """Return an INSERT that returns the row, and does nothing if a row with its key exists."""
    return insert_row(table, row, f" ON CONFLICT {table.conflict(keys, within)} DO NOTHING")


def upsert_row(
    table: Table[Any], row: Values, keys: Collection[str], within: str | None, names: Collection[str]
) -> Sql:
    """Return an INSERT that sets the columns ``names`` of an existing row with its key, and returns the row.

    RETURNING includes an existing row only if it is updated; without other columns its key is set to itself.
    """
    changed = [name for name in names if name not in keys]
    columns = [table.operands[name].bare for name in changed or names]
    assignments = ", ".join([f"{column} = excluded.{column}" for column in columns])
    conflict = Sql(f" ON CONFLICT {table.conflict(keys, within)} DO UPDATE SET {assignments}")
    if changed and table.supplied["onupdate"]:
        completed = table.completed({name: row[name] for name in changed}, "onupdate")
        added = {name: value for name, value in completed.items() if name not in names}
        conflict = joined(", ", [conflict, *_assignments(table, added)])
    return insert_row(table, row, conflict)


def create_or_change_row(
    table: Table[Any], row: Values, keys: Collection[str], within: str | None, changes: Values
) -> Sql:
    """Return an INSERT that makes ``changes`` in an existing row with its key instead, and returns the row."""
    assignments = _assignments(table, table.completed(changes, "onupdate") if changes else {})
    if not assignments:  # RETURNING includes an existing row only if it is updated
        key = next(iter(keys))
        column = table.operands[table.facts.expressions[key].inputs[0] if key in table.facts.expressions else key]
        assignments = [Sql(f"{column.bare} = {column.sql}")]
    conflict = Sql(f" ON CONFLICT {table.conflict(keys, within)} DO UPDATE SET ") + joined(", ", assignments)
    return insert_row(table, row, conflict)


def update_rows(table: Table[Any], where: Sql, changes: Values) -> Sql:
    """Return an UPDATE of the matching rows, which includes the values of the columns' ``onupdate``."""
    assignments = _assignments(table, table.completed(changes, "onupdate"))
    return Sql(f"UPDATE {table.sql} SET ") + joined(", ", assignments) + where


def _assignments(table: Table[Any], changes: Values) -> list[Sql]:
    pairs = [(table.operands[name], value) for name, value in changes.items()]
    return [Sql(f"{operand.bare} = ") + table.value(operand, value) for operand, value in pairs]


def update_key(table: Table[Any], row: Values) -> Sql:
    """Return an UPDATE of the row with this primary key, which returns a 1; without changes, a SELECT of it."""
    where = where_of(table, {name: row[name] for name in table.key_names})
    changes = {name: value for name, value in row.items() if name not in table.key_names}
    if not changes:
        return Sql(f"SELECT 1 FROM {table.sql}") + where
    return update_rows(table, where, changes) + " RETURNING 1"


def build_statements(table: Table[Any], rows: Iterable[Values], validated: Iterable[Values], build: Build) -> list[Sql]:
    """Return a statement for each row; it is built once for all rows with the same columns.

    ``validated`` are the rows with their defaults, from which ``build`` takes the values. It also gets the names of the
    columns that the caller set.
    """
    known: dict[Hashable, tuple[Sql, list[tuple[int, Convert]]]] = {}
    statements: list[Sql] = []
    for row, names in zip(validated, map(tuple, rows), strict=True):
        key, plain = (tuple(row), names), not has_sql(row.values())
        if plain and (same := known.get(key)):
            first, converters = same
            arguments = list(row.values())
            with suppress(Exception):  # raised by a user-defined type: building the statement names the column
                for number, convert in converters:
                    if (value := arguments[number]) is not None:
                        arguments[number] = convert(value)
                statements.append(Sql(first.text, first.names, tuple(arguments)))
                continue
        statements.append(statement := build(row, names))
        if plain and table.is_simple and statement.names == tuple(row):  # each parameter is a value of the row
            binds = [(number, table.operands[name].bind) for number, name in enumerate(row)]
            known[key] = statement, [(number, bind) for number, bind in binds if bind]
    return statements


def row_within(
    table: Table[Any], values: Values, within: str | None, check: Callable[[Values], dict[str, object]]
) -> dict[str, object]:
    """Validate a new row with the values that the predicate of its index implies, and refuse values that violate it."""
    if within is None:
        return check(values)
    partial = table.facts.partial[within]
    row = check({**partial.implied, **values})
    reasons = {name: "must not be None" for name in partial.present if row.get(name) is None}
    if partial.implied.keys() & values.keys():
        implied = check({**values, **partial.implied})
        reasons |= {name: f"must be {implied[name]!r}" for name in partial.implied if row[name] != implied[name]}
    if reasons:
        why = f" in a row of the index {within}"
        raise ValidationError(table.model, {name: reason + why for name, reason in reasons.items()})
    return row
