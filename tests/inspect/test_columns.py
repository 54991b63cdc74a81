"""The attributes of columns: type, kind, comparison, presence, bounds."""

import enum
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

import pytest
from annotated_types import Gt
from pydantic import BaseModel, NaiveDatetime
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Column,
    Computed,
    DateTime,
    FetchedValue,
    Identity,
    Index,
    Integer,
    Numeric,
    String,
    TypeDecorator,
    func,
    text,
)
from sqlalchemy import Enum as SAEnum
from sqlalchemy.dialects.postgresql import HSTORE, INET, JSONB
from sqlalchemy.orm import column_property, registry
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field, SQLModel

from ctrlgen.schema import Column as Read
from ctrlgen.schema import Schema

from .conftest import Inspected, by_attribute
from .conftest import text as annotation_text


class Color(enum.Enum):
    RED = "r"
    BLUE = "b"


class Size(str, enum.Enum):  # noqa: UP042 - as models have it
    SMALL = "s"


class Profile(BaseModel):
    nickname: str


class Encrypted(TypeDecorator[str]):
    impl = String
    cache_ok = True


T = TypeVar("T")


class Numbered(SQLModel, Generic[T]):
    number: T = Field(sa_type=BigInteger)
    maybe: T | None = Field(default=None, sa_type=String)


class Everything(SQLModel, registry=registry()):
    pass


class Kinds(Everything, table=True):
    id: int | None = Field(default=None, primary_key=True)
    a_bool: bool
    big: int = Field(sa_type=BigInteger)
    a_float: float
    decimal: Decimal = Field(max_digits=10, decimal_places=2)
    a_str: str
    a_bytes: bytes
    a_uuid: uuid.UUID
    color: Color
    size: Size = Field(sa_column=Column(String(10), nullable=False))
    aware: datetime = Field(sa_type=DateTime(timezone=True))
    naive: NaiveDatetime = Field(sa_type=DateTime)
    a_date: date
    a_time: time
    span: timedelta
    numbers: list[int] = Field(sa_type=ARRAY(BigInteger))
    matrix: list[list[str]] = Field(sa_type=ARRAY(String, dimensions=2))
    colors: list[Color] = Field(sa_type=ARRAY(SAEnum(Color)))
    plain_json: dict = Field(sa_type=JSON)
    jsonb: dict[str, Any] = Field(sa_type=JSONB)
    variant: dict[str, Any] = Field(sa_type=JSON().with_variant(JSONB, "postgresql"))
    pairs: dict[str, str] = Field(sa_type=HSTORE)
    profile: Profile = Field(sa_type=JSONB)
    address: IPv4Address = Field(sa_type=INET)
    literal: Literal["a", "b"] = Field(sa_type=String)
    secret: str = Field(sa_type=Encrypted(40))
    wrong: str = Field(sa_type=Integer)


@pytest.fixture(scope="module")
def kinds(project: Path) -> dict[str, Read]:
    from ctrlgen.inspect import inspect
    from ctrlgen.source_locations import Sources

    return by_attribute(inspect([Kinds], Sources(project)).models[0])


@pytest.mark.parametrize(
    ("attribute", "kind", "comparison"),
    [
        ("id", "int", "ordered"),
        ("a_bool", "bool", "equal"),
        ("big", "int", "ordered"),
        ("a_float", "float", "ordered"),
        ("decimal", "decimal", "ordered"),
        ("a_str", "str", "ordered"),
        ("a_bytes", "bytes", "equal"),
        ("a_uuid", "uuid", "equal"),
        ("color", "enum", "equal"),
        ("size", "enum", "equal"),
        ("aware", "datetime", "ordered"),
        ("naive", "naive_datetime", "ordered"),
        ("a_date", "date", "ordered"),
        ("a_time", "time", "ordered"),
        ("span", "timedelta", "ordered"),
        ("numbers", "array", "equal"),
        ("matrix", "array", "equal"),
        ("plain_json", "json", "none"),
        ("jsonb", "json", "equal"),
        ("variant", "json", "equal"),
        ("pairs", "json", "equal"),
        ("profile", "json", "equal"),
        ("address", "other", "equal"),
        ("literal", "other", "ordered"),
        ("secret", "str", "ordered"),
        ("wrong", "other", "ordered"),
    ],
)
def test_kind_and_comparison(kinds: dict[str, Read], attribute: str, kind: str, comparison: str) -> None:
    assert (kinds[attribute].kind, kinds[attribute].comparison) == (kind, comparison)


