"""Turns what callers filter by into conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import AsBoolean, BooleanClauseList, False_, Grouping, True_

from .arguments import AnyOf, Filters, Span
from .errors import ValidationError
from .sql import Sql, joined
from .table import Operand, Table, is_sql

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
    return Sql("(") + table.embedded(value) + ")" if is_sql(value) else operand.value(value)
