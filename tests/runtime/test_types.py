"""Types with limits, types of the author's own, and models that only the ORM can serve: one call and many agree."""

import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from runtime import AnyOf, BaseController, DatabaseService, InvalidValueError, Span
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql as pg
from sqlmodel import Field, Relationship, SQLModel

from tests.conftest import NewDatabase


class TypesBase(SQLModel):
    metadata: ClassVar[sa.MetaData] = sa.MetaData()  # type: ignore[misc]  # as SQLModel's guide has it


class Json(sa.TypeDecorator[Any]):
    impl = pg.JSONB
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        return {"was": "none"} if value is None else value


class Tags(sa.TypeDecorator[Any]):
    impl = sa.ARRAY(sa.Text)
    cache_ok = True


class Code(TypesBase, table=True):
    code: str = Field(sa_column=sa.Column(sa.String(5), primary_key=True))
    note: str | None = Field(default=None, sa_type=sa.String(3))  # type: ignore[call-overload]  # an instance will do
    price: Decimal | None = Field(default=None, sa_column=sa.Column(sa.Numeric(8, 2)))
    own: dict[str, str] | None = Field(default=None, sa_column=sa.Column(Json))
    tags: list[str] | None = Field(default=None, sa_column=sa.Column(Tags))
    words: list[str] | None = Field(default=None, sa_column=sa.Column(sa.ARRAY(sa.Text)))
    data: list[int] | None = Field(default=None, sa_column=sa.Column(pg.JSONB))
    stamp: str | None = Field(default=None, sa_column=sa.Column(sa.Text, onupdate=lambda: uuid.uuid4().hex))


class Group(TypesBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    members: list["Member"] = Relationship()
    chosen: list["Member"] = Relationship(
        sa_relationship_kwargs={
            "primaryjoin": "and_(Group.id == Member.group_id, Member.a == Member.b)",
            "viewonly": True,
        }
    )


class Member(TypesBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    group_id: int | None = Field(default=None, foreign_key="group.id")
    a: int = 0
    b: int = 0


Member.group_name = orm.column_property(  # type: ignore[attr-defined]  # mapped afterwards
    sa.select(Group.name)  # type: ignore[call-overload]  # a column
    .where(Group.__table__.c.id == Member.__table__.c.group_id)  # type: ignore[attr-defined]  # SQLModel hides it
    .correlate_except(Group.__table__)  # type: ignore[attr-defined]  # SQLModel hides it
    .scalar_subquery()
)


class Codes(BaseController[Any, Any, Any, Any]):
    model = Code


class Groups(BaseController[Any, Any, Any, Any]):
    model = Group


class Members(BaseController[Any, Any, Any, Any]):
    model = Member


@pytest.fixture(scope="module")
async def service(new_database: NewDatabase) -> AsyncIterator[DatabaseService]:
    async with new_database() as url, DatabaseService(url) as service:
        async with service.engine.begin() as connection:
            await connection.run_sync(TypesBase.metadata.create_all)
        yield service


@pytest.fixture
async def codes(service: DatabaseService) -> AsyncIterator[Codes]:
    codes = Codes(service)
    yield codes
    await codes.delete_where(all_rows=True)


async def test_no_array_cuts_what_is_too_long(codes: Codes) -> None:
    await codes.create_many([{"code": "abcde", "price": Decimal("1.00")}])
    assert await codes._find({"code": AnyOf(["abcdefgh"])}, {}) == []
    assert await codes._find({"price": AnyOf([Decimal("1.004")])}, {}) == []
    assert await codes.delete_many(["abcdeZZZ"]) == 0
    for rows in ([{"code": "x", "note": "toolong"}], [{"code": "toolongtoo"}]):
        with pytest.raises(InvalidValueError):
            await codes.create_many(rows)
        with pytest.raises(InvalidValueError):
            await codes.upsert_many(rows)
    with pytest.raises(InvalidValueError):
        await codes.update_many([{"code": "abcde", "note": "toolong"}])


async def test_none_is_null_in_one_call_and_in_many(codes: Codes) -> None:
    await codes._create({"code": "a", "own": None})
    await codes.create_many([{"code": "b", "own": None}, {"code": "c", "own": {"x": "y"}}])
    await codes.update_many([{"code": "c", "own": None}])
    assert await codes._find({"own": None}, {}).count() == 3


async def test_lists_are_values_where_columns_hold_them(codes: Codes) -> None:
    await codes.create_many([{"code": "a", "tags": ["x"], "words": ["y"], "data": [1, 2]}, {"code": "b"}])
    for key, value in {"tags": ["x"], "words": ["y"], "data": [1, 2]}.items():
        assert len(await codes._find({key: value}, {})) == 1, key
        assert len(await codes._find({key: AnyOf([value, value])}, {})) == 1, key


async def test_onupdate_is_called_for_each_row(codes: Codes) -> None:
    await codes.create_many([{"code": "a"}, {"code": "b"}])
    await codes.update_many([{"code": "a", "note": "n"}, {"code": "b", "note": "n"}])
    assert len({code.stamp for code in await codes._find({}, {})}) == 2
    rows = await codes.upsert_many([{"code": "a", "note": "m"}, {"code": "b", "note": "m"}])
    assert len({row.stamp for row in rows}) == 2


async def test_update_many_of_nothing_counts_what_is_there(codes: Codes) -> None:
    await codes.create_many([{"code": "a"}])
    assert await codes.update_many([{"code": "a"}, {"code": "z"}]) == 1


async def test_joins_of_more_than_their_pairs_are_kept_whole(service: DatabaseService) -> None:
    groups, members = Groups(service), Members(service)
    group = await groups._create({"name": "one"})
    await members.create_many([{"group_id": group.id, "a": 1, "b": 1}, {"group_id": group.id, "a": 1, "b": 2}])
    loaded = await groups._get({"id": group.id}, ["members", "chosen"])
    assert len(loaded.members) == 2
    assert [member.b for member in loaded.chosen] == [1]


async def test_column_properties_are_there_after_every_write(service: DatabaseService) -> None:
    groups, members = Groups(service), Members(service)
    one, two = await groups.create_many([{"name": "one"}, {"name": "two"}])
    made = await members.create_many([{"group_id": one.id}, {"group_id": None}, {"group_id": two.id}])
    assert [member.group_name for member in made] == ["one", None, "two"]
    assert (await members._create({"group_id": two.id})).group_name == "two"
    moved = await members._update({"id": made[0].id}, {"group_id": two.id})
    assert moved.group_name == "two"


async def test_streams_of_the_orm_go_on_beyond_a_batch(service: DatabaseService) -> None:
    members = Members(service)
    await members.create_many([{"a": 7} for _ in range(1100)])
    count = 0
    async for member in members._find({"a": Span(ge=7)}, {}):
        assert sa.inspect(member).detached
        count += 1
    assert count == 1100
