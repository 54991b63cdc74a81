"""Cached reads: the number of statements, the objects, and how long rows are kept."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from datetime import UTC, timedelta, timezone
from datetime import time as clock
from typing import Any, ClassVar
from uuid import UUID

import pytest
import sqlalchemy as sa
from cached_db import AnyOf, Database, NotFoundError, TransactionError, UnloadedError
from cached_db.runtime.cache import Limits, ModelCache

from tests.runtime.cache.conftest import statements
from tests.runtime.cache.models import Config, Member, Tag


async def test_row_is_read_once(db: Database) -> None:
    await db.config.create(guild_id=1, prefix="?")
    with statements(db) as sent:
        assert [(await db.config.get_one_by_guild_id(1)).prefix for _ in range(3)] == ["?", "?", "?"]
    assert len(sent) == 1
    info = db.cache_info()["config"]
    assert (info.hits, info.misses, info.size, info.limit) == (2, 1, 1, 100)
    assert info.hit_rate == 2 / 3
    assert db.cache_info()["member"].hit_rate == 0


async def test_missing_row_is_cached(db: Database) -> None:
    with statements(db) as sent:
        for _ in range(3):
            assert await db.config.get_by_guild_id(1) is None
            with pytest.raises(NotFoundError):
                await db.config.get_one_by_guild_id(1)
    assert len(sent) == 1


async def test_each_caller_gets_its_own_object(db: Database) -> None:
    await db.config.create(guild_id=1, words=["a"], data={"a": [1]})
    for _ in range(2):  # from the database, then from memory
        config = await db.config.get_one_by_guild_id(1)
        assert (config.words, config.data) == (["a"], {"a": [1]})
        config.prefix, config.data["a"][0], config.data["b"] = "changed", 2, 3
        config.words.append("b")
    first, second = await asyncio.gather(*(db.config.get_one_by_guild_id(1) for _ in range(2)))
    assert first is not second
    assert (first.prefix, first.words, first.data) == ("!", ["a"], {"a": [1]})


async def test_concurrent_misses_do_not_share_objects(db: Database) -> None:
    await db.config.create(guild_id=1, words=["a"])
    configs = await asyncio.gather(*(db.config.get_one_by_guild_id(1) for _ in range(5)))
    configs[0].words.append("b")
    assert [config.words for config in configs[1:]] == [["a"]] * 4


async def test_cached_object_equals_one_from_the_database(db: Database) -> None:
    await db.member.create(discord_id=10, name="Ada")
    await db.member.get_by_id(1)
    cached = await db.member.get_one_by_id(1)
    read = await db.member.uncached().get_one_by_id(1)
    assert cached == read
    state: Any = sa.inspect(cached)
    assert state.detached
    assert state.key == sa.inspect(read).key  # type: ignore[union-attr]  # it is mapped
    with pytest.raises(UnloadedError):
        _ = cached.tags
    async with db.session() as session:
        merged = await session.merge(cached)
        assert merged.name == "Ada"


async def test_relationships_are_loaded_and_not_cached(db: Database) -> None:
    await db.member.create(discord_id=10, name="Ada", guild_id=1)
    await db.tag.create_many([{"name": "red"}, {"name": "blue"}])
    await db.member.add_tags([Member(id=1)], [Tag(id=1)])
    assert [tag.name for tag in (await db.member.get_one_by_id(1, load=["tags"])).tags] == ["red"]
    await db.tag.update_by_id(1, name="pink")
    await db.member.find_by_guild_id(1)
    with statements(db) as sent:
        assert [tag.name for tag in (await db.member.get_one_by_id(1, load=["tags"])).tags] == ["pink"]
        (member,) = await db.member.find_by_guild_id(1).load("tags")
        assert [tag.name for tag in member.tags] == ["pink"]
    assert len(sent) == 2, "one statement for each relationship, none for the row"
    with pytest.raises(UnloadedError):
        _ = (await db.member.get_one_by_id(1)).tags


async def test_concurrent_misses_send_one_statement(db: Database) -> None:
    await db.config.create(guild_id=1)
    with statements(db) as sent:
        configs = await asyncio.gather(*(db.config.get_by_guild_id(1) for _ in range(100)))
    assert len(sent) == 1
    assert all(isinstance(config, Config) for config in configs)
    assert db.pool_status()["in_use"] == 0


async def test_reader_for_others_can_be_cancelled(db: Database) -> None:
    await db.config.create(guild_id=1)
    with statements(db) as sent:
        leader, *others = [asyncio.create_task(db.config.get_by_guild_id(1)) for _ in range(4)]
        await asyncio.sleep(0)
        leader.cancel()
        others[0].cancel()
        assert [one is not None for one in await asyncio.gather(*others[1:])] == [True, True]
        with pytest.raises(asyncio.CancelledError):
            await leader
        assert await db.config.get_by_guild_id(1) is not None
    assert len(sent) == 1


async def test_read_of_cancelled_callers_is_cached(db: Database) -> None:
    await db.config.create(guild_id=1)
    with statements(db) as sent:
        task = asyncio.create_task(db.config.get_by_guild_id(1))
        await asyncio.sleep(0)
        task.cancel()
        while not db.cache_info()["config"].size:
            await asyncio.sleep(0.001)
        assert await db.config.get_by_guild_id(1) is not None
    assert len(sent) == 1


async def test_error_reaches_waiting_tasks_and_is_not_cached(db: Database) -> None:
    await db.config.create(guild_id=1)
    async with db.engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE config RENAME COLUMN prefix TO lost"))
    try:
        outcomes = await asyncio.gather(*(db.config.get_by_guild_id(1) for _ in range(3)), return_exceptions=True)
        assert all(isinstance(one, Exception) for one in outcomes)
        unheard = asyncio.create_task(db.config.get_by_guild_id(1))
        await asyncio.sleep(0)
        unheard.cancel()
        await asyncio.sleep(0.05)
    finally:
        async with db.engine.begin() as connection:
            await connection.execute(sa.text("ALTER TABLE config RENAME COLUMN lost TO prefix"))
    gc.collect()
    assert await db.config.get_by_guild_id(1) is not None


async def test_task_of_a_foreign_transaction_is_refused_even_for_a_cached_row(db: Database) -> None:
    await db.config.get_by_guild_id(1)
    async with db.transaction():
        with pytest.raises(TransactionError):
            await asyncio.create_task(db.config.get_by_guild_id(1))


async def test_invalid_key_raises_the_same_errors_as_without_a_cache(db: Database) -> None:
    wrong: list[Any] = [[1], AnyOf([1]), "x"]
    for key in wrong:
        errors = [
            await asyncio.gather(members.get_by_id(key), return_exceptions=True)
            for members in (db.member, db.member.uncached())
        ]
        assert repr(errors[0]) == repr(errors[1])
        assert isinstance(errors[0][0], Exception)
    assert db.cache_info()["member"].size == 0


async def test_rows_expire_after_the_ttl(url: str, db: Database) -> None:
    class Brief(Database):
        _limits: ClassVar = {**Database._limits, "config": Limits(ttl=0.2, size=10)}

    async with Brief(url) as brief:
        await db.config.create(guild_id=1)
        assert (await brief.config.get_one_by_guild_id(1)).prefix == "!"
        await db.config.update_by_guild_id(1, prefix="?")  # as another process would
        assert (await brief.config.get_one_by_guild_id(1)).prefix == "!"
        time.sleep(0.25)
        assert (await brief.config.get_one_by_guild_id(1)).prefix == "?"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no clock that goes on")
async def test_ttl_includes_the_time_of_a_suspended_machine(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await db.config.create(guild_id=1)
    await db.config.get_one_by_guild_id(1)
    clock_gettime = time.clock_gettime
    monkeypatch.setattr(
        time, "clock_gettime", lambda clock: clock_gettime(clock) + 301 * (clock == time.CLOCK_BOOTTIME)
    )
    await db.config.get_one_by_guild_id(1)
    assert db.cache_info()["config"].hits == 0


async def test_least_recently_used_row_is_evicted(db: Database) -> None:
    for name in ("a", "b", "c"):
        await db.place.get_by_name(name)
    await db.place.get_by_name("a")
    await db.place.get_by_name("d")  # evicts b, the least recently used row
    assert db.cache_info()["place"].size == 3
    with statements(db) as sent:
        for name in ("a", "c", "d"):
            await db.place.get_by_name(name)
    assert sent == []
    with statements(db) as sent:
        await db.place.get_by_name("b")
    assert len(sent) == 1


async def test_list_counts_as_its_number_of_rows(db: Database) -> None:
    await db.note.create_many([{"text": "x"} for _ in range(60)])
    assert len(await db.note.find_by_parent_id(None)) == 60
    assert db.cache_info()["note"].size == 60
    await db.note.create_many([{"text": "x"} for _ in range(60)])
    for _ in range(2):
        assert len(await db.note.find_by_parent_id(None)) == 120, "a list that exceeds the cache is read each time"
    assert db.cache_info()["note"].size == 0


def test_expired_entries_leave_no_tags() -> None:
    async def fill() -> None:
        cache = ModelCache(Limits(ttl=0.1, size=5))

        async def read() -> list[tuple[int]]:
            return [(1,)]

        for number in range(50):
            await cache.fetch((("id",), (number,)), read, lambda _, number=number: [number, "all"])
        store = cache._store
        assert len(store.tagged) == 6
        time.sleep(0.15)
        assert cache.info.size == 0
        assert store.tagged == {}
        assert not cache._flights
        assert not cache._joinable

    asyncio.run(fill())


def test_caches_work_in_several_event_loops(url: str) -> None:
    db = Database(url)

    async def use() -> tuple[int, int]:
        with statements(db) as sent:
            await asyncio.gather(*(db.config.get_by_guild_id(2) for _ in range(10)))
        status = len(sent), db.cache_info()["config"].size
        await db.transactions.pools.dispose()
        return status

    assert asyncio.run(use()) == (1, 1)
    assert asyncio.run(use()) == (0, 1)
    asyncio.run(db.dispose())
    assert asyncio.run(use()) == (1, 1)


class Reference:
    """An object that asyncpg accepts as an integer. Two instances with the same number are not equal."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __index__(self) -> int:
        return self.number


