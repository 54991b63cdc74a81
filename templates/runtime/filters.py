"""Turns what callers filter by into conditions with named parameters, so that statements can be kept."""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from .arguments import AnyOf, Filters, Span
from .arrays import array_of, converts, fits_array, is_list, unlimited
from .entity import Entity, is_sql
from .errors import ValidationError

_BOUNDS: dict[str, Callable[[Any, Any], Any]] = {
    "ge": operator.ge, "gt": operator.gt, "le": operator.le, "lt": operator.lt,
}  # fmt: skip
_SCALARS = frozenset({bool, float, int, str, Decimal, UUID})  # values that can be nothing but equal to a column


class Where(NamedTuple):
    """Conditions, and their values by parameter; ``shape`` tells equal ones, None where they can not be told."""

    shape: Hashable
    conditions: tuple[sa.ColumnElement[bool], ...]
    values: dict[str, object]


def where_of(
    entity: Entity[Any], filters: Mapping[str, object], within: str | None = None, given: Filters = None
) -> Where:
    """Return what keywords and conditions say, inside a partial index if one is named."""
    if given is None and _SCALARS.issuperset(map(type, filters.values())):
        known = entity.prepared(("where", within, *filters), lambda: _where_of(entity, filters, within, None))
        return Where(known.shape, known.conditions, {f"{key}__eq": value for key, value in filters.items()})
    return _where_of(entity, filters, within, given)


def _where_of(entity: Entity[Any], filters: Mapping[str, object], within: str | None, given: Filters) -> Where:
    tests = {key: _test(entity, key, value) for key, value in filters.items()}
    tests = {key: test for key, test in tests.items() if test[0] != ("span",)}  # without a bound it says nothing
    named = [(key, kind) for key, (kind, _) in tests.items()]
    values = {f"{key}__{name}": value for key, (_, bound) in tests.items() for name, value in bound.items()}
    more = conditions_of(entity, given)
    fixed = not more and all(kind != ("is",) for _, kind in named)
    conditions = [_condition(entity, key, kind, filters[key]) for key, kind in named]
    inside = [entity.predicate(within)] if within else []
    return Where((within, *named) if fixed else None, (*conditions, *inside, *more), values)


def key_of(entity: Entity[Any], key: Mapping[str, object], within: str | None, nulls: bool) -> Where:
    """Return the conditions of the one row with a key; NULL is equal to nothing, unless ``nulls`` are."""
    for name, value in key.items():
        if isinstance(value, (AnyOf, Span)):
            raise TypeError(f"{name} is a key: it takes one value, not several; use find_all")
        if value is None and not nulls:
            return Where(("nothing",), (sa.false(),), {})
    return where_of(entity, key, within)


def conditions_of(entity: Entity[Any], filters: Filters) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that were given as expressions, all of them about this model."""
    if filters is None:
        return []
    several = hasattr(filters, "__iter__") and not is_sql(filters)
    given = list(cast("Iterable[sa.ColumnElement[bool]]", filters if several else [filters]))
    for condition in given:
        if not is_sql(condition):
            kind = type(condition).__name__
            raise TypeError(f"a filter is an SQL condition such as c.points > 5, not a Python {kind}")
        refuse_others(entity, condition)
    return given


def refuse_others(entity: Entity[Any], expression: object) -> None:
    """Refuse an expression about another table, with which every row of this one would be paired."""
    if entity.owns(expression):
        return
    tables = sa.select(cast("sa.ColumnElement[Any]", expression)).get_final_froms()
    if any(table is not entity.table for table in tables):
        names = ", ".join(str(getattr(table, "name", table)) for table in tables)
        raise TypeError(
            f"an expression for {entity.model.__name__} must be about its own columns, not {names}; reach others "
            f"through a relationship, with c.<relationship>.any(...) or .has(...)"
        )


def _test(entity: Entity[Any], key: str, value: object) -> tuple[tuple[str, ...], dict[str, object]]:
    """Return what kind of test a filter is, and its values by name."""
    operand = entity.operand(key)
    if value is None:
        return ("null",), {}
    if isinstance(operand.type, sa.JSON) and not isinstance(operand.type, JSONB):
        raise TypeError(f"{key} is json, which PostgreSQL does not compare: JSONB can be; or filter with c.{key}[...]")
    if isinstance(value, AnyOf):
        values = [_checked(entity, key, one) for one in cast("AnyOf[object]", value).values]
        some = [one for one in values if one is not None]
        return ("any" if fits_array(operand.type) else "in", "null" if None in values else ""), {"any": some}
    if isinstance(value, Span):
        bounds = {name: getattr(cast("Span[object]", value), name) for name in _BOUNDS}
        given = {name: _checked(entity, key, bound) for name, bound in bounds.items() if bound is not None}
        return ("is",) if any(map(is_sql, given.values())) else ("span", *given), given
    if is_sql(value):
        return ("is",), {}
    one = is_list(operand.type) or converts(operand.type) or isinstance(operand.type, sa.JSON)
    if type(value) in {list, tuple, set, frozenset} and not one:
        raise TypeError(f"{key} has one value; for one of several give AnyOf([...])")
    return ("eq",), {"eq": _checked(entity, key, value)}


def _condition(entity: Entity[Any], key: str, kind: tuple[str, ...], value: object) -> sa.ColumnElement[bool]:
    if kind == ("is",):
        return _with_expressions(entity, key, value)
    return entity.prepared(("test", key, *kind), lambda: _built(entity, key, kind))


def _built(entity: Entity[Any], key: str, kind: tuple[str, ...]) -> sa.ColumnElement[bool]:
    operand = entity.operand(key)
    match kind:
        case ("null",):
            return operand.is_(None)
        case ("eq",):
            return operand == sa.bindparam(f"{key}__eq", type_=unlimited(operand.type))
        case ("span", *bounds):
            values = {name: sa.bindparam(f"{key}__{name}", type_=unlimited(operand.type)) for name in bounds}
            return sa.and_(*(_BOUNDS[name](operand, value) for name, value in values.items()))
        case (how, null):
            found: sa.ColumnElement[bool]
            if how == "in":
                found = operand.in_(sa.bindparam(f"{key}__any", expanding=True, type_=unlimited(operand.type)))
            else:
                found = operand == sa.any_(sa.bindparam(f"{key}__any", type_=array_of(operand.type)))
            return sa.or_(found, operand.is_(None)) if null else found
        case _:
            raise AssertionError(kind)


def _with_expressions(entity: Entity[Any], key: str, value: object) -> sa.ColumnElement[bool]:
    operand = entity.operand(key)
    if not isinstance(value, Span):
        refuse_others(entity, value)
        return operand == value
    bounds = {name: getattr(cast("Span[object]", value), name) for name in _BOUNDS}
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    for bound in filter(is_sql, given.values()):
        refuse_others(entity, bound)
    return sa.and_(*(_BOUNDS[name](operand, bound) for name, bound in given.items()))


def _checked(entity: Entity[Any], key: str, value: object) -> object:
    if reason := entity.misfit(key, value):
        raise ValidationError(entity.model, {key: reason})
    return value
