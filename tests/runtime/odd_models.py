"""Models whose columns need more than a plain value; their controllers are part of ``guild_db``."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

import asyncpg
import sqlalchemy as sa
from pydantic import ConfigDict, ValidationInfo, field_validator
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql as pg
from sqlmodel import Field, Relationship, SQLModel


class OddBase(SQLModel):
    metadata: ClassVar[sa.MetaData] = sa.MetaData()  # type: ignore[misc]  # as SQLModel's guide has it


class Sealed(sa.TypeDecorator[str]):
    """Stores the result of an SQL function of the value, like the recipe for pgcrypto."""

    impl = sa.Text
    cache_ok = True

    def bind_expression(self, bindvalue: sa.BindParameter[str]) -> Any:
        return sa.func.concat("sealed:", sa.cast(bindvalue, sa.Text), type_=self)


class Picky(sa.TypeDecorator[str]):
    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        if value == "hunter2":
            raise LookupError(f"no {value}")
        return value


class Points(sa.TypeDecorator[int]):
    impl = sa.Integer
    cache_ok = True


def changed_columns(context: Any) -> str:
    return ",".join(sorted(context.get_current_parameters()))


class Odd(OddBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    email: str | None = Field(default=None, unique=True)
    secret: str | None = Field(default=None, sa_type=Sealed)
    picky: str | None = Field(default=None, sa_type=Picky)
    words: list[str] | None = Field(default=None, sa_column=sa.Column(sa.ARRAY(sa.String(5))))
    bits: Any = Field(default=None, sa_column=sa.Column(pg.BIT(8)))
    price: Decimal | None = Field(default=None, sa_column=sa.Column(sa.Numeric(8, 2)))
    points: int | None = Field(default=None, sa_type=Points)
    data: dict[str, Any] | None = Field(default=None, sa_column=sa.Column(pg.JSONB))
    changed: str | None = Field(default=None, sa_column=sa.Column(sa.Text, onupdate=changed_columns))


class Range(OddBase, table=True):
    model_config = ConfigDict(str_strip_whitespace=True, strict=True)  # type: ignore[assignment]  # of SQLModel's own

    id: int | None = Field(default=None, primary_key=True)
    start: int = 0
    stop: int = 0
    name: str = Field(default="", max_length=3)

    @field_validator("stop")
    @classmethod
    def _after_start(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("start", value):
            raise ValueError("before start")
        return value


class Exact(sa.String):
    """A type with its own constructor."""

    def __init__(self) -> None:
        super().__init__(5)


class Limited(OddBase, table=True):
    """Types with limits. Each stores a value that differs from another value only beyond the limit."""

    id: int | None = Field(default=None, primary_key=True)
    text: str = Field(default="abcde", max_length=5)
    exact: str = Field(default="abcde", sa_type=Exact)
    padded: str = Field(default="ab", sa_column=sa.Column(sa.CHAR(5), index=True))
    national: str = Field(default="ab", sa_column=sa.Column(sa.NCHAR(5)))
    small: float = Field(default=0.1, sa_column=sa.Column(sa.Float(24), index=True))
    real: float = Field(default=0.1, sa_column=sa.Column(sa.REAL))
    took: timedelta = Field(default=timedelta(seconds=1), sa_column=sa.Column(sa.Interval(second_precision=0)))
    bits: Any = Field(default=asyncpg.BitString("101"), sa_column=sa.Column(pg.BIT(3), index=True))
    words: list[str] = Field(default=["abcde"], sa_column=sa.Column(sa.ARRAY(sa.String(5))))


class Parent(OddBase, table=True):
    id: str = Field(sa_column=sa.Column(sa.CHAR(5), primary_key=True))
    n: int = 0
    children: list["Child"] = Relationship(back_populates="parent")


class Child(OddBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    parent_id: str = Field(sa_column=sa.Column(sa.CHAR(5), sa.ForeignKey("parent.id"), index=True))
    parent: Parent = Relationship(back_populates="children")


class Pair(OddBase, table=True):
    a: int = Field(primary_key=True)
    b: int = Field(primary_key=True)
    x: int = 0


Pair.twice = orm.column_property(Pair.__table__.c.x * 2)  # type: ignore[attr-defined]  # so that the ORM reads it


class View(OddBase, table=True):
    """A table whose key only the mapper knows, like a view."""

    id: int = Field(sa_column=sa.Column("id", sa.Integer, nullable=False, primary_key=False))
    n: int

    @orm.declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"primary_key": [cls.__table__.c.id]}  # type: ignore[attr-defined]
