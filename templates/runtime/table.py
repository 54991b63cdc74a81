"""A model's table in the terms of SQL: columns and index expressions by the names that callers use."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntFlag
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

import sqlalchemy as sa
from pydantic_core import to_jsonable_python
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import BIT
from sqlalchemy.dialects.postgresql.ranges import AbstractMultiRange
from sqlmodel import SQLModel

from .contracts import Facts
from .errors import ValidationError, invalid
from .sql import DIALECT, MARK, Convert, Sql, bind_of, in_sql, result_of

M = TypeVar("M", bound=SQLModel)

_SINGLE = (
    sa.String,
    sa.Integer,
    sa.Numeric,
    sa.Boolean,
    sa.DateTime,
    sa.Date,
    sa.Time,
    sa.Interval,
    sa.Uuid,
    sa.LargeBinary,
)
"""Types of which no value is a list."""
_LIMITS = re.compile(r"\(.*?\)| COLLATE .*")  # a cast to VARCHAR(5)[] cuts silently, one to NUMERIC(8, 2) rounds
_CONVERSION = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
_MAX, _MIN = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Context:
    """What a function that makes a default may ask of the statement it is called for."""

    current_parameters: Mapping[str, object]

    def get_current_parameters(self, *, isolate_multiinsert_groups: bool = True) -> Mapping[str, object]:
        """Return the values that are set, by the names of columns."""
        _ = isolate_multiinsert_groups
        return self.current_parameters


class Operand:
    """A column, or the expression of an index: ``sql`` is what it is called, ``bare`` without its table."""

    def __init__(
        self,
        model: type[SQLModel],
        name: str,
        sql: str,
        bare: str,
        kind: sa.types.TypeEngine[Any],
        *,
        utc: bool = False,
    ) -> None:
        self.model, self.name, self.sql, self.bare, self.kind = model, name, sql, bare, kind
        self.inner = inner = _inner(kind.dialect_impl(DIALECT))
        self.wrapped = kind.bind_expression(sa.bindparam("value", type_=kind)) is not None
        own: list[type[object]] = list(type(kind).__mro__)
        own = own[: own.index(sa.TypeDecorator)] if isinstance(kind, sa.TypeDecorator) else []
        decides = any("process_bind_param" in vars(base) for base in own)  # what is stored of a list
        self.is_json = isinstance(inner, sa.JSON)
        self.dumps = self.is_json and not decides  # models, dates and the like, before the type sees them
        self.is_list = isinstance(inner, (sa.ARRAY, AbstractMultiRange, sa.types.NullType))
        self.decides = decides
        self.takes_lists = self.is_list or self.is_json or decides or not isinstance(inner, _SINGLE)
        self.array = "" if self.is_list or self.wrapped or isinstance(inner, BIT) else _array_of(kind)
        timed = isinstance(inner, sa.DateTime)
        self.aware = bool(getattr(inner, "timezone", False)) if timed else None
        bind, self.result = bind_of(kind), result_of(kind)
        self.utc = utc and self.aware is False
        self.bind = _infinite_in(bind) if self.aware else _utc_in(bind) if self.utc else bind

    def value(self, value: object) -> Sql:
        """Return a value in SQL."""
        if reason := self.timezone_mismatch(value):
            raise ValidationError(self.model, {self.name: reason})
        if self.wrapped and value is not None:
            return cast("Sql", in_sql(sa.literal(value, self.kind), sa.table("t")))
        return Sql(MARK, ((self.name, self.converted(value)),))

    def converted(self, value: object) -> object:
        """Return a value as the driver wants it; None is NULL, whatever its type would make of it."""
        if isinstance(value, IntFlag):  # which asyncpg would take for a list, in a list
            value = int(value)
        if self.bind is None or value is None:
            return value
        try:
            return self.bind(to_jsonable_python(value) if self.dumps and value is not sa.JSON.NULL else value)
        except _CONVERSION as error:
            raise invalid(self.model, self.name, error) from None

    def timezone_mismatch(self, value: object) -> str | None:
        """Return why PostgreSQL would store another date and time than this one."""
        if self.aware is None or self.utc or self.decides or not isinstance(value, datetime):
            return None  # a type of the author's own has made of it what is stored
        fits = self.aware == (value.tzinfo is UTC or value.utcoffset() is not None)
        return None if fits else "needs a time zone" if self.aware else "must not have a time zone"


class Table(Generic[M]):
    """A model with its ``columns`` by attribute, and the ``operands`` that filters may name."""

    def __init__(self, model: type[M], facts: Facts) -> None:
        self.model, self.facts = model, facts
        inspected: Any = sa.inspect(model)  # whose types SQLAlchemy 2.0 and 2.1 do not agree on
        self.mapper: orm.Mapper[M] = inspected
        mapped = {one.key: one.columns[0] for one in self.mapper.column_attrs}
        self.columns = {name: column for name, column in mapped.items() if isinstance(column, sa.Column)}
        table, quoted = cast("sa.Table", self.mapper.local_table), DIALECT.identifier_preparer
        self.source, self.sql = table, str(quoted.format_table(table))
        self.alias = str(quoted.quote(table.name))  # what its columns and locks call it
        key = frozenset(self.mapper.primary_key)  # which need not be the table's, as of a view
        self.operands: dict[str, Operand] = {}
        for name, column in self.columns.items():
            bare = str(quoted.quote(column.name))
            self.operands[name] = Operand(model, name, f"{self.sql}.{bare}", bare, column.type, utc=facts.utc)
        for name, text in facts.expressions.items():
            self.operands[name] = Operand(model, name, f"({text})", f"({text})", sa.types.NullType())
        self.primary_key = [self.operands[name] for name, column in self.columns.items() if column in key]
        self.key_names = [part.name for part in self.primary_key]
        self.keys = ", ".join([part.sql for part in self.primary_key])
        self.select_list = ", ".join([self.operands[name].sql for name in self.columns])
        results = [(number, self.operands[name].result) for number, name in enumerate(self.columns)]
        self.results = [(number, convert) for number, convert in results if convert]
        self.times = [number for number, name in enumerate(self.columns) if self.operands[name].aware]
        self.is_simple = not any(operand.wrapped for operand in self.operands.values())

    def operand(self, key: str) -> Operand:
        """Return the column or index expression that a filter calls ``key``."""
        if (known := self.operands.get(key)) is None:
            raise TypeError(
                f"{self.model.__name__} has nothing called {key!r} to filter by{suggestion(key, self.operands)}"
            )
        return known

    def relations(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the names of relationships, once it is clear that they are."""
        if isinstance(names, str):
            raise TypeError(f'load takes a list of relationships: ["{names}"]')
        for name in (given := tuple(names)):
            if name not in self.facts.relations:
                like = suggestion(name, self.facts.relations)
                raise TypeError(f"{self.model.__name__} has no relationship {name!r}{like}")
        return given

    def conflict(self, keys: Collection[str], within: str | None) -> str:
        """Return what ON CONFLICT is about: a unique key, or all of a partial index."""
        if within is not None:
            partial = self.facts.partial[within]
            return f"({', '.join([self.operands[name].bare for name in partial.keys])}) WHERE {partial.where}"
        unique = [*self.facts.unique, tuple(self.key_names)]
        if set(keys) not in map(set, unique):
            listed = "; ".join(sorted({", ".join(one) for one in unique}))
            raise ValueError(f"key must be a unique key of {self.model.__name__}: {listed}")
        return f"({', '.join([self.operands[name].bare for name in keys])})"

    def embedded(self, expression: Any) -> Sql:
        """Return an expression of the caller's in SQL, about the table that the statement is about."""
        if (made := in_sql(expression, self.source)) is not None:
            return made
        tables = [one for one in sa.select(expression).get_final_froms() if one is not self.source]
        names = ", ".join(str(getattr(table, "name", table)) for table in tables)
        raise TypeError(
            f"an expression for {self.model.__name__} must be about its own columns, not {names}; reach others "
            f"through a relationship, with c.<relationship>.any(...) or .has(...)"
        )

    def assigned(self, values: Mapping[str, object]) -> list[Sql]:
        """Return what columns are set to."""
        operands = self.operands
        return [
            value if isinstance(value, Sql) else self.embedded(value) if is_sql(value) else operands[name].value(value)
            for name, value in values.items()
        ]

    def completed(self, values: Mapping[str, object], kind: str) -> Mapping[str, object]:
        """Return values with what the columns' own ``default`` or ``onupdate`` gives where none is set."""
        if not (supplied := self.supplied[kind]):
            return values
        given = {self.columns[name].key: value for name, value in values.items() if name in self.columns}
        context, more = Context(given), dict[str, object]()
        for name, one in supplied.items():
            if name not in values:
                more[name] = given[self.columns[name].key] = one(context) if callable(one) else one
        return {**values, **more}

    @cached_property
    def supplied(self) -> Mapping[str, Mapping[str, Any]]:
        """The columns' own defaults, by kind and attribute: functions, values, and SQL; a sequence is the server's."""
        supplied: dict[str, dict[str, Any]] = {"default": {}, "onupdate": {}}
        for name, column in self.columns.items():
            for kind, found in supplied.items():
                default: Any = getattr(column, kind)
                if default is not None and not default.is_sequence:
                    found[name] = self.embedded(default.arg) if default.is_clause_element else default.arg
        return supplied


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the words that suggest the name that was meant, or list those there are."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(names)}" if names else ""


