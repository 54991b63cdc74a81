"""What sort of value a column holds, and how such values compare, by Python class and SQL type."""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from typing import Any, cast

from pydantic import AwareDatetime, NaiveDatetime
from sqlalchemy.types import TypeDecorator, TypeEngine

from ctrlgen.inspect.annotations import item_annotation, runtime_class
from ctrlgen.inspect.dialect import POSTGRESQL
from ctrlgen.schema import Comparison, Kind

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


def overrides(column_type: TypeEngine[Any], *methods: str) -> bool:
    """Whether a type of the author's own does one of these things in its own way."""
    base = TypeDecorator if isinstance(column_type, TypeDecorator) else TypeEngine
    classes: list[type[object]] = list(type(column_type).__mro__)
    own = classes[: classes.index(base)]
    return any(method in vars(one) for one in own for method in methods)


def sql_type(column_type: TypeEngine[object]) -> str:
    """Return the PostgreSQL name of a type, ``VARCHAR(100)``; empty where it has none."""
    try:
        return column_type.compile(dialect=POSTGRESQL)
    except Exception:  # noqa: BLE001 - a type of the author's own may lack what it needs, or fail in its own way
        return ""


def kind_of(annotation: object, sql: str) -> Kind:
    """Return the kind of a column's values; ``other`` where Python and SQL tell different stories."""
    if sql.endswith("[]"):
        return "array"
    if sql.startswith(_JSON):
        return "json"
    kind = _kind_of_class(runtime_class(annotation))
    if sql and not f"{sql} ".startswith(_STORED.get(kind, ("",))):
        return "other"
    return "naive_datetime" if kind == "datetime" and "WITH TIME ZONE" not in sql else kind


def item_kind(annotation: object, sql: str) -> Kind | None:
    """Return what an array holds; None for all else."""
    return kind_of(item_annotation(annotation), sql.rstrip("[]")) if sql.endswith("[]") else None


def comparison_of(kind: Kind, sql: str) -> Comparison:
    """Return which operators make sense on a column."""
    if sql.startswith(_INCOMPARABLE) and not sql.startswith("JSONB"):
        return "none"
    ordered = sql.startswith(_ORDERED) and kind not in {"array", "bool", "bytes", "enum", "uuid"}
    return "ordered" if ordered else "equal"


def python_type(sql: str) -> type | None:
    """Return the Python type of a SQL type's values, for expressions, which have no annotation."""
    types = (cls for cls, kind in _CLASSES if sql and f"{sql} ".startswith(_STORED.get(kind, (" ",))))
    return next(types, None)


def _kind_of_class(cls: type | None) -> Kind:
    for base, kind in _CLASSES:
        if cls is not None and issubclass(cls, base):
            return kind
    return "other"
