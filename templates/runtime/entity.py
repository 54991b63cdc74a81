"""What a model's mapper knows, in the terms of the controllers: columns, conditions, index expressions."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import (
    ARRAY,
    JSON,
    Boolean,
    ClauseElement,
    Column,
    ColumnElement,
    DateTime,
    Index,
    SQLColumnExpression,
    Table,
    UnaryExpression,
    and_,
    any_,
    inspect,
    literal,
    literal_column,
    make_url,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

from .arguments import AnyOf, Filters, Span
from .errors import ValidationError

M = TypeVar("M", bound=SQLModel)

_DIALECT = make_url("postgresql+asyncpg://").get_dialect()()
_BOUNDS = ("ge", "gt", "le", "lt")
_COLLECTIONS = {list, tuple, set, frozenset}
_CONSTANT = r"(?:=|IS) (?P<constant>true|false|NULL|NOT NULL|-?\d+|'(?:[^']|'')*')"
_PIN = re.compile(rf'\(*(?P<no>NOT )?(?:\w+\.)*"?(?P<column>\w+)"?(?: {_CONSTANT})?\)*', re.IGNORECASE)


class Entity(Generic[M]):
    """A model, its table, and the index expressions that filters may name.

    ``columns`` and ``primary_key`` are the table's columns by attribute.
    """

    def __init__(self, model: type[M], expressions: Mapping[str, tuple[str, int]]) -> None:
        self.model = model
        self.mapper = inspect(model)
        self.table = cast("Table", self.mapper.local_table)
        mapped = {one.key: one.columns[0] for one in self.mapper.column_attrs}
        self.columns = {name: column for name, column in mapped.items() if isinstance(column, Column)}
        self.primary_key = {name: column for name, column in self.columns.items() if column.primary_key}
        self._expressions = expressions
        self._rendered: dict[str, ColumnElement[Any]] = {}

    def operand(self, key: str) -> ColumnElement[Any]:
        """Return the column or index expression that a filter calls ``key``."""
        if key in self.columns:
            return self.columns[key]
        if key not in self._expressions:
            raise TypeError(f"{self.model.__name__} has nothing called {key!r} to filter by")
        if key not in self._rendered:
            expression = self._expression(key)
            kind: TypeEngine[Any] | None = getattr(expression, "type", None)
            self._rendered[key] = literal_column(f"({inline(expression)})", kind)
        return self._rendered[key]

    def relations(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the names of relationships, once it is clear that they are."""
        given = (names,) if isinstance(names, str) else tuple(names)
        if isinstance(names, str) or not set(given) <= set(self.mapper.relationships.keys()):
            known = ", ".join(sorted(self.mapper.relationships.keys())) or "none"
            raise TypeError(f"load takes a list of relationships of {self.model.__name__} ({known}), not {names!r}")
        return given

    def assigned(self, values: Mapping[str, object]) -> dict[Any, object]:
        """Return values by column, with an explicit NULL that no default and no JSON ``null`` replaces."""
        return {self.columns[name]: null() if value is None else value for name, value in values.items()}

    def conditions(self, where: Mapping[str, object], within: str | None = None) -> list[ColumnElement[bool]]:
        """Return what each filter says, and the predicate of the partial index it is looked up in."""
        inside = [self.predicate(within)] if within else []
        return [*(self._condition(key, value) for key, value in where.items()), *inside]

    def same_key(self, keys: Iterable[str], values: Mapping[str, object]) -> list[ColumnElement[bool]]:
        """Return the conditions of a row that has the same key as a new one with ``values`` would have."""
        new = select(
            *(
                literal(value, self.columns[name].type).label(self.columns[name].name)
                for name, value in values.items()
                if not isinstance(value, ClauseElement)
            )
        )
        row = new.subquery(self.table.name)  # an expression that names the table means the new row here
        conditions: list[ColumnElement[bool]] = []
        for key in keys:
            if key in self.columns:
                conditions.append(self._condition(key, values[key]))
            else:
                expression: ColumnElement[Any] = literal_column(f"({inline(self._expression(key), qualified=False)})")
                conditions.append(self.operand(key) == select(expression).select_from(row).scalar_subquery())
        return conditions

    def predicate(self, index: str) -> ColumnElement[bool]:
        """Return what the rows of a partial index have in common, constants rendered in place.

        Bound as parameters they would match the index only until PostgreSQL makes a generic plan, at the sixth
        execution on a connection.
        """
        if index not in self._rendered:
            self._rendered[index] = literal_column(f"({inline(self._where(index))})", Boolean)
        return self._rendered[index]

    def pins(self, index: str) -> dict[str, str]:
        """Return what a partial index's predicate says of single columns: a constant, ``NULL`` or ``NOT NULL``."""
        names = {column.name: attribute for attribute, column in self.columns.items()}
        conjuncts = re.split(r"\s+AND\s+", inline(self._where(index), qualified=False), flags=re.IGNORECASE)
        pins = (_PIN.fullmatch(conjunct.strip()) for conjunct in conjuncts)
        return {
            names[pin["column"]]: pin["constant"] or ("false" if pin["no"] else "true")
            for pin in pins
            if pin and pin["column"] in names
        }

    def misfit(self, name: str, value: object) -> str | None:
        """Return why a date and time does not fit the column, in which PostgreSQL would store another."""
        kind = self.columns[name].type
        ours = isinstance(kind, DateTime) or type(kind).__module__.startswith("sqlmodel.")
        if not isinstance(value, datetime) or not ours:
            return None
        aware: bool | None = getattr(kind, "timezone", None)
        if aware is None or aware == (value.utcoffset() is not None):
            return None
        return "needs a time zone" if aware else "must not have a time zone"

    def _condition(self, key: str, value: object) -> ColumnElement[bool]:
        operand = self.operand(key)
        if value is None:
            return operand.is_(None)
        if isinstance(value, AnyOf):
            return self._any_of(key, operand, list(cast("AnyOf[object]", value).values))
        if isinstance(value, Span):
            span = cast("Span[object]", value)
            bounds = {name: bound for name in _BOUNDS if (bound := getattr(span, name)) is not None}
            return and_(
                true(), *(getattr(operator, name)(operand, self._bound(key, bound)) for name, bound in bounds.items())
            )
        if type(value) in _COLLECTIONS and not isinstance(operand.type, (ARRAY, JSON)):
            raise TypeError(f"{key} has one value; for one of several give AnyOf([...])")
        return operand == self._bound(key, value)

    def _any_of(self, key: str, operand: ColumnElement[Any], values: list[Any]) -> ColumnElement[bool]:
        for value in values:
            self._bound(key, value)
        given = [value for value in values if value is not None]
        nested = isinstance(operand.type, ARRAY)
        found = operand.in_(given) if nested else operand == any_(literal(given, ARRAY(operand.type)))
        return or_(found, operand.is_(None)) if len(given) < len(values) else found

    def _bound(self, key: str, value: object) -> Any:
        """Return a value as what the column or expression holds, not as what Python calls it."""
        if key in self.columns and (reason := self.misfit(key, value)):
            raise ValidationError(self.model, {key: reason})
        return value if is_sql(value) else literal(value, self.operand(key).type)

    def _expression(self, key: str) -> ClauseElement:
        name, position = self._expressions[key]
        return _unordered(_clause(self._index(name).expressions[position]))

    def _where(self, index: str) -> ClauseElement:
        return _clause(self._index(index).dialect_options["postgresql"]["where"])

    def _index(self, name: str) -> Index:
        return next(index for index in self.table.indexes if index.name == name)


