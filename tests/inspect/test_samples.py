"""Sample values: each is accepted by its field, its type and the CHECK constraints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NewType
from uuid import UUID

import pytest
from pydantic import AfterValidator, AnyUrl, BaseModel, HttpUrl, SecretStr, StringConstraints, field_validator
from pydantic import Field as PydanticField
from sqlalchemy import (
    CHAR,
    JSON,
    TEXT,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    Index,
    Integer,
    String,
    TypeDecorator,
    text,
)
from sqlalchemy import Enum as SAEnum
from sqlalchemy.dialects.postgresql import CIDR, INET, JSONB, MACADDR, MACADDR8, TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PostgresUUID
from sqlmodel import Field, SQLModel
from typing_extensions import TypedDict, override

from ctrlgen.inspect import inspect
from ctrlgen.inspect.typed_values import Evaluation
from ctrlgen.schema import Column as InspectedColumn
from ctrlgen.schema import Model, Value
from ctrlgen.source_locations import Sources

UserId = NewType("UserId", int)


def slug(value: str) -> str:
    """Accept lower-case words joined by hyphens."""
    if value != value.lower() or " " in value or "_" in value:
        raise ValueError("a slug")
    return value


class Size(BaseModel):
    """A part of the settings."""

    width: Annotated[int, PydanticField(ge=10)]
    unit: Literal["px", "em"]


class Settings(BaseModel):
    """Stored as JSON."""

    name: Annotated[str, StringConstraints(pattern="^[a-z]+$")]
    size: Size
    tags: list[str]
    note: str | None = None


class Address(TypedDict):
    """Also stored as JSON."""

    street: str
    number: int


@dataclass
class Point:
    """And this."""

    x: float
    y: float = 0


class Pair(NamedTuple):
    """And this."""

    left: str
    right: int


class Rank(Enum):
    """Of something."""

    LOW = 1
    HIGH = 2


class Local(TypeDecorator[datetime]):
    """Takes aware values, and returns naive ones."""

    impl = DateTime(timezone=False)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("needs a time zone")
        return value.astimezone(UTC).replace(tzinfo=None)


class AsText(TypeDecorator[object]):
    """Stores values as strings."""

    impl = String
    cache_ok = True

    @override
    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        return None if value is None else str(value)


class Various(SQLModel, table=True):
    """One column of each kind for which the type alone does not determine valid values."""

    id: int | None = Field(default=None, primary_key=True)
    url: HttpUrl = Field(sa_type=AsText)
    other_url: AnyUrl = Field(sa_type=AsText)
    secret: SecretStr = Field(sa_type=AsText)
    address: IPv4Address = Field(sa_type=AsText)
    slug: Annotated[str, AfterValidator(slug)]
    code: str = Field(sa_type=CHAR(3))  # type: ignore[call-overload]  # an instance is taken, too
    padded: str = Field(sa_column=Column(CHAR(20), nullable=False))
    color: Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]
    choice: Annotated[str, StringConstraints(pattern=r"^(red|blue)$")]
    tiny: str = Field(max_length=1)
    user: UserId = Field(sa_type=Integer)
    settings: Settings = Field(sa_type=JSONB)
    place: Address = Field(sa_type=JSON)
    point: Point = Field(sa_type=JSON)
    pair: Pair = Field(sa_type=JSON)
    words: str = Field(sa_type=JSON)
    numbers: dict[str, int] = Field(sa_type=JSON)
    ranks: list[Rank] = Field(sa_type=JSON, min_length=1)
    moment: datetime = Field(sa_type=Local)
    letter: Literal["a", "b"] = Field(sa_type=String)
    amount: Decimal = Field(gt=0, lt=1, max_digits=3, decimal_places=2)
    email: str

    @field_validator("email")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if not value.partition("@")[2].endswith(".org"):
            raise ValueError("an address ends in .org")
        return value


class Impossible(SQLModel, table=True):
    """Columns that accept no candidate."""

    id: int | None = Field(default=None, primary_key=True)
    prime: int = 7
    raw: bytes = Field(sa_type=TEXT)

    @field_validator("prime")
    @classmethod
    def _is_large(cls, value: int) -> int:
        if value != 7919:
            raise ValueError("the thousandth prime")
        return value


class Checked(SQLModel, table=True):
    """CHECK constraints, as text and as expressions."""

    __table_args__ = (
        CheckConstraint("rank >= 0 AND rank <= 10"),
        CheckConstraint("price > 100"),
        CheckConstraint("month BETWEEN 3 AND 5"),
        CheckConstraint("state IN ('open', 'shut')"),
        CheckConstraint("char_length(code) = 5"),
        CheckConstraint("slug ~ '^[a-z-]+$' AND slug = lower(slug)"),
        CheckConstraint("level IS NULL OR level > 3"),
        CheckConstraint("kind = ANY (ARRAY['x'::text, 'y'::text])"),
        CheckConstraint("low < high"),
        CheckConstraint("num_nonnulls(email, phone) = 1", name="one_contact"),
        CheckConstraint("NOT (owner AND permissions <> 'rwx')"),
        CheckConstraint("permissions IN ('r', 'rwx')"),
        CheckConstraint("starts_on < CURRENT_DATE", name="in_the_past"),
        Index("uq_checked_owner", "rank", unique=True, postgresql_where=text("owner")),
    )

    id: int | None = Field(default=None, primary_key=True)
    rank: int
    price: int = 0
    month: int
    state: str
    code: str
    slug: str
    level: int | None = None
    kind: str
    low: int
    high: int
    email: str | None = None
    phone: str | None = None
    owner: bool = False
    permissions: str = "r"
    starts_on: str | None = None


class Strict(TypeDecorator[datetime]):
    """Refuses values without a time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: object) -> datetime | None:
        if value is not None and value.utcoffset() is None:
            raise ValueError("no time zone")
        return value


