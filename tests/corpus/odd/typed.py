"""Every kind of Python annotation that a column can have."""

import enum
import ipaddress
import uuid
from collections import Counter, OrderedDict, deque
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Generic, List, Literal, NewType, Optional, Tuple, TypeAlias, TypeVar, Union

import sqlalchemy as sa
from pydantic import AnyUrl, AwareDatetime, BaseModel, NaiveDatetime, SecretStr
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.types import TypeDecorator, UserDefinedType
from sqlmodel import Field, SQLModel

Snowflake = NewType("Snowflake", int)
Short = Annotated[str, Field(max_length=20)]
Tags: TypeAlias = list[str]
Level = Literal["low", "high"]
T = TypeVar("T")
S = TypeVar("S", bound=BaseModel)


class Colour(enum.Enum):
    """Stored by name."""

    RED = "r"
    BLUE = "b"


class Mood(str, enum.Enum):
    """Stored by value."""

    GOOD = "good"
    BAD = "bad"


class Rank(enum.IntEnum):
    """Stored as a number."""

    ONE = 1
    TWO = 2


class Settings(BaseModel):
    """The content of a JSON column."""

    theme: str = "dark"
    size: int = 3


class Outer:
    """A namespace."""

    class Inner(enum.Enum):
        """Nested."""

        A = "a"


class Lower(TypeDecorator[str]):
    """Text that is stored in lower case."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else value.lower()


class RankType(TypeDecorator[Rank]):
    """An IntEnum as a number."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: Rank | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> Rank | None:
        return None if value is None else Rank(value)


class Box(UserDefinedType[str]):
    """An unknown type."""

    cache_ok = True

    def get_col_spec(self, **kw: Any) -> str:
        return "text"


class Typed(SQLModel, table=True):
    """One column of each type."""

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    snowflake: Snowflake = Field(sa_type=sa.BigInteger, unique=True)
    short: Short = Field(index=True)
    maybe: Optional[int] = Field(default=None, index=True)
    union: Union[str, None] = None
    pipe: int | None = None
    colour: Colour = Field(index=True)
    mood: Mood = Field(sa_type=sa.Enum(Mood, values_callable=lambda e: [m.value for m in e], name="mood"))
    inner: Outer.Inner = Outer.Inner.A
    rank: Rank = Field(sa_type=RankType, index=True)
    level: Level = Field(default="low", sa_type=sa.String)
    price: Decimal = Field(default=Decimal("1.50"), max_digits=8, decimal_places=2, index=True)
    ratio: float = Field(default=0.5, index=True)
    day: date = Field(index=True)
    at: time
    took: timedelta = Field(sa_type=sa.Interval)
    aware: AwareDatetime = Field(sa_type=sa.DateTime(timezone=True), index=True)
    naive: NaiveDatetime = Field(sa_type=sa.DateTime(timezone=False))
    made: datetime
    data: bytes = b""
    address: ipaddress.IPv4Address | None = Field(default=None, sa_type=pg.INET)
    url: AnyUrl | None = Field(default=None, sa_type=sa.String)
    secret: SecretStr | None = Field(default=None, sa_type=sa.String)
    anything: Any = Field(default=None, sa_type=pg.JSONB)
    mapping: dict[str, list[int]] = Field(default_factory=dict, sa_type=pg.JSONB)
    bare: dict = Field(default_factory=dict, sa_type=sa.JSON)  # pyright: ignore
    settings: Settings | None = Field(default=None, sa_type=pg.JSONB)
    words: list[str] = Field(default_factory=list, sa_type=pg.ARRAY(sa.String))
    tags: Tags = Field(default_factory=list, sa_type=pg.ARRAY(sa.Text))
    lower: str = Field(sa_type=Lower, unique=True)
    box: str | None = Field(default=None, sa_type=Box)
    big: int = Field(default=0, sa_type=sa.BigInteger, ge=0, le=10**15)


class NoSpec(UserDefinedType):
    """A type that cannot be rendered as SQL."""

    cache_ok = True


class Lax(SQLModel, table=True):
    """Unusual and incomplete declarations."""

    id: int | None = Field(default=None, primary_key=True)
    bare: List = Field(default_factory=list, sa_column=sa.Column(sa.JSON))
    pair: Tuple = Field(default=(), sa_column=sa.Column(sa.JSON))
    made: datetime = Field(default=sa.func.now())
    raw: Literal[b"x"] = Field(default=b"x", sa_type=sa.LargeBinary)
    b: bool = False
    anything: Any = Field(default=None, sa_type=pg.JSONB, nullable=True)


class Envelope(BaseModel, Generic[T]):
    """A generic model."""

    content: T | None = None


class Bound(BaseModel, Generic[S]):
    """A generic model, whose content is a model."""

    content: S


class Numbered(SQLModel, Generic[T]):
    """A generic base, whose argument SQLModel forgets."""

    number: T = Field(sa_type=sa.Integer, index=True)


class Open(Numbered[int], table=True):
    """Generic types without their arguments, and a base with one."""

    id: int | None = Field(default=None, primary_key=True)
    mapping: Mapping = Field(default_factory=dict, sa_type=pg.JSONB)
    ordered: OrderedDict = Field(default_factory=OrderedDict, sa_type=pg.JSONB)
    sequence: Sequence = Field(default_factory=list, sa_type=pg.JSONB)
    queue: deque = Field(default_factory=deque, sa_type=pg.JSONB)
    counter: Counter = Field(default_factory=Counter, sa_type=pg.JSONB)
    envelope: Envelope = Field(sa_type=pg.JSONB)
    envelopes: list[Envelope] = Field(default_factory=list, sa_type=pg.JSONB)
    numbers: Envelope[int] | None = Field(default=None, sa_type=pg.JSONB)
    bound: Bound | None = Field(default=None, sa_type=pg.JSONB)
    nothing: tuple[()] = Field(default=(), sa_type=pg.JSONB)
    either: Union[Envelope, dict] = Field(default_factory=dict, sa_type=pg.JSONB)


class Addressed(SQLModel, table=True):
    """Strings that PostgreSQL parses, labels of an enum of strings, and times that are rounded."""

    network: str = Field(sa_type=pg.CIDR, primary_key=True)
    host: str = Field(sa_type=pg.INET, unique=True)
    card: str = Field(sa_type=pg.MACADDR)
    reference: str = Field(sa_column=sa.Column(pg.UUID(as_uuid=False), nullable=False, unique=True))
    state: str = Field(sa_column=sa.Column(sa.Enum("open", "shut", name="address_state"), nullable=False, index=True))
    seen: datetime = Field(sa_column=sa.Column(pg.TIMESTAMP(timezone=True, precision=0), nullable=False, unique=True))
    at: time = Field(sa_column=sa.Column(pg.TIME(precision=0), nullable=False))


class Vehicle(SQLModel, table=True):
    """The base of a hierarchy in one table: only known kinds can be loaded."""

    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "vehicle"}

    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(index=True)


class Car(Vehicle):
    """In the same table."""

    __mapper_args__ = {"polymorphic_identity": "car"}
