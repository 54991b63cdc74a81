"""Primary keys, unique constraints and indexes, in every form they are declared."""

import enum
from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    TypeDecorator,
    UniqueConstraint,
    and_,
    column,
    func,
    literal,
    text,
)
from sqlalchemy import Enum as SAEnum
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel, col

from ctrlgen.schema import ColumnPart, Condition, ExpressionPart, Schema
from ctrlgen.schema import Index as Read

from .conftest import Inspected
from .conftest import text as annotation_text


class Status(enum.Enum):
    OPEN = "open"
    DONE = "done"


def parts(index: Read) -> list[str | None]:
    return [part.attribute if isinstance(part, ColumnPart) else part.name for part in index.parts]


def named(model: object, name: str | None) -> Read:
    (index,) = [index for index in model.indexes if index.name == name]
    return index


def test_primary_key_comes_first_in_its_own_order(base: type[SQLModel], inspected: Inspected) -> None:
    class Afk(base, table=True):
        guild_id: int = Field(primary_key=True)
        a: int = Field(unique=True)
        member_id: int = Field(primary_key=True)

    model = inspected(Afk)
    assert (parts(model.primary_key), model.primary_key.origin) == (["guild_id", "member_id"], "primary key")
    assert model.primary_key.unique


def test_unique_columns_and_unique_indexes(base: type[SQLModel], inspected: Inspected) -> None:
    class Hero(base, table=True):
        __table_args__ = (
            UniqueConstraint("b", "a", name="uq_b_a"),
            Index("ix_u", "a", unique=True),
            Index("ix_c", "c"),
        )
        id: int = Field(primary_key=True)
        a: int = Field(unique=True)
        b: int = Field(unique=True, index=True)
        c: int = Field(index=True)

    actual = [(index.name, index.origin, parts(index)) for index in inspected(Hero).indexes[1:]]
    assert actual == [
        (None, "unique constraint", ["a"]),
        ("ix_c", "index", ["c"]),
        ("ix_hero_b", "unique index", ["b"]),
        ("ix_hero_c", "index", ["c"]),
        ("ix_u", "unique index", ["a"]),
        ("uq_b_a", "unique constraint", ["b", "a"]),
    ]


def test_parts_are_attributes_and_not_column_names(base: type[SQLModel], inspected: Inspected) -> None:
    class Hero(base, table=True):
        __table_args__ = (Index("ix_1", "Nick Name"), Index("ix_2", text('"Nick Name" DESC')))
        id: int = Field(primary_key=True)
        nick: str = Field(sa_column=Column("Nick Name", String, nullable=False))

    model = inspected(Hero)
    assert [parts(named(model, name)) for name in ("ix_1", "ix_2")] == [["nick"], ["nick"]]


@pytest.mark.parametrize(
    "wrapped",
    [
        column("name").desc(),
        column("name").asc().nulls_first(),
        column("name").desc().nulls_last(),
        text("name DESC NULLS LAST"),
        text("name asc"),
        text("name text_pattern_ops"),
        text("(name)"),
    ],
)
def test_order_does_not_change_the_column(base: type[SQLModel], inspected: Inspected, wrapped: object) -> None:
    class Hero(base, table=True):
        __table_args__ = (Index("ix", wrapped),)
        id: int = Field(primary_key=True)
        name: str

    assert named(inspected(Hero), "ix").parts == (ColumnPart("name"),)


