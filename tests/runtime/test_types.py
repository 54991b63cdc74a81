"""Types with limits, custom types, and ORM-only models: single calls and bulk calls agree."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from guild_db import AnyOf, CodeController, Database, InvalidValueError, Span

from tests.conftest import NewDatabase, make_tables
from tests.runtime.type_models import TypesBase


@pytest.fixture(scope="module")
async def db(new_database: NewDatabase) -> AsyncIterator[Database]:
    async with new_database() as url, Database(url) as db:
        await make_tables(db.engine, TypesBase.metadata)
        yield db


@pytest.fixture
async def codes(db: Database) -> AsyncIterator[CodeController]:
    yield db.code
    await db.code.delete_where(all_rows=True)


async def test_arrays_do_not_truncate_long_values(codes: CodeController) -> None:
    await codes.create_many([{"code": "abcde", "price": Decimal("1.00")}])
    assert await codes.find_all(code=AnyOf(["abcdefgh"])) == []
    assert await codes.find_all(price=AnyOf([Decimal("1.004")])) == []
    assert await codes.delete_many(["abcdeZZZ"]) == 0
    wrong: list[Any] = [[{"code": "x", "note": "toolong"}], [{"code": "toolongtoo"}]]
    for rows in wrong:
        with pytest.raises(InvalidValueError):
            await codes.create_many(rows)
        with pytest.raises(InvalidValueError):
            await codes.upsert_many(rows)
    with pytest.raises(InvalidValueError):
        await codes.bulk_update([{"code": "abcde", "note": "toolong"}])


async def test_none_is_null_in_single_and_bulk_calls(codes: CodeController) -> None:
    await codes.create(code="a", own=None)
    await codes.create_many([{"code": "b", "own": None}, {"code": "c", "own": {"x": "y"}}])
    await codes.bulk_update([{"code": "c", "own": None}])
    assert await codes.find_all(own=None).count() == 3


async def test_list_is_a_value_of_an_array_column(codes: CodeController) -> None:
    await codes.create_many([{"code": "a", "tags": ["x"], "words": ["y"], "data": [1, 2]}, {"code": "b"}])
    find: Any = codes.find_all
    for key, value in {"tags": ["x"], "words": ["y"], "data": [1, 2]}.items():
        assert len(await find(**{key: value})) == 1, key
        assert len(await find(**{key: AnyOf([value, value])})) == 1, key


async def test_onupdate_is_called_for_each_row(codes: CodeController) -> None:
    await codes.create_many([{"code": "a"}, {"code": "b"}])
    await codes.bulk_update([{"code": "a", "note": "n"}, {"code": "b", "note": "n"}])
    assert len({code.stamp for code in await codes.find_all()}) == 2
    rows = await codes.upsert_many([{"code": "a", "note": "m"}, {"code": "b", "note": "m"}])
    assert len({row.stamp for row in rows}) == 2
    before = {row.stamp for row in rows}
    assert (await codes.upsert_by_code(code="a", note="l")).stamp not in before


async def test_update_many_without_changes_counts_existing_rows(codes: CodeController) -> None:
    await codes.create_many([{"code": "a"}])
    assert await codes.bulk_update([{"code": "a"}, {"code": "z"}]) == 1


async def test_joins_with_extra_conditions_are_respected(db: Database) -> None:
    group = await db.group.create(name="one")
    await db.member.create_many([{"group_id": group.id, "a": 1, "b": 1}, {"group_id": group.id, "a": 1, "b": 2}])
    loaded = await db.group.get_one_by_id(group.id or 0, load=["members", "chosen"])
    assert len(loaded.members) == 2
    assert [member.b for member in loaded.chosen] == [1]


async def test_column_properties_are_read_after_every_write(db: Database) -> None:
    members: Any = db.member
    one, two = await db.group.create_many([{"name": "one"}, {"name": "two"}])
    created = await members.create_many([{"group_id": one.id}, {"group_id": None}, {"group_id": two.id}])
    assert [member.group_name for member in created] == ["one", None, "two"]
    assert (await members.create(group_id=two.id)).group_name == "two"
    moved = await members.update_by_id(created[0].id, group_id=two.id)
    assert moved.group_name == "two"


async def test_orm_streams_continue_beyond_a_batch(db: Database) -> None:
    await db.member.create_many([{"a": 7} for _ in range(1100)])
    count = 0
    async for member in db.member.find_all(a=Span(ge=7)):
        assert sa.inspect(member).detached
        count += 1
    assert count == 1100