def test_enums_name_a_member(kinds: dict[str, Read]) -> None:
    assert [kinds[name].enum_member for name in ("color", "size", "colors", "a_str")] == ["RED", "SMALL", "RED", None]


def test_columns_keep_the_order_of_the_fields(kinds: dict[str, Read]) -> None:
    assert list(kinds) == list(Kinds.model_fields)


def test_attribute_and_name_may_differ(base: type[SQLModel], inspected: Inspected) -> None:
    class Hero(base, table=True):
        id: int = Field(primary_key=True)
        nick: str = Field(sa_column=Column("Nick Name", String(20), nullable=False), alias="n")

    column = inspected(Hero).column("nick")
    assert (column.name, column.bounds.max_length) == ("Nick Name", 20)


def test_nullability_is_that_of_the_column(base: type[SQLModel], inspected: Inspected) -> None:
    class Hero(base, table=True):
        id: int = Field(primary_key=True)
        null: str = Field(sa_column=Column(String))
        not_null: str | None = Field(sa_column=Column(String, nullable=False))
        optional: str | None = None

    columns = by_attribute(inspected(Hero))
    assert {name: columns[name].nullable for name in columns} == {
        "id": False,
        "null": True,
        "not_null": False,
        "optional": True,
    }
    assert {annotation_text(columns[name].annotation) for name in ("null", "not_null", "optional")} == {"str"}


def test_column_properties_are_not_columns(base: type[SQLModel], inspected: Inspected) -> None:
    class Hero(base, table=True):
        id: int = Field(primary_key=True)
        name: str

    Hero.__mapper__.add_property("shout", column_property(func.upper(Hero.__table__.c.name)))
    assert list(by_attribute(inspected(Hero))) == ["id", "name"]


@pytest.mark.parametrize(
    ("annotation", "field", "presence"),
    [
        (int, Field(primary_key=True), "required"),
        (int, Field(default=None, primary_key=True), "optional"),
        (int | None, Field(default=None, primary_key=True), "optional"),
        (int | None, Field(primary_key=True), "optional"),
        (int, Field(sa_column=Column(Integer, primary_key=True, autoincrement=True)), "optional"),
        (int, Field(primary_key=True, sa_column_kwargs={"autoincrement": True}), "optional"),
        (int, Field(sa_column=Column(Integer, Identity(), primary_key=True)), "optional"),
        (int, Field(sa_column=Column(Integer, Identity(always=True), primary_key=True)), "computed"),
        (str | None, Field(default=None, primary_key=True), "required"),
        (int | None, Field(default=None, primary_key=True, foreign_key="other.id"), "required"),
        (uuid.UUID, Field(default_factory=uuid.uuid4, primary_key=True), "optional"),
    ],
)
def test_presence_of_a_primary_key(
    base: type[SQLModel], read: Callable[..., Schema], annotation: object, field: Any, presence: str
) -> None:
    type("Other", (base,), {"__annotations__": {"id": int}, "id": Field(primary_key=True)}, table=True)
    hero = type("Hero", (base,), {"__annotations__": {"id": annotation}, "id": field}, table=True)
    assert read(hero).models[0].column("id").presence == presence


@pytest.mark.parametrize(
    ("annotation", "field", "presence"),
    [
        (str, Field(), "required"),
        (str, Field(default="x"), "optional"),
        (str, Field(default=""), "optional"),
        (bool, Field(default=False), "optional"),
        (str, Field(default_factory=str), "optional"),
        (str | None, Field(default=None), "optional"),
        (str | None, Field(), "optional"),
        (str | None, Field(nullable=False), "required"),
        (str | None, Field(sa_column=Column(String, nullable=False)), "required"),
        (str | None, Field(sa_column=Column(String)), "optional"),
        (str, Field(default=None), "required"),
        (str | None, Field(default=None, nullable=False), "required"),
        (str, Field(sa_column=Column(String)), "required"),
        (str, Field(sa_column_kwargs={"server_default": "x"}), "optional"),
        (str | None, Field(default=None, nullable=False, sa_column_kwargs={"server_default": "x"}), "optional"),
        (str, Field(sa_column_kwargs={"server_default": FetchedValue()}), "optional"),
        (str, Field(sa_column=Column(String, default=lambda: "x", nullable=False)), "optional"),
        (str, Field(sa_column=Column(String, Computed("'x'"))), "computed"),
        (int, Field(sa_column=Column(Integer, Identity(always=True))), "computed"),
    ],
)
def test_presence(
    base: type[SQLModel], read: Callable[..., Schema], annotation: object, field: Any, presence: str
) -> None:
    names = {"__annotations__": {"id": int, "x": annotation}, "id": Field(primary_key=True), "x": field}
    hero = type("Hero", (base,), names, table=True)
    assert read(hero).models[0].column("x").presence == presence