@pytest.mark.parametrize(
    ("expression", "name", "sql", "annotation", "comparison"),
    [
        (func.lower(column("name")), "lower_name", "lower(name)", "str", "ordered"),
        (func.lower(column("name")).desc(), "lower_name", "lower(name)", "str", "ordered"),
        (func.lower(column("name")).asc().nulls_first(), "lower_name", "lower(name)", "str", "ordered"),
        (text("lower(name)"), "lower_name", "lower(name)", "str", "ordered"),
        (text("lower(name) DESC"), "lower_name", "lower(name)", "str", "ordered"),
        (text("lower(name)desc  nulls\nlast "), "lower_name", "lower(name)", "str", "ordered"),
        (text("lower(name) NULLS FIRST"), "lower_name", "lower(name)", "str", "ordered"),
        (text("lower(name) text_pattern_ops ASC"), "lower_name", "lower(name)", "str", "ordered"),
        (text("lower(name) public.text_ops"), "lower_name", "lower(name)", "str", "ordered"),
        (text("(level + 1) desc"), None, "(level + 1)", "object", "equal"),
        (text("(name || ' desc') DESC"), None, "(name || ' desc')", "object", "equal"),
        (column("level") + column("cyclops_ops"), None, "level + cyclops_ops", "object", "equal"),
        (text("lower((name)::text)"), "lower_name", "lower((name)::text)", "str", "ordered"),
        (text("lower(unaccent(name))"), "lower_unaccent_name", "lower(unaccent(name))", "str", "ordered"),
        (text("public.unaccent(name)"), "unaccent_name", "public.unaccent(name)", "str", "ordered"),
        (func.length(column("name")), "length_name", "length(name)", "int", "ordered"),
        (func.date(column("at")), "date_at", "date(at)", "datetime.date", "ordered"),
        (func.my_hash(column("name")), "my_hash_name", "my_hash(name)", "object", "equal"),
        (func.abs(column("level")), "abs_level", "abs(level)", "object", "equal"),
        (column("data", JSONB)["k"].astext, None, "data ->> 'k'", "str", "ordered"),
        (func.lower(column("name")) + "x", None, "lower(name) || 'x'", "str", "ordered"),
        (func.coalesce(column("name"), "%"), None, "coalesce(name, '%')", "str", "ordered"),
        (text("(level + 1)"), None, "(level + 1)", "object", "equal"),
        (text('name COLLATE "C"'), None, 'name COLLATE "C"', "object", "equal"),
        (text("name::text"), None, "name::text", "object", "equal"),
        (column("sent", Boolean).is_(None), None, "sent IS NULL", "bool", "equal"),
    ],
)
def test_expressions(
    base: type[SQLModel],
    inspected: Inspected,
    expression: object,
    name: str | None,
    sql: str,
    annotation: str,
    comparison: str,
) -> None:
    class Hero(base, table=True):
        __table_args__ = (Index("ix", "id", expression),)
        id: int = Field(primary_key=True)
        name: str
        level: int
        at: datetime
        sent: bool
        data: dict[str, str] = Field(sa_type=JSONB)

    first, part = named(inspected(Hero), "ix").parts
    assert first == ColumnPart("id")
    assert isinstance(part, ExpressionPart)
    actual = (part.name, part.sql, annotation_text(part.annotation), part.comparison)
    assert actual == (name, sql, annotation, comparison)


@pytest.mark.parametrize(
    ("expression", "inputs"),
    [
        (func.lower(column("name")), ("name",)),
        (text("lower(NAME)"), ("name",)),
        (text('lower("fullName")'), ("full",)),
        (text("first || ' ' || \"fullName\""), ("first", "full")),
        (text("coalesce(name, name || first)"), ("name", "first")),
        (func.date_trunc("day", column("at")), ("at",)),
        (text("(data ->> 'first')"), ("data",)),
        (text("lower(unmapped)"), ()),
        (text("lower(name || fullName)"), ()),
        (text("lower('name')"), ()),
        (text("a ~~~ %% b ((("), ()),
    ],
)
def test_columns_that_an_expression_is_computed_from(
    base: type[SQLModel], inspected: Inspected, expression: object, inputs: tuple[str, ...]
) -> None:
    class Hero(base, table=True):
        __table_args__ = (Index("ix", "id", expression), Column("unmapped", String))
        __mapper_args__ = {"exclude_properties": ["unmapped"]}  # noqa: RUF012 - as SQLAlchemy has it
        id: int = Field(primary_key=True)
        name: str
        first: str
        full: str = Field(sa_column=Column("fullName", String, nullable=False))
        at: datetime
        data: dict[str, str] = Field(sa_type=JSONB)

    part = named(inspected(Hero), "ix").parts[1]
    assert isinstance(part, ExpressionPart)
    assert part.inputs == inputs


def test_expression_of_the_models_own_columns(base: type[SQLModel], inspected: Inspected) -> None:
    class Hero(base, table=True):
        id: int = Field(primary_key=True)
        name: str
        age: int

    Index("ix", func.lower(Hero.name), func.length(Hero.name), unique=True)
    index = named(inspected(Hero), "ix")
    assert (parts(index), index.origin) == (["lower_name", "length_name"], "unique index")
    assert [annotation_text(part.annotation) for part in index.parts] == ["str", "int"]


def test_enum_of_a_renamed_column_is_understood_in_a_predicate(base: type[SQLModel], inspected: Inspected) -> None:
    class Hero(base, table=True):
        __table_args__ = (
            Index("ix_raw", "id", postgresql_where=text("\"State Raw\" = 'open'")),
            Index("ix_typed", "id", postgresql_where=text("state = 'OPEN'")),
            Index("ix_swapped", "id", postgresql_where=text("mood = 'open'")),
        )
        id: int = Field(primary_key=True)
        raw: Status | None = Field(sa_column=Column("State Raw", String))
        typed: Status = Field(sa_column=Column("state", SAEnum(Status)))
        mood: str = Field(sa_column=Column("swapped", String))
        swapped: Status = Field(sa_column=Column("mood", String))

    actual = {index.name: index.predicate.conditions for index in inspected(Hero).indexes[1:]}
    assert actual == {
        "ix_raw": (Condition("raw", "=", "'OPEN'"),),
        "ix_typed": (Condition("typed", "=", "'OPEN'"),),
        "ix_swapped": (Condition("swapped", "=", "'OPEN'"),),
    }


