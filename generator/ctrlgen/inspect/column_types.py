"""Column types: the kind of the values, the available comparisons, the bounds, and the labels of enums."""

from __future__ import annotations

import datetime
import decimal
import enum
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, cast

from pydantic import AwareDatetime, NaiveDatetime
from sqlalchemy import Column, Dialect, Enum
from sqlalchemy.types import TypeDecorator, TypeEngine

from ctrlgen.inspect.annotations import runtime_class, unwrapped
from ctrlgen.inspect.index_sql import POSTGRESQL
from ctrlgen.schema import Bounds, Comparison, Kind

_CLASSES: tuple[tuple[type, Kind], ...] = (
    (enum.Enum, "enum"),  # first, because an enum may also be a str or an int
    (bool, "bool"),
    (int, "int"),
    (float, "float"),
    (decimal.Decimal, "decimal"),
    (str, "str"),
    (bytes, "bytes"),
    (uuid.UUID, "uuid"),
    (datetime.datetime, "datetime"),  # before date, because it is a subclass
    (cast("type", AwareDatetime), "datetime"),  # a separate class at run time
    (cast("type", NaiveDatetime), "datetime"),
    (datetime.date, "date"),
    (datetime.time, "time"),
    (datetime.timedelta, "timedelta"),
)
_TEXT = ("CHAR", "CITEXT", "TEXT", "VARCHAR")
_NUMBERS = ("BIGINT", "DOUBLE", "FLOAT", "INTEGER", "NUMERIC", "REAL", "SMALLINT")
_TIMES = ("DATE", "INTERVAL", "TIME")
_ORDERED = (*_TEXT, *_NUMBERS, *_TIMES)
_JSON = ("HSTORE", "JSON")
_INCOMPARABLE = ("BOX", "CIRCLE", "JSON", "LINE", "LSEG", "PATH", "POINT", "POLYGON", "XML")
_STORED: dict[Kind, tuple[str, ...]] = {
    "bool": ("BOOLEAN",),
    "int": _NUMBERS,
    "float": _NUMBERS,
    "decimal": _NUMBERS,
    "str": _TEXT,
    "bytes": ("BYTEA",),
    "uuid": ("CHAR(32)", "UUID"),
    "datetime": ("TIMESTAMP",),
    "date": ("DATE",),
    "time": ("TIME ", "TIME("),
    "timedelta": ("INTERVAL",),
}


_EXACT = ("BIGINT", "BOOLEAN", "INTEGER", "SMALLINT", "TEXT", "UUID", "VARCHAR")
_LENGTH = re.compile(r"(?:VAR)?CHAR\((\d+)\)$")

_NUMERIC = re.compile(r"NUMERIC\((\d+), (\d+)\)$")
_SECONDS = re.compile(r"TIME(?:STAMP)?\((\d)\)")


def overrides(column_type: TypeEngine[Any], *methods: str) -> bool:
    """Return whether a user-defined type overrides one of these methods."""
    base = TypeDecorator if isinstance(column_type, TypeDecorator) else TypeEngine
    classes: list[type[object]] = list(type(column_type).__mro__)
    own = classes[: classes.index(base)]
    return any(method in vars(cls) for cls in own for method in methods)


def sql_type(column_type: TypeEngine[object]) -> str:
    """Return the PostgreSQL name of a type, as ``VARCHAR(100)``; empty if it has none."""
    try:
        return column_type.compile(dialect=POSTGRESQL)
    except Exception:  # noqa: BLE001 - a user-defined type may be incomplete, or raise anything
        return ""


def kind_of(annotation: object, sql: str) -> Kind:
    """Return the kind of a column's values; ``other`` if the Python type and the SQL type do not match."""
    if sql.endswith("[]"):
        return "array"
    if sql.startswith(_JSON):
        return "json"
    kind = _kind_of_class(runtime_class(annotation))
    if sql and not f"{sql} ".startswith(_STORED.get(kind, ("",))):
        return "other"
    return "naive_datetime" if kind == "datetime" and "WITH TIME ZONE" not in sql else kind


def comparison_of(kind: Kind, sql: str) -> Comparison:
    """Return the comparisons that a column supports."""
    if sql.startswith(_INCOMPARABLE) and not sql.startswith("JSONB"):
        return "none"
    ordered = sql.startswith(_ORDERED) and kind not in {"array", "bool", "bytes", "enum", "uuid"}
    return "ordered" if ordered else "equal"


