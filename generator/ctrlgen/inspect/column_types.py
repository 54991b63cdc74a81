"""Column types: the kind of value a column holds, how values compare, their bounds, and the labels of enums."""

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
    (enum.Enum, "enum"),  # first: an enum may also be a str or an int
    (bool, "bool"),
    (int, "int"),
    (float, "float"),
    (decimal.Decimal, "decimal"),
    (str, "str"),
    (bytes, "bytes"),
    (uuid.UUID, "uuid"),
    (datetime.datetime, "datetime"),  # before date, whose subclass it is
    (cast("type", AwareDatetime), "datetime"),  # a class of its own at run time
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


def overrides(column_type: TypeEngine[Any], *methods: str) -> bool:
    """Whether a type of the author's own does one of these things in its own way."""
    base = TypeDecorator if isinstance(column_type, TypeDecorator) else TypeEngine
    classes: list[type[object]] = list(type(column_type).__mro__)
    own = classes[: classes.index(base)]
    return any(method in vars(cls) for cls in own for method in methods)


def sql_type(column_type: TypeEngine[object]) -> str:
    """Return the PostgreSQL name of a type, ``VARCHAR(100)``; empty where it has none."""
    try:
        return column_type.compile(dialect=POSTGRESQL)
    except Exception:  # noqa: BLE001 - a type of the author's own may lack what it needs, or fail in its own way
        return ""


def kind_of(annotation: object, sql: str) -> Kind:
    """Return the kind of a column's values; ``other`` where the Python and the SQL type do not match."""
    if sql.endswith("[]"):
        return "array"
    if sql.startswith(_JSON):
        return "json"
    kind = _kind_of_class(runtime_class(annotation))
    if sql and not f"{sql} ".startswith(_STORED.get(kind, ("",))):
        return "other"
    return "naive_datetime" if kind == "datetime" and "WITH TIME ZONE" not in sql else kind


def comparison_of(kind: Kind, sql: str) -> Comparison:
    """Return which operators make sense on a column."""
    if sql.startswith(_INCOMPARABLE) and not sql.startswith("JSONB"):
        return "none"
    ordered = sql.startswith(_ORDERED) and kind not in {"array", "bool", "bytes", "enum", "uuid"}
    return "ordered" if ordered else "equal"


def is_exact(column_type: TypeEngine[Any], kind: Kind, sql: str) -> bool:
    """Whether Python knows as well as PostgreSQL which values of a column are equal, and JSON has a form for each."""
    if "COLLATE" in sql or overrides(column_type, "bind_expression"):
        return False
    named = kind == "enum" and not sql.startswith(_ORDERED)  # an enum of PostgreSQL's own
    return named or (sql.startswith(_EXACT) and kind in {"bool", "enum", "int", "str", "uuid"})


def python_type(sql: str) -> type | None:
    """Return the Python type of a SQL type's values, for expressions, which have no annotation."""
    types = (cls for cls, kind in _CLASSES if sql and f"{sql} ".startswith(_STORED.get(kind, (" ",))))
    return next(types, None)


def _kind_of_class(cls: type | None) -> Kind:
    for base, kind in _CLASSES:
        if cls is not None and issubclass(cls, base):
            return kind
    return "other"


def bounds_of(metadata: Iterable[object], sql: str) -> Bounds:
    """Return the bounds that a field's metadata and the column's SQL type set.

    Parameters
    ----------
    metadata
        Of the field and of ``Annotated``: annotated-types' ``Ge`` and its like, and pydantic's own.
    sql
        The column's type, ``NUMERIC(10, 2)``.
    """
    metadata = list(metadata)
    length, digits = _LENGTH.match(sql), _NUMERIC.match(sql)
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
        decimal_places=_smaller(_integer(metadata, "decimal_places"), digits and digits[2]),
        multiple_of=_limit(metadata, "multiple_of"),
    )


def _values(metadata: Iterable[object], attribute: str) -> list[object]:
    values: list[object] = [getattr(item, attribute, None) for item in metadata]
    return [value for value in values if value is not None]


def _limit(metadata: Iterable[object], attribute: str) -> str | None:
    """Return the last numeric limit set, as a literal; dates and such are left to validation."""
    values = [value for value in _values(metadata, attribute) if isinstance(value, int | float | Decimal)]
    return str(values[-1]) if values else None


def _integer(metadata: Iterable[object], attribute: str) -> int | None:
    values = [value for value in _values(metadata, attribute) if isinstance(value, int)]
    return int(values[-1]) if values else None


def _pattern(metadata: Iterable[object]) -> str | None:
    values = _values(metadata, "pattern")
    return str(getattr(values[-1], "pattern", values[-1])) if values else None  # a string, or compiled


def _smaller(declared: int | None, stored: str | None) -> int | None:
    """Return the stricter of what the field says and what the column type has room for."""
    limits = [number for number in (declared, int(stored) if stored else None) if number is not None]
    return min(limits, default=None)


def is_nullable(column: Column[Any]) -> bool:
    """Whether the database lets the column be NULL: a primary key makes it NOT NULL, whatever it says itself."""
    return bool(column.nullable) and not column.primary_key


def labels_of(column: Column[Any], annotation: object) -> Mapping[str, str]:
    """Return enum members' names by what the column stores; empty for a column that holds no enum.

    SQLAlchemy's own type stores names by default; an enum of strings in a text column is stored by value.

    Parameters
    ----------
    annotation
        What the author says of the column's values.
    """
    if isinstance(column.type, Enum):
        try:
            return _labels(column.type)
        except Exception:  # noqa: BLE001 - an Enum type of the author's own; a predicate on it is then not understood
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
    """Return the factory of the function that turns stored values into members; SQLAlchemy leaves it untyped."""
    return column_type.result_processor
