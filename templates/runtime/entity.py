"""What a model's mapper knows, in the terms of the controllers: columns by attribute, index expressions, predicates."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

import sqlalchemy as sa
from sqlmodel import SQLModel

from .hydration import Hydrator

M = TypeVar("M", bound=SQLModel)
S = TypeVar("S")

_DIALECT = sa.make_url("postgresql+asyncpg://").get_dialect()()
_CONSTANT = r"(?:\s*=\s*|\s+IS\s+)(?P<constant>true|false|NULL|NOT NULL|-?\d+|'(?:[^']|'')*')"
_PIN = re.compile(rf'\(*(?P<no>NOT )?"?(?P<column>\w+)"?(?:{_CONSTANT})?\)*', re.IGNORECASE)
_PLAIN = frozenset({bool, bytes, datetime, dict, float, int, list, str, type(None)})  # to be told at once
_PREPARED = 500  # statements kept for each model; more shapes than that come from code that makes them up


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
        if shape not in self._prepared:
            if len(self._prepared) >= _PREPARED:
                self._prepared.clear()
            self._prepared[shape] = build()
        return cast("S", self._prepared[shape])

    def relations(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the names of relationships, once it is clear that they are."""
        if not (given := tuple(names)):
            return ()
        known = sorted(self.mapper.relationships.keys())
        if isinstance(names, str) or not all(name in known for name in given):
            listed = ", ".join(known) or "none"
            raise TypeError(
                f"load takes relationships of {self.model.__name__} by name, a getter a list of them: {listed}"
            )
        return given

    def operand(self, key: str) -> sa.ColumnElement[Any]:
        """Return the column or index expression that a filter calls ``key``."""
        if key in self.columns:
            return self.columns[key]
        if key not in self._expressions:
            raise TypeError(f"{self.model.__name__} has nothing called {key!r} to filter by")
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
        plain = [one for one in self.table.indexes if one.unique and not one.dialect_options["postgresql"]["where"]]
        names = {column: name for name, column in self.columns.items()}
        known = [[names[column] for column in one.columns if column in names] for one in (*unique, *plain)]
        known += [[key] for key, (name, _) in self._expressions.items() if self._index(name).unique]
        if set(keys) not in map(set, known):
            listed = "; ".join(sorted(", ".join(one) for one in known if one))
            raise ValueError(f"key must be a unique key of {self.model.__name__}: {listed}")

    def is_time(self, name: str) -> bool:
        """Whether a column holds dates with times."""
        kind = self.columns[name].type if name in self.columns else None
        return isinstance(kind, sa.DateTime) or type(kind).__module__.startswith("sqlmodel.")

    def misfit(self, name: str, value: object) -> str | None:
        """Return why a date and time does not fit the column, in which PostgreSQL would store another."""
        if not isinstance(value, datetime) or not self.is_time(name):
            return None
        aware = bool(getattr(self.columns[name].type, "timezone", False))
        fits = aware == (value.utcoffset() is not None)
        return None if fits else "needs a time zone" if aware else "must not have a time zone"

    def _where(self, index: str) -> sa.ClauseElement:
        return _clause(self._index(index).dialect_options["postgresql"]["where"])

    def _index(self, name: str) -> sa.Index:
        return next(index for index in self.table.indexes if index.name == name)


def inline(element: sa.ClauseElement, *, qualified: bool = True) -> str:
    """Render with constants in place; unqualified, columns are named without their table."""
    options = {"literal_binds": True, "include_table": qualified}
    return str(element.compile(dialect=_DIALECT, compile_kwargs=options))


def constant(text: str, kind: sa.types.TypeEngine[Any] | None = None) -> sa.ColumnElement[Any]:
    """Return an expression that is rendered as it stands."""
    return sa.literal_column(f"({text})", kind)


def array_of(kind: sa.types.TypeEngine[Any]) -> sa.ARRAY[Any]:
    """Return the type of several values of a column, without its limits: a cast to ``VARCHAR(5)[]`` cuts silently."""
    return sa.ARRAY(_unlimited(kind), dimensions=1)


def is_list(kind: sa.types.TypeEngine[Any]) -> bool:
    """Whether a column holds lists, of which PostgreSQL has no arrays, or nobody knows what."""
    return isinstance(_inner(kind), (sa.ARRAY, sa.types.NullType))


def converts(kind: sa.types.TypeEngine[Any]) -> bool:
    """Whether a type of the author's own decides what is stored of a value, be it a list or None."""
    bases: list[type[object]] = list(type(kind).__mro__)
    own = bases[: bases.index(sa.TypeDecorator)] if isinstance(kind, sa.TypeDecorator) else []
    return any("process_bind_param" in vars(base) for base in own)


def _inner(kind: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    return _inner(kind.impl_instance) if isinstance(kind, sa.TypeDecorator) else kind


def _unlimited(kind: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    if isinstance(kind, sa.TypeDecorator):
        copied: sa.TypeDecorator[Any] = kind.copy()
        copied.impl = _unlimited(kind.impl_instance)
        return copied
    if isinstance(kind, sa.CHAR):
        return sa.Text()
    limits = {name: None for name in ("length", "precision", "scale") if getattr(kind, name, None) is not None}
    if isinstance(kind, sa.JSON):
        return kind.adapt(type(kind), none_as_null=True)
    return kind.adapt(type(kind), **limits) if limits and not isinstance(kind, sa.Enum) else kind


def is_sql(value: object) -> bool:
    """Whether a value is an SQL expression."""
    return type(value) not in _PLAIN and isinstance(value, (sa.SQLColumnExpression, sa.ClauseElement))


def _clause(given: sa.ClauseElement | str) -> sa.ClauseElement:
    """Return a part of an index as an expression, without ``DESC`` and ``NULLS LAST``."""
    if isinstance(given, str):
        return constant(given)
    inner: sa.ClauseElement = getattr(given, "element", given)
    return given if getattr(given, "modifier", None) is None else _clause(inner)
