"""What the database stores for the members of an enum."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any, cast

from sqlalchemy import Column, Dialect, Enum
from sqlmodel import SQLModel

from ctrlgen.inspect.annotations import runtime_class, unwrapped
from ctrlgen.inspect.dialect import POSTGRESQL


def labels_of(column: Column[Any], model: type[SQLModel]) -> Mapping[str, str]:
    """Return enum members' names by what the column stores; empty for a column that holds no enum.

    SQLAlchemy's own type stores names unless told otherwise; an enum of strings in a text column is
    stored by value.
    """
    if isinstance(column.type, Enum):
        try:
            return _labels(column.type)
        except Exception:  # noqa: BLE001 - an Enum type of the author's own; a predicate on it is then not understood
            return {}
    field = model.model_fields.get(column.key)
    cls = runtime_class(unwrapped(field.annotation)[0]) if field else None
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
    """Return what makes the function that turns stored values into members; SQLAlchemy leaves it untyped."""
    return column_type.result_processor
