"""Whether a new row needs a column's value, may leave it out, or must not give it; and what it has then."""

from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from sqlalchemy import Column
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from ctrlgen.inspect.annotations import allows_none
from ctrlgen.schema import Presence


def presence_of(column: Column[Any], field: FieldInfo | None) -> Presence:
    """Return the presence of a column; ``field`` is None where the model declares none."""
    if column.computed is not None or (column.identity is not None and column.identity.always):
        return "computed"
    if _has_default(column, field) or column.server_default is not None or _is_numbered(column, field):
        return "optional"
    if field is not None and field.is_required():
        return "required"
    # A default of None says that the value may be left out, which a NOT NULL column would not survive.
    return "optional" if column.nullable else "required"


def default_of(column: Column[Any], field: FieldInfo | None) -> str | None:
    """Return the constant that a row has unless told, as a Python literal; None where there is none, or it varies.

    A default of None leaves the value to the column, or to the database.
    """
    by_column = column.default
    value: object = None if field is None else field.default
    if value is None or value is PydanticUndefined:
        if column.server_default is not None or (field is not None and field.default_factory is not None):
            return None
        if by_column is None:
            return "None" if column.nullable and value is None else None
        value = by_column.arg if isinstance(by_column, ScalarElementColumnDefault) else None
    if isinstance(value, Enum):
        return repr(value.name)
    return repr(value) if isinstance(value, bool | int | float | str) else None


def is_omitted(column: Column[Any], field: FieldInfo | None) -> bool:
    """Whether a default of None, or no field at all, stands for what the column or the database has."""
    if presence_of(column, field) == "computed" or not _is_none_by_default(field):
        return False
    return column.default is not None or column.server_default is not None or not column.nullable


def _is_none_by_default(field: FieldInfo | None) -> bool:
    return field is None or (field.default is None and field.default_factory is None)


def _has_default(column: Column[Any], field: FieldInfo | None) -> bool:
    """Whether Python has a value other than None for it."""
    default: object = None if field is None else field.default
    factory = field is not None and field.default_factory is not None
    given = default is not None and default is not PydanticUndefined  # by identity: `==` of an SQL expression is SQL
    return factory or given or column.default is not None


def _is_numbered(column: Column[Any], field: FieldInfo | None) -> bool:
    """Whether the database numbers the rows.

    SQLAlchemy would number any integer key. One that the model requires is meant to be given (a
    snowflake id), unless its column asks for numbers in so many words.
    """
    if column.table.autoincrement_column is not column:
        return False
    required = field is not None and field.is_required() and not allows_none(field.annotation)
    return column.autoincrement is True or not required
