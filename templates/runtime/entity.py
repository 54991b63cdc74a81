"""What a model's mapper knows, in the terms of the controllers: columns, conditions, index expressions."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

import sqlalchemy as sa
from sqlmodel import SQLModel

from .arguments import AnyOf, Filters, Span
from .errors import ValidationError

M = TypeVar("M", bound=SQLModel)

_DIALECT = sa.make_url("postgresql+asyncpg://").get_dialect()()
_CONSTANT = r"(?:=|IS) (?P<constant>true|false|NULL|NOT NULL|-?\d+|'(?:[^']|'')*')"
_PIN = re.compile(rf'\(*(?P<no>NOT )?"?(?P<column>\w+)"?(?: {_CONSTANT})?\)*', re.IGNORECASE)


class Entity(Generic[M]):
    """A model, its table, and the index expressions that filters may name.

    ``columns`` and ``primary_key`` are the table's columns by attribute.
    """

    def __init__(self, model: type[M], expressions: Mapping[str, tuple[str, int]]) -> None:
        self.model, self.mapper = model, sa.inspect(model)
        mapped = {one.key: one.columns[0] for one in self.mapper.column_attrs}
        self.columns = {name: column for name, column in mapped.items() if isinstance(column, sa.Column)}
        self.primary_key = {name: column for name, column in self.columns.items() if column.primary_key}
        self.table = cast("sa.Table", self.mapper.local_table)
        self._expressions = expressions
        self._rendered: dict[str, sa.ColumnElement[Any]] = {}

    def relations(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the names of relationships, once it is clear that they are."""
        known = sorted(self.mapper.relationships.keys())
        if not set(given := tuple(names)) <= set(known):
            raise TypeError(f"load takes a list of relationships of {self.model.__name__}: {', '.join(known)}")
        return given

    def assigned(self, values: Mapping[str, object]) -> dict[Any, object]:
        """Return values by column, with an explicit NULL that no default and no JSON ``null`` replaces."""
        return {self.columns[name]: sa.null() if value is None else value for name, value in values.items()}

    def operand(self, key: str) -> sa.ColumnElement[Any]:
        """Return the column or index expression that a filter calls ``key``."""
        if key in self.columns:
            return self.columns[key]
        if key not in self._expressions:
            raise TypeError(f"{self.model.__name__} has nothing called {key!r} to filter by")
        if key not in self._rendered:
            expression = self._expression(key)
            self._rendered[key] = _constant(inline(expression), getattr(expression, "type", None))
        return self._rendered[key]

    def predicate(self, index: str) -> sa.ColumnElement[bool]:
        """Return what the rows of a partial index have in common, constants rendered in place.

        Bound as parameters they would match the index only until PostgreSQL makes a generic plan, at the sixth
        execution on a connection.
        """
        if index not in self._rendered:
            self._rendered[index] = _constant(inline(self._where(index)), sa.Boolean())
        return self._rendered[index]

    def pins(self, index: str) -> dict[str, str]:
        """Return what a partial index's predicate says of single columns: a constant, ``NULL`` or ``NOT NULL``."""
        names = {column.name: name for name, column in self.columns.items()}
        conjuncts = re.split(r"\s+AND\s+", inline(self._where(index), qualified=False), flags=re.IGNORECASE)
        pins = [pin for conjunct in conjuncts if (pin := _PIN.fullmatch(conjunct)) and pin["column"] in names]
        return {names[pin["column"]]: pin["constant"] or ("false" if pin["no"] else "true") for pin in pins}

    def constant(self, name: str, value: object) -> str:
        """Return a value of a column as SQL has it."""
        return inline(value if isinstance(value, sa.ClauseElement) else sa.literal(value, self.columns[name].type))

    def conditions(self, where: Mapping[str, object], within: str | None = None) -> list[sa.ColumnElement[bool]]:
        """Return what each filter says, and the predicate of the partial index they are about."""
        inside = [self.predicate(within)] if within else []
        return [*(self._condition(key, value) for key, value in where.items()), *inside]

    def same_key(self, keys: Iterable[str], row: Mapping[str, object]) -> list[sa.ColumnElement[bool]]:
        """Return the conditions of the row that has the same key as a new one."""
        values = {self.columns[name]: value for name, value in row.items() if not is_sql(value)}
        columns = (sa.literal(value, column.type).label(column.name) for column, value in values.items())
        new = sa.select(*columns).subquery(self.table.name)  # what an expression calls the table is the new row here
        conditions = self.conditions({key: row[key] for key in keys if key in self.columns})
        for key in (key for key in keys if key not in self.columns):
            expression = _constant(inline(self._expression(key), qualified=False))
            conditions.append(self.operand(key) == sa.select(expression).select_from(new).scalar_subquery())
        return conditions

    def misfit(self, name: str, value: object) -> str | None:
        """Return why a date and time does not fit the column, in which PostgreSQL would store another."""
        kind = self.columns[name].type if name in self.columns else None
        if not isinstance(value, datetime) or not (
            isinstance(kind, sa.DateTime) or type(kind).__module__.startswith("sqlmodel.")
        ):
            return None
        aware = bool(getattr(kind, "timezone", False))
        fits = aware == (value.utcoffset() is not None)
        return None if fits else "needs a time zone" if aware else "must not have a time zone"

    def _condition(self, key: str, value: object) -> sa.ColumnElement[bool]:
        operand = self.operand(key)
        if isinstance(value, AnyOf):
            return self._any_of(key, operand, list(cast("AnyOf[object]", value).values))
        if isinstance(value, Span):
            bounds = {name: getattr(cast("Span[object]", value), name) for name in ("ge", "gt", "le", "lt")}
            given = {name: self._bound(key, bound) for name, bound in bounds.items() if bound is not None}
            return sa.and_(sa.true(), *(getattr(operator, name)(operand, bound) for name, bound in given.items()))
        if type(value) in {list, tuple, set, frozenset} and not isinstance(operand.type, (sa.ARRAY, sa.JSON)):
            raise TypeError(f"{key} has one value; for one of several give AnyOf([...])")
        return operand.is_(None) if value is None else operand == self._bound(key, value)

    def _any_of(self, key: str, operand: sa.ColumnElement[Any], values: list[Any]) -> sa.ColumnElement[bool]:
        given = [value for value in values if value is not None]
        _ = [self._bound(key, value) for value in given]  # which refuses what does not fit
        listed = isinstance(operand.type, (sa.ARRAY, sa.types.NullType))  # of which there are no arrays
        found = operand.in_(given) if listed else operand == sa.any_(sa.literal(given, sa.ARRAY(operand.type)))
        return sa.or_(found, operand.is_(None)) if len(given) < len(values) else found

    def _bound(self, key: str, value: object) -> sa.ColumnElement[Any]:
        """Return a value as what the column or expression holds, not as what Python calls it."""
        if reason := self.misfit(key, value):
            raise ValidationError(self.model, {key: reason})
        return cast("sa.ColumnElement[Any]", value) if is_sql(value) else sa.literal(value, self.operand(key).type)

    def _expression(self, key: str) -> sa.ClauseElement:
        name, position = self._expressions[key]
        return _clause(self._index(name).expressions[position])

    def _where(self, index: str) -> sa.ClauseElement:
        return _clause(self._index(index).dialect_options["postgresql"]["where"])

    def _index(self, name: str) -> sa.Index:
        return next(index for index in self.table.indexes if index.name == name)