def inline(element: ClauseElement, *, qualified: bool = True) -> str:
    """Render with constants in place; unqualified, columns are named without their table."""
    options = {"literal_binds": True, "include_table": qualified}
    return str(element.compile(dialect=_DIALECT, compile_kwargs=options))


def conditions_of(filters: Filters) -> list[ColumnElement[bool]]:
    """Return the conditions that were given as expressions."""
    if filters is None:
        return []
    several = hasattr(filters, "__iter__") and not is_sql(filters)
    given = list(cast("Iterable[ColumnElement[bool]]", filters) if several else [cast("ColumnElement[bool]", filters)])
    if wrong := [type(condition).__name__ for condition in given if not is_sql(condition)]:
        raise TypeError(f"a filter is an SQL condition such as c.points > 5, not a Python {wrong[0]}")
    return given


def is_sql(value: object) -> bool:
    """Whether a value is an SQL expression."""
    return isinstance(value, (SQLColumnExpression, ClauseElement))


def _clause(given: ClauseElement | str) -> ClauseElement:
    if isinstance(given, ClauseElement):
        return given
    clause: ColumnElement[Any] = literal_column(given)
    return clause


def _unordered(element: ClauseElement) -> ClauseElement:
    """Return what an index is ordered by, without ``DESC`` and ``NULLS LAST``."""
    if getattr(element, "modifier", None) is None:
        return element
    return _unordered(cast("UnaryExpression[object]", element).element)
