"""A column or an index expression as an operand: its name in SQL, and the conversion of its values."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import IntFlag
from types import NoneType
from typing import Any, Self, cast, get_args

import sqlalchemy as sa
from pydantic_core import to_jsonable_python
from sqlalchemy.dialects.postgresql import BIT, TSMULTIRANGE, TSRANGE, TSTZMULTIRANGE, TSTZRANGE, Range
from sqlalchemy.dialects.postgresql.ranges import AbstractMultiRange
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from .errors import ValidationError, invalid
from .sql import DIALECT, MARK, QUOTED, Convert, Sql, bind_of, in_sql, result_of

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
"""Types whose values are never lists."""
_LIMITS = re.compile(r"\(.*?\)")  # a cast to VARCHAR(5)[] truncates silently, one to NUMERIC(8, 2) rounds
_CONVERSION = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
_MAX, _MIN = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)


class Operand:
    """A column or an index expression; ``sql`` is its name with its table, ``bare`` its name without."""

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
        bases: list[type[object]] = list(type(kind).__mro__)
        bases = bases[: bases.index(sa.TypeDecorator)] if isinstance(kind, sa.TypeDecorator) else []
        self.is_decorated = any("process_bind_param" in vars(base) for base in bases)  # the type converts any value
        self.is_json = isinstance(inner, sa.JSON)
        self.dumps = self.is_json and not self.is_decorated  # models, dates and the like, before the type sees them
        self.is_list = isinstance(inner, (sa.ARRAY, AbstractMultiRange, sa.types.NullType))
        self._takes_lists = self.is_list or self.is_json or self.is_decorated or not isinstance(inner, _SINGLE)
        self.array = "" if self.is_list or self.wrapped or isinstance(inner, BIT) else _array_of(kind)
        self.aware = _awareness(inner)
        bind, self.result = bind_of(kind), result_of(kind)
        if bind is None and isinstance(kind, AutoString) and _is_kept_as_text(model, name):
            bind = str
        self.utc = utc and self.aware is False
        self.bind = _changed(bind, _infinite if self.aware else _utc) if self.aware or self.utc else bind

    @classmethod
    def of_column(cls, model: type[SQLModel], column: Any) -> Self:
        """Return a column of any table, by its name there."""
        bare = str(QUOTED.quote(column.name))
        return cls(model, str(column.name), f"{QUOTED.format_table(column.table)}.{bare}", bare, column.type)

    def is_several(self, value: object) -> bool:
        """Return whether a value is a list or the like, although the column has single values."""
        return type(value) in {list, tuple, set, frozenset} and not self._takes_lists

    @property
    def read(self) -> Convert | None:
        """The conversion of the driver's values."""
        if self.aware and (result := self.result):
            return lambda value: _with_zones(result(value))
        return _with_zones if self.aware else self.result

    def value(self, value: object) -> Sql:
        """Return a value in SQL."""
        if self.wrapped and value is not None:
            _ = self.converted(value)  # raises an error if it does not fit
            return cast("Sql", in_sql(sa.literal(value, self.kind), sa.table("t")))
        return Sql(MARK, (self.name,), (self.converted(value),))

    def in_row(self, value: Sql) -> Sql:
        """Return a value as a column of a row that is not stored yet."""
        return Sql("(") + value + f")::{_type_of(self.kind)} AS {self.bare}"

    def converted(self, value: object) -> object:
        """Return a value as the driver expects it; None is NULL for every type."""
        if self.aware is not None and (reason := self.timezone_mismatch(value)):
            raise ValidationError(self.model, {self.name: reason})
        return self.bound(value)

    def bound(self, value: object) -> object:
        """Return a value whose time zone was checked, as the driver expects it."""
        if isinstance(value, IntFlag):  # asyncpg treats one inside a list as a list
            value = int(value)
        if self.bind is None or value is None:
            return value
        try:
            return self.bind(to_jsonable_python(value) if self.dumps and value is not sa.JSON.NULL else value)
        except _CONVERSION as error:
            raise invalid(self.model, self.name, error) from None

    def by_default(self, value: object) -> object:
        """Return a default of the model as it is stored. A naive time is read as local time, as by the driver."""
        if self.aware and self.timezone_mismatch(value) and self._is_accepted(value):
            return change_times(value, _local)
        return value

    def timezone_mismatch(self, value: object) -> str | None:
        """Return the reason why a datetime does not fit the column: only one of the two has a time zone."""
        if self.aware is None or self.utc or (self.aware and type(value) is datetime and value.tzinfo is UTC):
            return None
        mismatches = list[datetime]()

        def check(moment: datetime) -> datetime:
            if self.aware != (moment.tzinfo is UTC or moment.utcoffset() is not None):
                mismatches.append(moment)
            return moment

        change_times(value, check)
        if mismatches and self.is_decorated and self._is_accepted(value):
            return None  # the user's own type converts it
        return ("needs a time zone" if self.aware else "must not have a time zone") if mismatches else None

    def _is_accepted(self, value: object) -> bool:
        """Return whether the column's type accepts a value."""
        try:
            _ = self.bind and self.bind(value)
        except _CONVERSION:
            return False
        return True