@pytest.mark.parametrize(
    ("annotation", "field", "omitted"),
    [
        (str, Field(), False),
        (str, Field(default="x", sa_column_kwargs={"server_default": "y"}), False),
        (str | None, Field(), False),
        (str | None, Field(default=None), False),
        (str | None, Field(default=None, sa_column_kwargs={"server_default": "x"}), True),
        (str | None, Field(default=None, sa_column=Column(String, default="x")), True),
        (str | None, Field(default=None, nullable=False), True),
        (str | None, Field(default_factory=str, sa_column_kwargs={"server_default": "x"}), False),
        (str | None, Field(default=None, sa_column=Column(String, Computed("'x'"))), False),
        (int | None, Field(default=None, sa_column=Column(Integer, Identity(always=True))), False),
        (int | None, Field(default=None, sa_column=Column(Integer, Identity())), True),
    ],
)
def test_default_of_none_leaves_the_value_to_the_column_or_the_database(
    base: type[SQLModel], read: Callable[..., Schema], annotation: object, field: Any, omitted: bool
) -> None:
    names = {"__annotations__": {"id": int, "x": annotation}, "id": Field(primary_key=True), "x": field}
    hero = type("Hero", (base,), names, table=True)
    assert read(hero).models[0].column("x").omitted is omitted


def test_generated_number_and_column_without_a_field_are_omitted(base: type[SQLModel], inspected: Inspected) -> None:
    class Hero(base, table=True):
        id: int | None = Field(default=None, primary_key=True)

    Hero.__table__.append_column(Column("made", DateTime, server_default=func.now()))
    Hero.__table__.append_column(Column("note", String))
    Hero.__mapper__.add_property("made", Hero.__table__.c.made)
    Hero.__mapper__.add_property("note", Hero.__table__.c.note)
    assert {name: column.omitted for name, column in by_attribute(inspected(Hero)).items()} == {
        "id": True,
        "made": True,
        "note": False,
    }


def test_bounds_come_from_field_annotated_and_column(base: type[SQLModel], inspected: Inspected) -> None:
    class Hero(base, table=True):
        id: int = Field(primary_key=True)
        level: int = Field(ge=1, lt=100)
        age: Annotated[int, Gt(0)] | None = None
        name: str = Field(min_length=2, max_length=50, schema_extra={"pattern": "^[a-z]+$"})
        short: str = Field(max_length=50, sa_column=Column(String(20), nullable=False))
        price: Decimal = Field(ge=Decimal("0.5"), max_digits=6, decimal_places=2)
        rate: Decimal = Field(le=1, sa_column=Column(Numeric(5, 3), nullable=False))
        since: datetime = Field(gt=datetime(2020, 1, 1, tzinfo=UTC))

    columns = by_attribute(inspected(Hero))
    assert (columns["level"].bounds.minimum, columns["level"].bounds.below) == ("1", "100")
    assert columns["age"].bounds.above == "0"
    name = columns["name"].bounds
    assert (name.min_length, name.max_length, name.pattern) == (2, 50, "^[a-z]+$")
    assert columns["short"].bounds.max_length == 20
    price = columns["price"].bounds
    assert (price.minimum, price.below, price.decimal_places) == ("0.5", "10000", 2)
    assert (columns["rate"].bounds.maximum, columns["rate"].bounds.below) == ("1", None)
    assert columns["since"].bounds.above is None


def test_field_of_a_generic_base_has_the_type_of_its_column(base: type[SQLModel], inspected: Inspected) -> None:
    class Ticket(Numbered[int], base, table=True):  # SQLModel forgets that T is int here
        id: int | None = Field(default=None, primary_key=True)

    columns = by_attribute(inspected(Ticket))
    assert {name: annotation_text(column.annotation) for name, column in columns.items()} == {
        "number": "int",
        "maybe": "str",
        "id": "int",
    }
    assert (columns["number"].optional, columns["maybe"].optional) == (False, True)


def test_type_that_cannot_be_imported_is_any_with_a_warning(base: type[SQLModel], read: Callable[..., Schema]) -> None:
    class Local(enum.Enum):
        A = 1

    class Hero(base, table=True):
        id: int = Field(primary_key=True)
        local: Local

    schema = read(Hero)
    column = schema.models[0].column("local")
    assert (annotation_text(column.annotation), column.kind) == ("typing.Any", "enum")
    (finding,) = schema.findings
    assert (finding.code, finding.location) == ("CG204", column.location)


