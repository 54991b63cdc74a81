"""What a model's mapper knows, in the terms of the controllers: columns by attribute, index expressions, predicates."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import SQLModel

from .hydration import Hydrator

M = TypeVar("M", bound=SQLModel)
S = TypeVar("S")

_DIALECT = sa.make_url("postgresql+asyncpg://").get_dialect()()
_CONSTANT = r"(?:\s*=\s*|\s+IS\s+)(?P<constant>true|false|NULL|NOT NULL|-?\d+|'(?:[^']|'')*')"
_PIN = re.compile(rf'\(*(?P<no>NOT )?"?(?P<column>\w+)"?(?:{_CONSTANT})?\)*', re.IGNORECASE)
SOLID: frozenset[type[object]] = frozenset({bool, bytes, datetime, Decimal, dict, float, int, list, str, UUID})
"""Types of which no value is NULL or an SQL expression, so that most values are told at once."""
_PLAIN = SOLID | {type(None)}
_PREPARED = 500  # statements kept for each model; more shapes than that come from code that makes them up


@dataclass(frozen=True)
class Context:
    """What an ``onupdate`` function may ask of the statement it is called for."""

    current_parameters: Mapping[str, object]

    def get_current_parameters(self, *, isolate_multiinsert_groups: bool = True) -> Mapping[str, object]:
        """Return the values that are set, by the names of columns."""
        _ = isolate_multiinsert_groups
        return self.current_parameters


class Entity(Generic[M]):
    """A model, its table, and the index expressions that filters may name.

    ``columns`` and ``primary_key`` are the table's columns by attribute.
    """

    def __init__(self, model: type[M], expressions: Mapping[str, tuple[str, int]]) -> None:
        self.model, self.mapper = model, sa.inspect(model)
        mapped = {one.key: one.columns[0] for one in self.mapper.column_attrs}
        self.columns = {name: column for name, column in mapped.items() if isinstance(column, sa.Column)}
        key = frozenset(self.mapper.primary_key)  # which need not be the table's, as of a view
        self.primary_key = {name: column for name, column in self.columns.items() if column in key}
        self.table = cast("sa.Table", self.mapper.local_table)
        self._own, self._expressions = frozenset[object](self.table.c), expressions
        self._rendered: dict[str, sa.ColumnElement[Any]] = {}
        self._prepared: dict[Hashable, object] = {}

    @cached_property
    def hydrator(self) -> Hydrator[M]:
        """What makes objects of rows."""
        return Hydrator(self.mapper)

    def prepared(self, shape: Hashable, build: Callable[[], S]) -> S:
        """Return the statement, or part of one, of that shape, built once; of no shape (None), built now."""
        if shape is None:
            return build()
        if (known := self._prepared.get(shape)) is None:
            if len(self._prepared) >= _PREPARED:
                self._prepared.clear()
            known = self._prepared[shape] = build()
        return cast("S", known)

    def relations(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the names of relationships, once it is clear that they are."""
        if not (given := tuple(names)):
            return ()
        if isinstance(names, str):
            raise TypeError(f'load takes a list of relationships: ["{names}"]')
        known = self.mapper.relationships.keys()
        for name in given:
            if name not in known:
                raise TypeError(f"{self.model.__name__} has no relationship {name!r}{one_like(name, known)}")
        return given

    def operand(self, key: str) -> sa.ColumnElement[Any]:
        """Return the column or index expression that a filter calls ``key``."""
        if key in self.columns:
            return self.columns[key]
        if key not in self._expressions:
            like = one_like(key, [*self.columns, *self._expressions])
            raise TypeError(f"{self.model.__name__} has nothing called {key!r} to filter by{like}")
        if key not in self._rendered:
            expression = self.expression(key)
            self._rendered[key] = constant(inline(expression), getattr(expression, "type", None))
        return self._rendered[key]

    def expression(self, key: str) -> sa.ClauseElement:
        """Return the index expression that a filter calls ``key``, as the index has it."""
        name, position = self._expressions[key]
        return _clause(self._index(name).expressions[position])

    def predicate(self, index: str) -> sa.ColumnElement[bool]:
        """Return what the rows of a partial index have in common, constants rendered in place.

        Bound as parameters they would match the index only until PostgreSQL makes a generic plan, at the sixth
        execution on a connection.
        """
        if index not in self._rendered:
            self._rendered[index] = constant(inline(self._where(index)), sa.Boolean())
        return self._rendered[index]

    def pins(self, index: str) -> dict[str, str]:
        """Return what a partial index's predicate says of single columns: a constant, ``NULL`` or ``NOT NULL``."""
        names = {column.name: name for name, column in self.columns.items()}
        conjuncts = re.split(r"\s+AND\s+", inline(self._where(index), qualified=False), flags=re.IGNORECASE)
        pins = [pin for conjunct in conjuncts if (pin := _PIN.fullmatch(conjunct)) and pin["column"] in names]
        return {names[pin["column"]]: pin["constant"] or ("false" if pin["no"] else "true") for pin in pins}

    def conflict(self, keys: Iterable[str], within: str | None) -> dict[str, Any]:
        """Return what ON CONFLICT is about: a key, or all of a partial index."""
        if within is None:
            return {"index_elements": [self.operand(key) for key in keys]}
        parts = [_clause(part) for part in self._index(within).expressions]
        elements: list[sa.ClauseElement] = [
            part if isinstance(part, sa.Column) else constant(inline(part, qualified=False)) for part in parts
        ]
        return {"index_elements": elements, "index_where": self.predicate(within)}

    def owns(self, expression: object) -> bool:
        """Whether an expression is one of the table's columns, maybe with its direction."""
        element: Any = getattr(expression, "__clause_element__", lambda: expression)()
        while getattr(element, "modifier", None):
            element = element.element
        return isinstance(element, sa.Column) and element in self._own

    def check_unique(self, keys: Collection[str]) -> None:
        """Refuse what is no unique key of the table."""
        unique = [
            one for one in self.table.constraints if isinstance(one, sa.UniqueConstraint | sa.PrimaryKeyConstraint)
        ]
        whole = [one for one in self.table.indexes if one.dialect_options["postgresql"]["where"] is None]
        plain = [one for one in whole if one.unique]
        names = {column: name for name, column in self.columns.items()}
        known = [[names[column] for column in one.columns if column in names] for one in (*unique, *plain)]
        known += [[key] for key, (name, _) in self._expressions.items() if self._index(name) in plain]
        if set(keys) not in map(set, known):
            listed = "; ".join(sorted(", ".join(one) for one in known if one))
            raise ValueError(f"key must be a unique key of {self.model.__name__}: {listed}")

    @cached_property
    def times(self) -> dict[str, bool]:
        """The columns that hold dates with times, and whether these have a time zone."""
        kinds = {name: column.type for name, column in self.columns.items()}
        return {
            name: bool(getattr(kind, "timezone", False))
            for name, kind in kinds.items()
            if isinstance(kind, sa.DateTime) or type(kind).__module__.startswith("sqlmodel.")
        }

    def misfit(self, name: str, value: object) -> str | None:
        """Return why a date and time does not fit the column, in which PostgreSQL would store another."""
        if not isinstance(value, datetime) or (aware := self.times.get(name)) is None:
            return None
        fits = aware == (value.tzinfo is UTC or value.utcoffset() is not None)
        return None if fits else "needs a time zone" if aware else "must not have a time zone"

    @cached_property
    def onupdates(self) -> dict[str, Callable[[object], object]]:
        """What is asked for a value of a column whenever a row is updated, by attribute."""
        made: dict[str, Any] = {name: column.onupdate for name, column in self.columns.items()}
        return {name: default.arg for name, default in made.items() if default is not None and default.is_callable}

    def updated(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return what ``onupdate`` functions make of an update that sets these values, without those it sets itself."""
        if not self.onupdates:
            return {}
        context = Context({self.columns[name].key: value for name, value in values.items() if name in self.columns})
        return {name: make(context) for name, make in self.onupdates.items() if name not in values}

    def _where(self, index: str) -> sa.ClauseElement:
        return _clause(self._index(index).dialect_options["postgresql"]["where"])

    def _index(self, name: str) -> sa.Index:
        return next(index for index in self.table.indexes if index.name == name)


def one_like(name: str, known: Iterable[str]) -> str:
    """Return the words that ask for the name that was meant, if there is one like it, or tell which there are."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(names)}" if names else ""


def inline(element: sa.ClauseElement, *, qualified: bool = True) -> str:
    """Render with constants in place; unqualified, columns are named without their table."""
    options = {"literal_binds": True, "include_table": qualified}
    return str(element.compile(dialect=_DIALECT, compile_kwargs=options))


def constant(text: str, kind: sa.types.TypeEngine[Any] | None = None) -> sa.ColumnElement[Any]:
    """Return an expression that is rendered as it stands."""
    return sa.literal_column(f"({text})", kind)


def expressions_of(values: Mapping[str, object]) -> dict[str, object]:
    """Return those of the values that are SQL expressions."""
    if _PLAIN.issuperset(map(type, values.values())):
        return {}
    return {name: value for name, value in values.items() if is_sql(value)}


def is_sql(value: object) -> bool:
    """Whether a value is an SQL expression."""
    return type(value) not in _PLAIN and isinstance(value, (sa.SQLColumnExpression, sa.ClauseElement))


def _clause(given: sa.ClauseElement | str) -> sa.ClauseElement:
    """Return a part of an index as an expression, without ``DESC`` and ``NULLS LAST``."""
    if isinstance(given, str):
        return constant(given)
    inner: sa.ClauseElement = getattr(given, "element", given)
    return given if getattr(given, "modifier", None) is None else _clause(inner)