class Clock(SQLModel, table=True):
    """A default that its own column refuses, and others that it accepts."""

    id: int | None = Field(default=None, primary_key=True)
    local: datetime = Field(default_factory=datetime.now, sa_type=DateTime(timezone=True))  # type: ignore[call-overload]
    naive: datetime = Field(default_factory=datetime.now, sa_type=Strict)
    aware: datetime = Field(default_factory=lambda: datetime.now(UTC), sa_type=DateTime(timezone=True))  # type: ignore[call-overload]


class Parsed(SQLModel, table=True):
    """Strings in columns that are not text, enums of strings, and times of day that are rounded."""

    id: int | None = Field(default=None, primary_key=True)
    host: str = Field(sa_type=INET)
    network: str = Field(sa_type=CIDR)
    card: str = Field(sa_type=MACADDR)
    long_card: str = Field(sa_type=MACADDR8)
    reference: str = Field(sa_column=Column(PostgresUUID(as_uuid=False), nullable=False))
    typed_reference: UUID
    state: str = Field(sa_column=Column(SAEnum("open", "shut", name="parsed_state"), nullable=False))
    day: str = Field(sa_type=Date)
    second: datetime = Field(sa_column=Column(TIMESTAMP(timezone=True, precision=0), nullable=False))
    exact: datetime = Field(sa_column=Column(TIMESTAMP(timezone=True), nullable=False))


class Vehicle(SQLModel, table=True):
    """The base of a hierarchy, with its own rows."""

    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "vehicle"}

    id: int | None = Field(default=None, primary_key=True)
    kind: str


class Car(Vehicle):
    """In the same table."""

    __mapper_args__ = {"polymorphic_identity": "car"}


@cache
def inspected(model: type[SQLModel]) -> Model:
    """Return the inspected model."""
    (only,) = inspect([model], Sources(Path(__file__).parents[2], "generated")).models
    return only


def column(model: type[SQLModel], attribute: str) -> InspectedColumn:
    """A column of the model."""
    return inspected(model).column(attribute)


def source(value: Value | None) -> str | None:
    """The source of a value, with classes by their own names."""
    return value and value.source(lambda item: item.name)


@pytest.mark.parametrize("attribute", [name for name in Various.model_fields if name != "id"])
def test_every_column_gets_a_value_that_its_field_accepts(attribute: str) -> None:
    """This covers constraints, validators and nested classes."""
    samples = column(Various, attribute).samples
    assert samples.new is not None
    assert samples.fixed is not None
    for number in (1, 2, 31, 9999):
        value = Evaluation().of(samples.new, number)
        field = Various.model_fields[attribute]
        values: dict[str, Any] = {attribute: value}
        Various.__pydantic_validator__.validate_assignment(Various.model_construct(), attribute, values[attribute])
        assert field.annotation is not None


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ("url", 'HttpUrl(f"https://example.org/{next(numbers)}")'),
        ("code", 'str(next(numbers))[-3:].ljust(3, "x")'),
        ("color", 'f"#{next(numbers):06d}"'),
        ("choice", "'blue'"),
        ("user", "UserId(next(numbers))"),
        ("settings", "Settings(name='changed', size=Size(width=10, unit='px'), tags=[])"),
        ("place", '{"street": \'changed\', "number": 0}'),
        ("point", "Point(x=0)"),
        ("pair", "Pair(left='changed', right=0)"),
        ("words", "'changed'"),
        ("ranks", "[Rank.LOW]"),
        ("moment", "datetime(2030, 1, 1, tzinfo=UTC)"),
        ("email", 'f"x{next(numbers)}@example.org"'),
    ],
)
def test_values_are_readable(attribute: str, expected: str) -> None:
    assert source(column(Various, attribute).samples.new) == expected


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ("host", 'f"2001:db8::{next(numbers)}"'),
        ("network", 'f"2001:db8::{next(numbers)}"'),
        ("card", "'08:00:2b:01:02:03'"),
        ("long_card", "'08:00:2b:01:02:03:04:05'"),
        ("reference", 'f"00000000-0000-0000-0000-{next(numbers):012d}"'),
        ("typed_reference", "uuid4()"),
        ("state", "'open'"),
        ("second", "datetime(2030, 1, 1, tzinfo=UTC)"),
        ("exact", "datetime.now(UTC)"),
    ],
)
def test_value_is_accepted_by_the_type_of_the_column(attribute: str, expected: str) -> None:
    assert source(column(Parsed, attribute).samples.new) == expected