def test_textual_server_default_is_recognized(base: type[SQLModel], inspected: Inspected) -> None:
    class Hero(base, table=True):
        id: int = Field(primary_key=True)
        at: datetime = Field(sa_column_kwargs={"server_default": text("now()")})

    assert inspected(Hero).column("at").presence == "optional"


@pytest.mark.parametrize(
    ("annotation", "field", "default"),
    [
        (str, Field(), None),
        (str, Field(default="x"), "'x'"),
        (bool, Field(default=False), "False"),
        (bool, Field(default=False, sa_column_kwargs={"server_default": "true"}), "False"),
        (Color, Field(default=Color.RED), "'RED'"),
        (str, Field(default_factory=str), None),
        (str | None, Field(default=None), "None"),
        (int, Field(sa_column=Column(Integer, default=3)), "3"),
        (int, Field(sa_column=Column(Integer, default=lambda: 3)), None),
        (str | None, Field(default=None, sa_column_kwargs={"server_default": "x"}), None),
    ],
)
def test_constant_default_of_new_rows(
    base: type[SQLModel], read: Callable[..., Schema], annotation: object, field: Any, default: str | None
) -> None:
    names = {"__annotations__": {"id": int, "x": annotation}, "id": Field(primary_key=True), "x": field}
    assert read(type("Hero", (base,), names, table=True)).models[0].column("x").default == default


def test_default_is_compared_by_identity(inspected: Inspected, base: type[SQLModel]) -> None:
    class Unequal:
        __hash__ = None

        def __eq__(self, other: object) -> bool:
            raise RuntimeError("not to be compared")

    class Event(base, table=True):
        id: int | None = Field(default=None, primary_key=True)
        made: datetime = Field(default=func.now())
        extra: Any = Field(default=Unequal(), sa_type=JSON)

    columns = by_attribute(inspected(Event))
    assert (columns["made"].presence, columns["extra"].presence) == ("optional", "optional")


def test_type_that_cannot_be_rendered_is_only_compared_for_equality(inspected: Inspected, base: type[SQLModel]) -> None:
    class NoSpec(UserDefinedType):
        cache_ok = True

    class Event(base, table=True):
        id: int | None = Field(default=None, primary_key=True)
        odd: str = Field(sa_type=NoSpec)

    assert by_attribute(inspected(Event))["odd"].comparison == "equal"


class Unreadable:
    """Metadata of an annotation that raises an error on every access."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError("odd\nmetadata")


def test_unreadable_column_is_left_out_with_one_finding(
    read: Callable[..., Schema], base: type[SQLModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Event(base, table=True):
        __table_args__ = (Index("ix_event_odd", "odd"),)
        id: int | None = Field(default=None, primary_key=True)
        odd: str
        name: str

    Event.model_fields["odd"].metadata.append(Unreadable())
    schema = read(Event)
    (event,) = schema.models
    assert list(by_attribute(event)) == ["id", "name"]
    assert [index.origin for index in event.indexes] == ["primary key"], "no index on a missing column remains"
    (finding,) = schema.findings
    assert (finding.code, finding.location.file) == ("CG208", "tests/inspect/test_columns.py")
    assert finding.message == ("column `Event.odd` is left out: it cannot be read (RuntimeError: odd metadata)")


def test_model_with_an_unreadable_key_is_left_out(read: Callable[..., Schema], base: type[SQLModel]) -> None:
    class Event(base, table=True):
        id: int = Field(primary_key=True)

    class Other(base, table=True):
        id: int = Field(primary_key=True)

    Event.model_fields["id"].metadata.append(Unreadable())
    schema = read(Event, Other)
    assert [model.reference.name.rpartition(".")[2] for model in schema.models] == ["Other"]
    assert "`Event` is left out: it cannot be read (a column of its primary key is left out)" in [
        finding.message for finding in schema.findings
    ]


def test_primary_key_column_is_never_nullable(base: type[SQLModel], read: Callable[..., Schema]) -> None:
    class Hero(base, table=True):
        id: int | None = Field(default=None, primary_key=True, nullable=True)
        team: int = Field(primary_key=True, nullable=True)
        name: str = Field(sa_column=Column(String, primary_key=True, nullable=True))

    assert [column.nullable for column in read(Hero).models[0].columns] == [False, False, False]