class _SqlTypes(dict[type[object], bool]):
    """Whether the values of a type are SQL expressions; each type is looked at once."""

    def __missing__(self, kind: type[object]) -> bool:
        self[kind] = is_expression = issubclass(kind, (Sql, sa.SQLColumnExpression, sa.ClauseElement))
        return is_expression


_sql_types = _SqlTypes()


def is_sql(value: object) -> bool:
    """Whether a value is an SQL expression."""
    return _sql_types[type(value)]


def has_sql(values: Iterable[object]) -> bool:
    """Whether any of these values is an SQL expression."""
    return any(map(_sql_types.__getitem__, map(type, values)))


def _inner(kind: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    return _inner(kind.impl_instance) if isinstance(kind, sa.TypeDecorator) else kind


def _array_of(kind: sa.types.TypeEngine[Any]) -> str:
    """Return the type of several values in one parameter, without limits."""
    name = _LIMITS.sub("", kind.compile(DIALECT))
    return f"{'BPCHAR' if name in {'CHAR', 'NCHAR'} else name}[]"


def _infinite_in(bind: Convert | None) -> Convert:
    """Return a conversion in which the ends of time are PostgreSQL's infinities, as asyncpg has them: naive."""

    def convert(value: Any) -> Any:
        value = bind(value) if bind else value
        return value.replace(tzinfo=None) if value in (_MAX, _MIN) else value

    return convert


def _utc_in(bind: Convert | None) -> Convert:
    """Return a conversion in which aware values are what a clock without time zone shows in UTC."""

    def convert(value: Any) -> Any:
        value = bind(value) if bind else value
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value

    return convert
