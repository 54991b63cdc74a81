"""Shapes of classes: mixins, abstract bases, many columns, types that do not exist at run time."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

import sqlalchemy as sa
from pydantic import field_validator
from sqlmodel import Field, SQLModel

if TYPE_CHECKING:
    from decimal import Decimal


class Stamped(SQLModel):
    """A mixin."""

    created: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True), index=True)


class Abstract(Stamped):
    """A base that is not a table."""

    __abstract__ = True
    kind: ClassVar[str] = "abstract"

    id: int | None = Field(default=None, primary_key=True)


class Concrete(Abstract, table=True):
    """Derived from both."""

    name: str = Field(index=True, min_length=2, max_length=9)
    amount: Decimal | None = Field(default=None, sa_type=sa.Numeric)

    @field_validator("name")
    @classmethod
    def strip(cls, value: str) -> str:
        """Clean the name."""
        return value.strip()


class Leaf(Abstract, table=True):
    """Without columns of its own."""


class Linked(SQLModel, table=True):
    """No primary key besides foreign keys."""

    concrete_id: int = Field(foreign_key="concrete.id", primary_key=True)
    leaf_id: int = Field(foreign_key="leaf.id", primary_key=True)