def inline(element: sa.ClauseElement, *, qualified: bool = True) -> str:
    """Render with constants in place; unqualified, columns are named without their table."""
    options = {"literal_binds": True, "include_table": qualified}
    return str(element.compile(dialect=_DIALECT, compile_kwargs=options))


def conditions_of(filters: Filters) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that were given as expressions."""
    if filters is None:
        return []
    several = hasattr(filters, "__iter__") and not is_sql(filters)
    given = list(cast("Iterable[sa.ColumnElement[bool]]", filters if several else [filters]))
    if wrong := [condition for condition in given if not is_sql(condition)]:
        raise TypeError(f"a filter is an SQL condition such as c.points > 5, not a Python {type(wrong[0]).__name__}")
    return given


def is_sql(value: object) -> bool:
    """Whether a value is an SQL expression."""
    return isinstance(value, (sa.SQLColumnExpression, sa.ClauseElement))


def _constant(text: str, kind: sa.types.TypeEngine[Any] | None = None) -> sa.ColumnElement[Any]:
    return sa.literal_column(f"({text})", kind)


def _clause(given: sa.ClauseElement | str) -> sa.ClauseElement:
    """Return a part of an index as an expression, without ``DESC`` and ``NULLS LAST``."""
    if isinstance(given, str):
        return _constant(given)
    inner: sa.ClauseElement = getattr(given, "element", given)
    return given if getattr(given, "modifier", None) is None else _clause(inner)