def test_predicates_from_expressions_and_text(base: type[SQLModel], inspected: Inspected) -> None:
    class Hero(base, table=True):
        __table_args__ = (
            Index("ix_text", "id", postgresql_where=text("NOT sent")),
            Index("ix_str", "id", postgresql_where="sent = false"),
            Index("ix_odd", "id", postgresql_where=text("name LIKE 'a%'")),
        )
        id: int = Field(primary_key=True)
        name: str
        sent: bool
        status: Status
        mood: Status = Field(sa_type=SAEnum(Status, values_callable=lambda cls: [item.value for item in cls]))
        raw: Status = Field(sa_type=String)

    where = and_(Hero.status == Status.DONE, col(Hero.name).is_not(None), ~col(Hero.sent))
    Index("ix_expression", "id", _table=Hero.__table__, postgresql_where=where)
    Index("ix_mood", "id", _table=Hero.__table__, postgresql_where=Hero.mood == Status.OPEN)
    Index("ix_raw", "id", _table=Hero.__table__, postgresql_where=text("raw = 'open'"))
    Index("ix_slash", "id", _table=Hero.__table__, postgresql_where=Hero.name == r"a\b%")
    predicates = {index.name: index.predicate for index in inspected(Hero).indexes[1:]}
    sent = (Condition("sent", "=", "False"),)
    assert {name: (predicate.sql, predicate.conditions) for name, predicate in predicates.items()} == {
        "ix_text": ("NOT sent", sent),
        "ix_str": ("sent = false", sent),
        "ix_odd": ("name LIKE 'a%'", None),
        "ix_expression": (
            "status = 'DONE' AND name IS NOT NULL AND NOT sent",
            (Condition("status", "=", "'DONE'"), Condition("name", "is not null"), *sent),
        ),
        "ix_mood": ("mood = 'open'", (Condition("mood", "=", "'OPEN'"),)),
        "ix_raw": ("raw = 'open'", (Condition("raw", "=", "'OPEN'"),)),
        "ix_slash": (r"name = 'a\b%'", (Condition("name", "=", repr(r"a\b%")),)),
    }


@pytest.mark.parametrize(
    ("written", "bare"),
    [
        ("hero.sent = false", "sent = false"),
        ("\"hero\".sent AND name = 'hero.x'", "sent AND name = 'hero.x'"),
        ('HERO."sent"', '"sent"'),
        ("lower(hero.name) = 'a'", "lower(name) = 'a'"),
        ("hero.f(superhero.name)", "hero.f(superhero.name)"),
        ("f(hero) AND shero.name = 'x'", "f(hero) AND shero.name = 'x'"),
    ],
)
def test_table_is_removed_from_the_columns_in_sql(
    base: type[SQLModel], inspected: Inspected, written: str, bare: str
) -> None:
    class Hero(base, table=True):
        __table_args__ = (
            Index("ix_where", "id", postgresql_where=text(written)),
            Index("ix_on", text("lower(Hero.name) DESC")),
        )
        id: int = Field(primary_key=True)
        name: str
        sent: bool

    model = inspected(Hero)
    assert named(model, "ix_where").predicate.sql == bare
    assert [part.sql for part in named(model, "ix_on").parts] == ["lower(name)"]


def test_schema_is_removed_from_the_columns_in_sql(base: type[SQLModel], inspected: Inspected) -> None:
    class Hero(base, table=True):
        __table_args__ = (
            Index("ix", "id", postgresql_where=text('town.hero.id > 1 AND hero.id < 9 AND "town"."hero"."id" <> 5')),
            {"schema": "town"},
        )
        id: int = Field(primary_key=True)

    assert named(inspected(Hero), "ix").predicate.sql == 'id > 1 AND id < 9 AND "id" <> 5'