def _inner(kind: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    return _inner(kind.impl_instance) if isinstance(kind, sa.TypeDecorator) else kind


def _array_of(kind: sa.types.TypeEngine[Any]) -> str:
    """Return the array type for several values of a type, without its length or precision."""
    return f"{_type_of(kind).partition(' COLLATE ')[0]}[]"


def _type_of(kind: sa.types.TypeEngine[Any]) -> str:
    """Return a type with its collation, without its length or precision."""
    name, collate, collation = _LIMITS.sub("", kind.compile(DIALECT)).partition(" COLLATE ")
    return {"BIT": "VARBIT", "CHAR": "BPCHAR", "NCHAR": "BPCHAR"}.get(name, name) + collate + collation


def change_times(value: Any, change: Callable[[datetime], datetime]) -> Any:
    """Return a value with each datetime changed, including those in lists and ranges."""
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


def _with_zones(value: Any) -> Any:
    """Return a value with aware datetimes only."""
    if type(value) is datetime and value.tzinfo is not None:  # the usual case
        return value
    return change_times(value, _with_zone)


def _with_zone(moment: datetime) -> datetime:
    """Return an aware datetime; the driver returns naive ones only for PostgreSQL's infinities."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _local(moment: datetime) -> datetime:
    """Return an aware datetime; a naive one is local time, unless it stands for an infinity."""
    return _with_zone(moment) if moment.tzinfo or _with_zone(moment) in {_MIN, _MAX} else moment.astimezone()


def _is_kept_as_text(model: type[SQLModel], name: str) -> bool:
    """Return whether SQLModel stores the values of a field, such as a ``Path``, as text instead of as strings."""
    annotation = model.model_fields[name].annotation if name in model.model_fields else str
    types = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
    classes = [kind for kind in types if kind not in {Any, NoneType}]
    return bool(classes) and not any(issubclass(kind, str) for kind in classes)


def _awareness(inner: sa.types.TypeEngine[Any]) -> bool | None:
    """Return whether datetimes of a type have a time zone; None if its values are not datetimes."""
    item: Any = getattr(inner, "item_type", None)  # of an array
    inner = inner if item is None else _inner(item)
    if isinstance(inner, (TSRANGE, TSMULTIRANGE)):
        return False
    if isinstance(inner, (TSTZRANGE, TSTZMULTIRANGE)):
        return True
    return bool(getattr(inner, "timezone", False)) if isinstance(inner, sa.DateTime) else None


def _changed(bind: Convert | None, change: Callable[[datetime], datetime]) -> Convert:
    """Return a conversion that also changes datetimes: those in ranges first, because ``bind`` converts the ranges."""

    def convert(value: Any) -> Any:
        value = value if isinstance(value, datetime) else change_times(value, change)
        return change_times(bind(value) if bind else value, change)

    return convert


def _infinite(moment: datetime) -> datetime:
    """Return the least and the greatest datetime as naive ones, which asyncpg stores as infinities."""
    return moment.replace(tzinfo=None) if moment in (_MAX, _MIN) else moment


def _utc(moment: datetime) -> datetime:
    """Return a naive datetime in UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