def is_exact(column_type: TypeEngine[Any], kind: Kind, sql: str) -> bool:
    """Return whether Python and PostgreSQL agree on the equality of a column's values, and JSON can represent them."""
    if "COLLATE" in sql or overrides(column_type, "bind_expression"):
        return False
    named = kind == "enum" and not sql.startswith(_ORDERED)  # a native enum of PostgreSQL
    return named or (sql.startswith(_EXACT) and kind in {"bool", "enum", "int", "str", "uuid"})


def python_type(sql: str) -> type | None:
    """Return the Python type of a SQL type, for expressions, which have no annotation."""
    types = (cls for cls, kind in _CLASSES if sql and f"{sql} ".startswith(_STORED.get(kind, (" ",))))
    return next(types, None)


def _kind_of_class(cls: type | None) -> Kind:
    for base, kind in _CLASSES:
        if cls is not None and issubclass(cls, base):
            return kind
    return "other"


def bounds_of(metadata: Iterable[object], sql: str) -> Bounds:
    """Return the bounds from the metadata of a field and from the SQL type of its column.

    Parameters
    ----------
    metadata
        The metadata of the field and of ``Annotated``: that of annotated-types, such as ``Ge``, and of pydantic.
    sql
        The type of the column, ``NUMERIC(10, 2)``.
    """
    metadata = list(metadata)
    length, digits, seconds = _LENGTH.match(sql), _NUMERIC.match(sql), _SECONDS.match(sql)
    maximum, below = _limit(metadata, "le"), _limit(metadata, "lt")
    if digits and maximum is None and below is None:
        below = str(10 ** (int(digits[1]) - int(digits[2])))
    return Bounds(
        minimum=_limit(metadata, "ge"),
        above=_limit(metadata, "gt"),
        maximum=maximum,
        below=below,
        min_length=int(length[1]) if length and sql.startswith("CHAR") else _integer(metadata, "min_length"),
        max_length=_smaller(_integer(metadata, "max_length"), length and length[1]),
        pattern=_pattern(metadata),
        decimal_places=_smaller(_integer(metadata, "decimal_places"), digits[2] if digits else seconds and seconds[1]),
        multiple_of=_limit(metadata, "multiple_of"),
    )


def _values(metadata: Iterable[object], attribute: str) -> list[object]:
    values: list[object] = [getattr(item, attribute, None) for item in metadata]
    return [value for value in values if value is not None]


def _limit(metadata: Iterable[object], attribute: str) -> str | None:
    """Return the last numeric limit, as a literal. Limits of other types, such as dates, are ignored."""
    values = [value for value in _values(metadata, attribute) if isinstance(value, int | float | Decimal)]
    return str(values[-1]) if values else None


def _integer(metadata: Iterable[object], attribute: str) -> int | None:
    values = [value for value in _values(metadata, attribute) if isinstance(value, int)]
    return int(values[-1]) if values else None


def _pattern(metadata: Iterable[object]) -> str | None:
    values = _values(metadata, "pattern")
    return str(getattr(values[-1], "pattern", values[-1])) if values else None  # a string or a compiled pattern


def _smaller(declared: int | None, stored: str | None) -> int | None:
    """Return the stricter limit of the field and the column type."""
    limits = [number for number in (declared, int(stored) if stored else None) if number is not None]
    return min(limits, default=None)


def is_nullable(column: Column[Any]) -> bool:
    """Return whether the column is nullable in the database. Columns of a primary key are always NOT NULL."""
    return bool(column.nullable) and not column.primary_key


def labels_of(column: Column[Any], annotation: object) -> Mapping[str, str]:
    """Return the names of enum members by stored value; empty if the column is not an enum.

    SQLAlchemy's enum type stores names by default. An enum of strings in a text column is stored by value.

    Parameters
    ----------
    annotation
        The annotation of the column.
    """
    if isinstance(column.type, Enum):
        try:
            return _labels(column.type)
        except Exception:  # noqa: BLE001 - a user-defined enum type may raise anything; a predicate on it is then not parsed
            return {}
    cls = runtime_class(unwrapped(annotation)[0])
    if cls is None or not issubclass(cls, enum.Enum):
        return {}
    return {str(member.value): name for name, member in cls.__members__.items() if isinstance(member.value, str)}


def _labels(column_type: Enum) -> Mapping[str, str]:
    member_of = cast("Callable[[str], object] | None", _processor(column_type)(POSTGRESQL, None))
    if member_of is None:
        return {}
    members = {label: member_of(label) for label in column_type.enums}
    return {label: member.name for label, member in members.items() if isinstance(member, enum.Enum)}


def _processor(column_type: Enum) -> Callable[[Dialect, object], object]:
    """Return the factory of the function that converts stored values to members, which is untyped in SQLAlchemy."""
    return column_type.result_processor
