"""A column or an expression of an index as an operand: what it is called in SQL, and how its values are sent."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import IntFlag
from types import NoneType
from typing import Any, cast, get_args

import sqlalchemy as sa
from pydantic_core import to_jsonable_python
from sqlalchemy.dialects.postgresql import BIT, TSMULTIRANGE, TSRANGE, TSTZMULTIRANGE, TSTZRANGE, Range
from sqlalchemy.dialects.postgresql.ranges import AbstractMultiRange
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from .errors import ValidationError, invalid
from .sql import DIALECT, MARK, Convert, Sql, bind_of, in_sql, result_of

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
_LIMITS = re.compile(r"\(.*?\)")  # a cast to VARCHAR(5)[] cuts silently, one to NUMERIC(8, 2) rounds
_CONVERSION = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
_MAX, _MIN = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)


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
        self.decides = decides
        self.is_list = isinstance(inner, (sa.ARRAY, AbstractMultiRange, sa.types.NullType))
        self.takes_lists = self.is_list or self.is_json or decides or not isinstance(inner, _SINGLE)
        self.array = "" if self.is_list or self.wrapped or isinstance(inner, BIT) else _array_of(kind)
        self.aware = _awareness(inner)
        bind, self.result = bind_of(kind), result_of(kind)
        if bind is None and isinstance(kind, AutoString) and _is_kept_as_text(model, name):
            bind = str
        self.utc = utc and self.aware is False
        self.bind = _changed(bind, _infinite if self.aware else _utc) if self.aware or self.utc else bind

    @property
    def read(self) -> Convert | None:
        """What makes a value of the driver's."""
        if not self.aware:
            return self.result
        return lambda value: change_times(self.result(value) if self.result else value, with_zone)

    def value(self, value: object) -> Sql:
        """Return a value in SQL."""
        if reason := self.timezone_mismatch(value):
            raise ValidationError(self.model, {self.name: reason})
        if self.wrapped and value is not None:
            return cast("Sql", in_sql(sa.literal(value, self.kind), sa.table("t")))
        return Sql(MARK, ((self.name, self.converted(value)),))

    def in_row(self, value: Sql) -> Sql:
        """Return a value as a column of a row that is not stored yet."""
        return Sql("(") + value + f")::{_type_of(self.kind)} AS {self.bare}"

    def converted(self, value: object) -> object:
        """Return a value as the driver wants it; None is NULL, whatever its type would make of it."""
        if isinstance(value, IntFlag):  # which asyncpg would take for a list, in a list
            value = int(value)
        if self.bind is None or value is None:
            return value
        try:
            return self.bind(to_jsonable_python(value) if self.dumps and value is not sa.JSON.NULL else value)
        except _CONVERSION as error:
            if reason := self.timezone_mismatch(value):
                raise ValidationError(self.model, {self.name: reason}) from None
            raise invalid(self.model, self.name, error) from None

    def by_default(self, value: object) -> object:
        """Return a default of the model's own as it is stored: local time without a time zone, as to the driver."""
        if self.aware and self.timezone_mismatch(value) and self._is_taken(value):
            return change_times(value, _local)
        return value

    def timezone_mismatch(self, value: object) -> str | None:
        """Return why PostgreSQL would store another date and time than this one, or the column's type refuses it."""
        if self.aware is None or self.utc:
            return None
        refused = list[datetime]()

        def check(moment: datetime) -> datetime:
            if self.aware != (moment.tzinfo is UTC or moment.utcoffset() is not None):
                refused.append(moment)
            return moment

        change_times(value, check)
        if refused and self.decides and self._is_taken(value):
            return None  # a type of the author's own makes of it what is stored
        return ("needs a time zone" if self.aware else "must not have a time zone") if refused else None

    def _is_taken(self, value: object) -> bool:
        """Whether the column's type takes a value."""
        try:
            _ = self.bind and self.bind(value)
        except _CONVERSION:
            return False
        return True


def _inner(kind: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    return _inner(kind.impl_instance) if isinstance(kind, sa.TypeDecorator) else kind


def _array_of(kind: sa.types.TypeEngine[Any]) -> str:
    """Return the type of several values in one parameter, without limits."""
    return f"{_type_of(kind).partition(' COLLATE ')[0]}[]"


def _type_of(kind: sa.types.TypeEngine[Any]) -> str:
    """Return a type, and its collation, without limits."""
    name, collate, collation = _LIMITS.sub("", kind.compile(DIALECT)).partition(" COLLATE ")
    return {"BIT": "VARBIT", "CHAR": "BPCHAR", "NCHAR": "BPCHAR"}.get(name, name) + collate + collation


def change_times(value: Any, change: Callable[[datetime], datetime]) -> Any:
    """Return a value with each date and time changed, also in lists and ranges."""
    if isinstance(value, datetime):
        return change(value)
    if isinstance(value, list):
        items: list[Any] = cast("Any", value)
        return [change_times(item, change) for item in items]
    if isinstance(value, Range):
        bounds: Any = cast("Any", value)
        lower, upper = change_times(bounds.lower, change), change_times(bounds.upper, change)
        return dataclasses.replace(bounds, lower=lower, upper=upper)
    return value


def with_zone(moment: datetime) -> datetime:
    """Return a date and time with a time zone: what the driver gives without one is an end of time."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _local(moment: datetime) -> datetime:
    """Return a date and time with a time zone: what has none is local time, or an end of time."""
    return with_zone(moment) if moment.tzinfo or with_zone(moment) in {_MIN, _MAX} else moment.astimezone()


def _is_kept_as_text(model: type[SQLModel], name: str) -> bool:
    """Whether the values of a field are no strings, as of a ``Path`` or an ``IPv4Address``, which SQLModel keeps so."""
    declared = model.model_fields[name].annotation if name in model.model_fields else str
    classes = [one for one in (declared, *get_args(declared)) if isinstance(one, type) and one not in {Any, NoneType}]
    return bool(classes) and not any(issubclass(one, str) for one in classes)


def _awareness(inner: sa.types.TypeEngine[Any]) -> bool | None:
    """Return whether dates and times of a type have a time zone; None where it has none of them."""
    item: Any = getattr(inner, "item_type", None)  # of an array
    inner = inner if item is None else _inner(item)
    if isinstance(inner, (TSRANGE, TSMULTIRANGE)):
        return False
    if isinstance(inner, (TSTZRANGE, TSTZMULTIRANGE)):
        return True
    return bool(getattr(inner, "timezone", False)) if isinstance(inner, sa.DateTime) else None


def _changed(bind: Convert | None, change: Callable[[datetime], datetime]) -> Convert:
    """Return a conversion that changes dates and times as well: inside of others before, as the driver has no Range."""

    def convert(value: Any) -> Any:
        value = value if isinstance(value, datetime) else change_times(value, change)
        return change_times(bind(value) if bind else value, change)

    return convert


def _infinite(moment: datetime) -> datetime:
    """Return the ends of time as asyncpg has PostgreSQL's infinities: naive."""
    return moment.replace(tzinfo=None) if moment in (_MAX, _MIN) else moment


def _utc(moment: datetime) -> datetime:
    """Return what a clock without time zone shows in UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