def test_string_is_not_a_value_of_a_date_column() -> None:
    """The driver accepts dates only."""
    assert column(Parsed, "day").samples.new is None


def test_address_read_as_an_object_is_not_used_for_updates() -> None:
    assert column(Parsed, "host").samples.changed is None


def test_discriminator_is_the_identity_of_the_model() -> None:
    """A row with another discriminator cannot be loaded."""
    assert source(column(Vehicle, "kind").samples.new) == "'vehicle'"


def test_value_that_does_not_round_trip_is_not_used_for_updates() -> None:
    """The type returns a naive value for an aware one."""
    assert column(Various, "moment").samples.changed is None


@pytest.mark.parametrize("attribute", ["prime", "raw"])
def test_column_without_a_valid_candidate_has_no_samples(attribute: str) -> None:
    samples = column(Impossible, attribute).samples
    assert (samples.new, samples.fixed, samples.changed) == (None, None, None)


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ("rank", "0"),
        ("price", "101"),
        ("month", "3"),
        ("state", "'open'"),
        ("code", 'f"{next(numbers):05d}"'),
        ("slug", "'changed'"),
        ("level", "4"),
        ("kind", "'x'"),
    ],
)
def test_check_bounds_the_value(attribute: str, expected: str) -> None:
    assert source(column(Checked, attribute).samples.new) == expected


def test_default_that_a_check_refuses_is_replaced() -> None:
    assert column(Checked, "price").samples.needed
    assert not column(Checked, "level").samples.needed


def test_values_of_several_columns_satisfy_a_check_together() -> None:
    model = inspected(Checked)
    low, high = (Evaluation().of(model.column(name).samples.new or Value(("",))) for name in ("low", "high"))
    assert isinstance(low, int)
    assert isinstance(high, int)
    assert low < high
    assert [model.column(name).samples.needed for name in ("email", "phone")].count(True) == 1


def test_row_that_meets_a_predicate_satisfies_the_checks_as_well() -> None:
    """An owner must have all permissions."""
    (owners,) = (index for index in inspected(Checked).indexes if index.name == "uq_checked_owner")
    assert [(name, source(value)) for name, value in owners.companions] == [("permissions", "'rwx'")]


def test_check_that_is_not_understood_is_named() -> None:
    assert inspected(Checked).unsettled_checks == ("in_the_past",)


@pytest.mark.parametrize(("attribute", "needed"), [("naive", True), ("local", False), ("aware", False)])
def test_default_that_the_column_refuses_is_replaced(attribute: str, needed: bool) -> None:
    samples = column(Clock, attribute).samples
    assert samples.needed is needed
    assert source(samples.new) == "datetime.now(UTC)"


def test_uuid_is_created_when_it_is_used() -> None:
    class Named(SQLModel, table=True):
        id: UUID = Field(primary_key=True)

    assert source(column(Named, "id").samples.new) == "uuid4()"


class Either(SQLModel, table=True):
    """Refers to one of two rows, never to both."""

    __table_args__ = (
        CheckConstraint("(left_id IS NULL AND right_id IS NOT NULL) OR (left_id IS NOT NULL AND right_id IS NULL)"),
        Index("uq_either", "left_id", "right_id", unique=True),
        Index("ix_either_left_id", "left_id"),
        Index("ix_either_right_id", "right_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    left_id: int = Field(nullable=True)
    right_id: int = Field(nullable=True)


def test_impossible_row_is_recognized() -> None:
    """No row has values for both columns of the key."""
    companions = {index.name: index.companions for index in inspected(Either).indexes}
    assert companions["uq_either"] is None


def test_null_is_used_if_a_check_requires_it() -> None:
    """A row with a value in one column has NULL in the other."""
    values = {name: source(column(Either, name).samples.new) for name in ("left_id", "right_id")}
    ((null, other),) = [(name, {*values} - {name}) for name in values if values[name] == "None"]
    (index,) = (index for index in inspected(Either).indexes if index.name == f"ix_either_{null}")
    assert index.companions is not None
    assert {name: source(value) for name, value in index.companions} == {null: "0", other.pop(): "None"}
