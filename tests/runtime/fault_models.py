"""Models with what real databases have: triggers, types of extensions, defaults that ask for other values."""

import enum
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID, uuid4

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.dialects import postgresql as pg
from sqlmodel import Field, SQLModel
from typing_extensions import override


class FaultBase(SQLModel):
    metadata: ClassVar[sa.MetaData] = sa.MetaData()  # type: ignore[misc]  # as SQLModel's guide has it


class Rights(enum.IntFlag):
    READ = 1
    WRITE = 2


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


class Conf(BaseModel):
    depth: int = 1


class RightsType(sa.TypeDecorator[Rights]):
    impl = sa.Integer
    cache_ok = True

    @override
    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        return None if value is None else int(value)

    @override
    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        return None if value is None else Rights(value)


class Money(sa.TypeDecorator[Decimal]):
    impl = sa.Numeric(10, 2)
    cache_ok = True


class Vector(sa.types.UserDefinedType[list[float]]):
    """Binds a list, as pgvector's type does."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "POINT[]"

    @override
    def bind_processor(self, dialect: sa.Dialect) -> Any:
        return lambda value: None if value is None else [(one, one) for one in value]

    @override
    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Any:
        return lambda value: None if value is None else [one[0] for one in value]


def shouted(context: Any) -> str:
    return str(context.get_current_parameters()["name"]).upper()


class Thing(FaultBase, table=True):
    key: UUID = Field(default_factory=uuid4, primary_key=True)
    name: str = Field(default="x")
    loud: str | None = Field(default=None, sa_column=sa.Column(sa.Text, default=shouted, nullable=False))
    v: int = 0
    conf: dict[str, Any] | None = Field(
        default=None, sa_column=sa.Column(sa.JSON().with_variant(pg.JSONB, "postgresql"))
    )
    typed: Conf | None = Field(default=None, sa_column=sa.Column(pg.JSONB))
    rights: Rights = Field(default=Rights.READ, sa_type=RightsType)
    price: Decimal = Field(default=Decimal(0), sa_type=Money)
    took: Any = Field(default=None, sa_column=sa.Column(sa.Interval))
    emb: list[float] | None = Field(default=None, sa_type=Vector)
    mood: Mood = Field(default=Mood.GOOD, sa_column=sa.Column(sa.Enum(Mood, name="fault_mood"), nullable=False))
    at: datetime | None = Field(default=None, sa_column=sa.Column(sa.DateTime(timezone=True)))
    day: date | None = None
    document: str | None = None


class Listed(FaultBase, table=True):
    tags: list[str] = Field(sa_column=sa.Column(sa.ARRAY(sa.Text), primary_key=True))
    v: int = 0


class Skipped(FaultBase, table=True):
    """A trigger skips the rows whose name is `skip`."""

    id: int | None = Field(default=None, primary_key=True, sa_column_kwargs={"autoincrement": True})
    name: str = Field(unique=True)


class Counted(FaultBase, table=True):
    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": True})
    n: int = 0
