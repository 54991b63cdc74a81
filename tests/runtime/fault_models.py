"""Models with features of real databases: triggers, types of extensions, defaults that read other values."""

import enum
from datetime import date, datetime, timedelta
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


class ConfType(sa.TypeDecorator[Conf]):
    """Stores a pydantic model in JSONB, which the type itself serializes."""

    impl = pg.JSONB
    cache_ok = True

    @override
    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        return None if value is None else {"of": value.depth}

    @override
    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        return None if value is None else Conf(depth=value["of"])


class Money(sa.TypeDecorator[Decimal]):
    impl = sa.Numeric(10, 2)
    cache_ok = True


class Vector(sa.types.UserDefinedType[list[float]]):
    """Binds a list, like pgvector's type."""

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


class Configured(FaultBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    conf: Conf = Field(sa_column=sa.Column(ConfType, unique=True, nullable=False))


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


class Folded(sa.TypeDecorator[str]):
    """A string that its own comparator compares without regard to case."""

    impl = sa.Text
    cache_ok = True

    class comparator_factory(sa.Text.Comparator[str]):
        @override
        def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
            return op(sa.func.lower(self.expr), *[sa.func.lower(one) for one in other], **kwargs)

    @override
    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        return value if value is None or isinstance(value, str) else str(value)


class Guid(sa.TypeDecorator[UUID]):
    """SQLAlchemy's recipe: a UUID on PostgreSQL, a string elsewhere."""

    impl = sa.CHAR
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        own = pg.UUID(as_uuid=True) if dialect.name == "postgresql" else sa.CHAR(36)
        return dialect.type_descriptor(own)


class Cents(sa.TypeDecorator[Decimal]):
    """An amount that is stored in cents."""

    impl = sa.Integer
    cache_ok = True

    @override
    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        return None if value is None else int(value * 100)

    @override
    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        return None if value is None else Decimal(value) / 100


class Embedding(sa.types.UserDefinedType[list[float]]):
    """Binds a list as a string, like pgvector's type without a registered codec."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "TEXT"

    @override
    def bind_processor(self, dialect: sa.Dialect) -> Any:
        return lambda value: None if value is None else "[" + ",".join(map(str, value)) + "]"

    @override
    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Any:
        return lambda value: None if value is None else [float(one) for one in value.strip("[]").split(",")]


def optional(kind: Any, **more: Any) -> Any:
    """Return a field of a nullable column."""
    return Field(default=None, sa_column=sa.Column(kind, **more))


class Sought(FaultBase, table=True):
    """One column for each type whose values filters must not confuse; all but the last are keys."""

    id: int | None = Field(default=None, primary_key=True)
    variant: dict[str, Any] | None = optional(sa.JSON().with_variant(pg.JSONB(), "postgresql"), unique=True)
    typed: Conf | None = optional(pg.JSONB, unique=True)
    several: list[Conf] | None = optional(pg.JSONB, unique=True)
    words: list[str] | None = optional(sa.JSON().with_variant(pg.ARRAY(sa.Text), "postgresql"), unique=True)
    emb: list[float] | None = optional(Embedding, unique=True)
    folded: str | None = optional(Folded, unique=True)
    guid: UUID | None = optional(Guid, unique=True)
    bits: Any = optional(pg.BIT(4), unique=True)
    loose: Any = optional(pg.BIT(4, varying=True), unique=True)
    rights: Rights | None = optional(RightsType, unique=True)
    cents: Decimal | None = optional(Cents, unique=True)
    net: Any = optional(pg.INET, unique=True)
    during: Any = optional(pg.INT4RANGE, unique=True)
    moods: list[Mood] | None = optional(sa.ARRAY(sa.Enum(Mood, name="fault_mood")), unique=True)
    raw: bytes | None = optional(sa.LargeBinary, unique=True)
    note: str | None = None


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 5


class Word(enum.StrEnum):
    YES = "yes"
    NO = "no"


class Flagged(FaultBase, table=True):
    """Enums of numbers or strings, in columns of that type."""

    id: int | None = Field(default=None, primary_key=True)
    rights: Rights = Field(sa_column=sa.Column(sa.Integer, unique=True, nullable=False))
    level: Level = Field(default=Level.LOW, sa_column=sa.Column(sa.SmallInteger, nullable=False))
    word: Word = Field(default=Word.NO, sa_column=sa.Column(sa.Text, nullable=False))


class Filed(FaultBase, table=True):
    """A key whose Python value is not hashable."""

    doc: dict[str, Any] = Field(sa_column=sa.Column(pg.JSONB, primary_key=True))
    v: int = 0


class Rounded(FaultBase, table=True):
    """Values that PostgreSQL considers equal, and Python does not: rounded, padded, NaN."""

    amount: Decimal = Field(sa_column=sa.Column(sa.Numeric(8, 2), primary_key=True))
    code: str | None = optional(sa.CHAR(5), unique=True)
    weight: float | None = optional(sa.Double, unique=True)
    at: datetime | None = optional(sa.DateTime(timezone=True), unique=True)
    v: int = 0


def slug(context: Any) -> str:
    given = context.get_current_parameters()
    return f"{given['shown']}-{given['lot']}"


class Defaulted(FaultBase, table=True):
    """Column defaults that read other columns: a renamed one, and one that has a default itself."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True, sa_column_kwargs={"name": "shown"})
    lot: int | None = Field(default=None, sa_column=sa.Column(sa.Integer, default=lambda: 7, nullable=False))
    slug: str | None = Field(default=None, sa_column=sa.Column(sa.Text, default=slug, nullable=False))
    v: int = 0


class Guarded(FaultBase, table=True):
    """A trigger leaves the rows whose name is `keep` unchanged."""

    id: int = Field(primary_key=True)
    name: str = Field(unique=True)
    v: int = 0


class Summed(FaultBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    small: int = Field(default=0, sa_column=sa.Column(sa.SmallInteger, nullable=False))
    big: int = Field(default=0, sa_column=sa.Column(sa.BigInteger, nullable=False))
    price: Decimal = Field(default=Decimal(0), sa_column=sa.Column(sa.Numeric(10, 2), nullable=False))
    money: Decimal = Field(default=Decimal(0), sa_column=sa.Column(Money, nullable=False))
    cents: Decimal = Field(default=Decimal(0), sa_column=sa.Column(Cents, nullable=False))
    rough: float = Field(default=0.0, sa_column=sa.Column(sa.Numeric(10, 2, asdecimal=False), nullable=False))
    ratio: float = Field(default=0.0, sa_column=sa.Column(sa.Float, nullable=False))
    real: float = Field(default=0.0, sa_column=sa.Column(sa.REAL, nullable=False))
    took: timedelta = Field(default=timedelta(0), sa_column=sa.Column(sa.Interval, nullable=False))


class Dated(FaultBase, table=True):
    """Times that PostgreSQL can store and Python cannot represent."""

    id: int = Field(primary_key=True)
    at: datetime | None = optional(sa.DateTime(timezone=True))
    naive: datetime | None = optional(sa.DateTime)
    day: date | None = None
    took: timedelta | None = optional(sa.Interval)
    mood: Mood | None = optional(sa.Enum(Mood, name="fault_mood"))
    moods: list[Mood] | None = optional(sa.ARRAY(sa.Enum(Mood, name="fault_mood")))