async def test_other_key_types_of_the_driver_can_be_written_and_invalidated(db: Database) -> None:
    token, discord_id = UUID(int=7), Reference(10)
    members: Any = db.member
    assert await members.get_by_token(str(token)) is None
    assert await members.get_by_discord_id(discord_id) is None
    await members.create(discord_id=10, name="Ada", token=token)
    assert (await members.get_by_token(str(token))).name == "Ada"
    assert (await members.get_by_discord_id(discord_id)).name == "Ada"
    assert await members.get_by_id(1)
    async with db.engine.begin() as connection:
        await connection.execute(sa.text("UPDATE member SET name = 'Eve'"))
    await members.invalidate(Reference(1))
    assert (await members.get_by_id(1)).name == "Eve"
    discord_id.number = 11
    assert await members.get_by_discord_id(discord_id) is None, "the key has changed"
    assert repr((await asyncio.gather(members.get_by_token("x"), return_exceptions=True))[0]) == repr(
        (await asyncio.gather(members.uncached().get_by_token("x"), return_exceptions=True))[0]
    )


async def test_keys_equal_only_in_python_are_different_keys(db: Database) -> None:
    utc, paris = clock(10, tzinfo=UTC), clock(11, tzinfo=timezone(timedelta(hours=1)))
    await db.room.create(id=1, code="a")
    await db.door.create_many([{"id": 1, "opens": utc, "label": 1}, {"id": 2, "opens": paris, "label": True}])
    for _ in range(2):
        assert [(await db.door.get_one_by_opens(moment)).id for moment in (utc, paris)] == [1, 2]
        assert [(await db.door.get_one_by_label(label)).id for label in (1, True)] == [1, 2]