class Marked(TypeDecorator[str]):
    """Stores the value with a mark."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: object) -> str:
        return f"{value}!"


def test_included_column_that_does_not_exist_is_unknown(base: type[SQLModel], inspected: Inspected) -> None:
    class Hero(base, table=True):
        __table_args__ = (Index("ix_hero_name", "name", postgresql_include=["id", "nmae"]),)
        id: int = Field(primary_key=True)
        name: str

    assert inspected(Hero).indexes[1].unknown_columns == ("nmae",)


def test_constant_of_a_type_that_converts_is_not_understood(base: type[SQLModel], inspected: Inspected) -> None:
    class Hero(base, table=True):
        id: int = Field(primary_key=True)
        name: str = Field(sa_type=Marked)

    Index("ix_name", "id", _table=Hero.__table__, postgresql_where=Hero.name == "x")
    predicate = named(inspected(Hero), "ix_name").predicate
    assert (predicate.sql, predicate.conditions) == ("name = 'x!'", None)


def test_only_the_index_whose_sql_cannot_be_rendered_is_left_out(
    base: type[SQLModel], read: Callable[..., Schema]
) -> None:
    class Hero(base, table=True):
        __table_args__ = (Index("ix_a", "a"),)
        id: int = Field(primary_key=True)
        a: bytes

    Index("ix_where", "id", _table=Hero.__table__, postgresql_where=col(Hero.a) == literal(object(), LargeBinary))
    Index("ix_on", func.concat(col(Hero.a), literal(object(), LargeBinary)))
    schema = read(Hero)
    assert [index.name for index in schema.models[0].indexes[1:]] == ["ix_a"]
    assert {(finding.code, finding.message.partition(":")[0]) for finding in schema.findings} == {
        ("CG208", "`ix_on` of `Hero` is left out"),
        ("CG208", "`ix_where` of `Hero` is left out"),
    }


def test_methods_and_nulls(base: type[SQLModel], inspected: Inspected) -> None:
    class Hero(base, table=True):
        __table_args__ = (
            Index("ix_gin", "data", postgresql_using="GIN"),
            Index("ix_nulls", "a", unique=True, postgresql_nulls_not_distinct=True),
            UniqueConstraint("b", name="uq_nulls", postgresql_nulls_not_distinct=True),
        )
        id: int = Field(primary_key=True)
        a: int | None
        b: int | None
        data: dict[str, str] = Field(sa_type=JSONB)

    model = inspected(Hero)
    actual = {index.name: (index.method, index.nulls_not_distinct) for index in model.indexes}
    assert actual == {
        None: ("btree", False),
        "ix_gin": ("gin", False),
        "ix_nulls": ("btree", True),
        "uq_nulls": ("btree", True),
    }


def test_names_of_a_naming_convention(base: type[SQLModel], inspected: Inspected) -> None:
    class Hero(base, table=True):
        metadata = MetaData(
            naming_convention={"uq": "uq_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"}
        )
        __table_args__ = (UniqueConstraint("a", "b"),)
        id: int = Field(primary_key=True)
        a: int
        b: int

    assert [index.name for index in inspected(Hero).indexes] == ["pk_hero", "uq_hero_a_b"]


def test_locations(base: type[SQLModel], read: Callable[..., Schema]) -> None:
    class Hero(base, table=True):
        __table_args__ = (
            UniqueConstraint("a", "b"),
            Index("ix_hero_lower", text("lower(a)")),
        )
        id: int = Field(primary_key=True)
        a: str = Field(index=True)
        b: str = Field(unique=True)

    Index("ix_outside", Hero.b)
    model = read(Hero).models[0]
    start = model.location.line
    assert model.location.file == "tests/inspect/test_indexes.py"
    lines = {tuple(parts(index)) or index.name: index.location.line - start for index in model.indexes}
    assert lines[("a", "b")] == 2
    assert lines[("lower_a",)] == 3
    assert lines[("id",)] == 5
    assert lines[("a",)] == 6
    assert named(model, "ix_outside").location.line - start == 9


def test_key_of_a_view_is_not_a_constraint(base: type[SQLModel], inspected: Inspected) -> None:
    class Totals(base, table=True):
        id: int = Field(sa_column=Column("id", Integer, nullable=False, primary_key=False))
        n: int

        @declared_attr.directive
        def __mapper_args__(cls) -> dict[str, object]:
            return {"primary_key": [cls.__table__.c.id]}

    class Table(base, table=True):
        id: int = Field(primary_key=True)

    assert (parts(inspected(Totals).primary_key), inspected(Totals).primary_key.enforced) == (["id"], False)
    assert inspected(Table).primary_key.enforced


def test_only_the_unreadable_index_is_left_out(base: type[SQLModel], read: Callable[..., Schema]) -> None:
    class Unspeakable:
        def __str__(self) -> str:
            raise RuntimeError("no such method")

    class Hero(base, table=True):
        __table_args__ = (Index("ix_odd", "a", postgresql_using=Unspeakable()), Index("ix_even", "a"))
        id: int = Field(primary_key=True)
        a: int

    schema = read(Hero)
    assert [index.name for index in schema.models[0].indexes[1:]] == ["ix_even"]
    (finding,) = schema.findings
    assert (finding.code, finding.message) == (
        "CG208",
        "`ix_odd` of `Hero` is left out: it cannot be read (RuntimeError: no such method)",
    )
