"""Columns that are more than a value: SQL of their own, limits inside of lists, keys that may be NULL or are none."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

import asyncpg
import pytest
import sqlalchemy as sa
from pydantic import ConfigDict, ValidationInfo, field_validator
from runtime import AnyOf, BaseController, DatabaseService, InvalidValueError, Span, ValidationError
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql as pg
from sqlmodel import Field, Relationship, SQLModel

from tests.conftest import NewDatabase


class OddBase(SQLModel):
    metadata: ClassVar[sa.MetaData] = sa.MetaData()  # type: ignore[misc]  # as SQLModel's guide has it


class Sealed(sa.TypeDecorator[str]):
    """Stores what PostgreSQL makes of a value, as the recipe for pgcrypto does."""

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
    """A type with a constructor of its own."""

    def __init__(self) -> None:
        super().__init__(5)


class Limited(OddBase, table=True):
    """Types with limits, each holding one value and compared with another that a limit would make of it."""

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
    """A table whose key only the mapper knows, as of a view."""

    id: int = Field(sa_column=sa.Column("id", sa.Integer, nullable=False, primary_key=False))
    n: int

    @orm.declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"primary_key": [cls.__table__.c.id]}  # type: ignore[attr-defined]


class OddController(BaseController[Odd, Any, Any, Any]):
    model = Odd


class RangeController(BaseController[Range, Any, Any, Any]):
    model = Range


class LimitedController(BaseController[Limited, Any, Any, Any]):
    model = Limited


class ParentController(BaseController[Parent, Any, Any, Any]):
    model = Parent


class ChildController(BaseController[Child, Any, Any, Any]):
    model = Child


class PairController(BaseController[Pair, Any, Any, Any]):
    model = Pair


class ViewController(BaseController[View, Any, Any, Any]):
    model = View


@pytest.fixture
async def db(new_database: NewDatabase) -> AsyncIterator[DatabaseService]:
    async with new_database() as url, DatabaseService(url) as db:
        async with db.engine.begin() as connection:
            await connection.run_sync(OddBase.metadata.create_all)
        yield db


@pytest.fixture
def odd(db: DatabaseService) -> OddController:
    return OddController(db)


async def test_what_sql_makes_of_a_value_is_made_by_every_write(odd: OddController) -> None:
    created = await odd._create({"secret": "s"})
    (many,) = await odd.create_many([{"secret": "s"}])
    (upserted,) = await odd.upsert_many([{"id": created.id, "secret": "s"}])
    await odd.update_many([{"id": many.id, "secret": "t"}])
    updated = await odd._get({"id": many.id})
    assert [one.secret for one in (created, many, upserted)] == ["sealed:s"] * 3
    assert updated is not None
    assert updated.secret == "sealed:t"
    assert await odd._find({"secret": AnyOf(["s", "t"])}, {}).count() == 2


async def test_items_of_a_list_are_not_cut_to_their_limit(odd: OddController) -> None:
    created = await odd._create({"words": ["short"]})
    for call in (
        odd._create({"words": ["too long"]}),
        odd._update({"id": created.id}, {"words": ["too long"]}),
        odd.create_many([{"words": ["too long"]}]),
        odd._upsert(("id",), {"id": 7, "words": ["too long"]}),
    ):
        with pytest.raises(InvalidValueError):
            await call
    assert await odd._find({"words": ["short"]}, {}).count() == 1


async def test_bits_keep_their_length(odd: OddController) -> None:
    bits = asyncpg.BitString("10110011")
    await odd._create({"bits": bits})
    await odd.create_many([{"bits": bits}])
    assert await odd._find({"bits": AnyOf([bits])}, {}).count() == 2


async def test_a_filter_does_not_round_to_the_scale_of_the_column(odd: OddController) -> None:
    await odd._create({"price": Decimal("1.00")})
    near = Decimal("1.004")
    filters: list[Any] = [near, AnyOf([near]), Span(ge=near), Span(lt=near)]
    assert [await odd._find({"price": one}, {}).count() for one in filters] == [0, 0, 0, 1]


async def test_the_sum_of_no_rows_is_zero_for_a_type_of_the_authors_own(odd: OddController) -> None:
    assert await odd._find({}, {}).sum(Odd.points) == 0  # type: ignore[arg-type]
    await odd.create_many([{"points": 2}, {"points": 3}])
    assert await odd._find({}, {}).sum(Odd.points) == 5  # type: ignore[arg-type]


async def test_a_key_of_none_is_nobodys_in_an_upsert_of_many(odd: OddController) -> None:
    made = await odd.upsert_many([{"picky": "x"}, {"picky": "y"}, {"picky": "z"}])
    assert [one.picky for one in made] == ["x", "y", "z"]
    nameless = await odd.upsert_many([{"email": None, "picky": "p"}, {"email": None, "picky": "q"}], key=["email"])
    assert [one.picky for one in nameless] == ["p", "q"]
    assert await odd._find({}, {}).count() == 5


async def test_onupdate_functions_see_what_is_set(odd: OddController) -> None:
    created = await odd._create({"picky": "x"})
    updated = await odd._update({"id": created.id}, {"picky": "y"})
    assert updated is not None
    assert "picky" in (updated.changed or "")
    upserted = await odd._upsert(("id",), {"id": created.id, "points": 3})
    assert "points" in (upserted.changed or "")
    await odd.update_many([{"id": created.id, "points": 4}])
    (many,) = await odd.upsert_many([{"id": created.id, "email": "e"}])
    assert "email" in (many.changed or "")


async def test_a_converter_that_refuses_says_so_alike_each_time(odd: OddController) -> None:
    for _ in range(3):
        with pytest.raises(InvalidValueError) as caught:
            await odd._find({"picky": "hunter2"}, {})
        assert "hunter2" not in str(caught.value)
        assert await odd._find({"picky": "x"}, {}) == []


@pytest.mark.parametrize("unfit", [object(), b"\xff", {"deep": object()}])
async def test_what_json_can_not_hold_is_refused_before_any_sql(odd: OddController, unfit: object) -> None:
    for call in (odd._create({"data": {"x": unfit}}), odd.create_many([{"data": {"x": unfit}}])):
        with pytest.raises(ValidationError, match="data can not be stored as JSON"):
            await call


async def test_of_many_rows_the_number_of_the_wrong_one_is_told(odd: OddController) -> None:
    with pytest.raises(ValidationError, match="Odd, row 1: pickky is unknown; did you mean picky") as caught:
        await odd.create_many([{"picky": "x"}, {"pickky": "y"}])
    assert caught.value.row == 1


async def test_fields_are_checked_in_their_order_under_the_models_configuration(db: DatabaseService) -> None:
    ranges = RangeController(db)
    created = await ranges._create({"name": "  abc "})
    assert created.name == "abc"
    with pytest.raises(ValidationError, match="start: Input should be a valid integer"):
        await ranges._create({"start": "5"})
    for order in ({"start": 5, "stop": 1}, {"stop": 1, "start": 5}):
        with pytest.raises(ValidationError, match="stop is refused by its validator"):
            await ranges._update({"id": created.id}, order)


async def test_objects_that_only_the_orm_reads_are_made_in_any_number(db: DatabaseService) -> None:
    made = await PairController(db).create_many([{"a": n, "b": n, "x": n} for n in range(12_000)])
    assert [one.twice for one in made] == [2 * n for n in range(12_000)]  # type: ignore[attr-defined]


async def test_a_key_that_only_the_mapper_has_tells_rows_apart(db: DatabaseService) -> None:
    view = ViewController(db)
    await view.create_many([{"id": n, "n": 0} for n in (1, 2, 3)])
    assert await view.update_many([{"id": 1, "n": 9}]) == 1
    assert [one.n for one in await view._find({}, {})] == [9, 0, 0]
    assert await view.delete_many([1, 2]) == 2


LIMITED: dict[str, tuple[Any, Any]] = {
    "text": ("abcde", "abcdeXYZ"),
    "exact": ("abcde", "abcdeXYZ"),
    "padded": ("ab", "abcdeXYZ"),
    "national": ("ab", "abcdeXYZ"),
    "small": (0.1, 0.2),
    "real": (0.1, 0.2),
    "took": (timedelta(seconds=1), timedelta(seconds=1.3)),
    "bits": (asyncpg.BitString("101"), asyncpg.BitString("1011")),
    "words": (["abcde"], ["abcdeXYZ"]),
}


@pytest.mark.parametrize("name", LIMITED)
async def test_a_value_is_found_by_itself_and_by_nothing_a_limit_would_make_it(db: DatabaseService, name: str) -> None:
    limited, (right, wrong) = LimitedController(db), LIMITED[name]
    await limited._create({})
    await limited.create_many([{}, {name: right}])
    await limited.update_many([{"id": 1, name: right}])
    for _ in range(3):  # a type is looked at again with every statement
        for filters in ({name: right}, {name: AnyOf([right])}):
            assert await limited._find(filters, {}).count() == 3
        for filters in ({name: wrong}, {name: AnyOf([wrong])}):
            assert await limited._find(filters, {}).count() == 0


@pytest.mark.parametrize("name", ["padded", "small", "bits"])
async def test_a_type_with_limits_keeps_its_index(db: DatabaseService, name: str) -> None:
    limited, plans = LimitedController(db), list[str]()
    await limited._create({})
    async with db.transaction() as session:
        await session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        found = limited._find({name: LIMITED[name][0]}, {})
        text = found._statement().compile(dialect=db.engine.dialect)
        driver: Any = (await (await session.connection()).get_raw_connection()).driver_connection
        plans = [row[0] for row in await driver.fetch(f"EXPLAIN {text}", LIMITED[name][0])]
    assert f"ix_limited_{name}" in "\n".join(plans)


async def test_keys_of_padded_texts_lead_to_their_rows(db: DatabaseService) -> None:
    parents, children = ParentController(db), ChildController(db)
    await parents._create({"id": "ab"})
    await children._create({"parent_id": "ab"})
    (parent,) = await parents._find({}, {}).load("children")
    (child,) = await children._find({}, {}).load("parent")
    assert (len(parent.children), child.parent.id) == (1, parent.id)
    assert await parents.update_many([{"id": parent.id, "n": 5}]) == 1
    await children._find({}, {}).delete(all_rows=True)
    assert await parents.delete_many([parent.id]) == 1
