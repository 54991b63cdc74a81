"""Concurrent reads and writes: a read that began before a write never puts its old row back into the cache."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from cached_db import Database, DatabaseError, UnreachableError
from cached_db.runtime import cache
from cached_db.runtime.sql import Sql

from tests.runtime.cache.conftest import statements
from tests.runtime.cache.models import Config


@asynccontextmanager
async def held_back(controller: Any) -> AsyncIterator[tuple[asyncio.Event, asyncio.Event]]:
    """Delay the result of the next read after the database has returned it, until ``resume`` is set."""
    execution, came, go = controller._execution, asyncio.Event(), asyncio.Event()

    async def rows(statement: Sql) -> Any:
        del execution.rows
        rows_read = await execution.rows(statement)
        came.set()
        await go.wait()
        return rows_read

    execution.rows = rows
    yield came, go


Step = Callable[[Database], Awaitable[Any]]
RACES: dict[str, tuple[Step, Step]] = {
    "update": (lambda db: db.config.get_by_guild_id(1), lambda db: db.config.update_by_guild_id(1, prefix="?")),
    "delete": (lambda db: db.config.get_by_guild_id(1), lambda db: db.config.delete_by_guild_id(1)),
    "create": (
        lambda db: db.config.get_by_guild_id(2),
        lambda db: db.config.create(guild_id=2),
    ),
    "cascade": (lambda db: db.config.get_by_guild_id(1), lambda db: db.guild.delete_by_id(1)),
    "all": (lambda db: db.config.get_by_guild_id(1), lambda db: db.config.update_where(all_rows=True, prefix="?")),
    "renamed": (lambda db: db.member.get_by_lower_name("ada"), lambda db: db.member.update_by_id(1, name="Eve")),
    "moved": (lambda db: db.member.get_by_discord_id(10), lambda db: db.member.update_by_id(1, discord_id=11)),
    "moved here": (lambda db: db.member.get_by_discord_id(11), lambda db: db.member.update_by_id(1, discord_id=11)),
    "list": (lambda db: db.member.find_by_guild_id(1), lambda db: db.member.create(discord_id=5, name="x", guild_id=1)),
    "list left": (lambda db: db.member.find_by_guild_id(1), lambda db: db.member.update_by_id(1, guild_id=2)),
    "announced": (
        lambda db: db.config.get_by_guild_id(1),
        lambda db: _by_hand(db),
    ),
}


async def _by_hand(db: Database) -> None:
    async with db.engine.begin() as connection:
        await connection.execute(sa.text("UPDATE config SET prefix = '#'"))
    await db.config.invalidate(1)


def shown(result: Any) -> Any:
    return [row.model_dump() for row in result] if isinstance(result, list) else result and result.model_dump()


@pytest.mark.parametrize("transaction", [False, True])
@pytest.mark.parametrize("race", RACES)
async def test_read_before_a_write_does_not_cache_its_old_row(db: Database, race: str, transaction: bool) -> None:
    read, write = RACES[race]
    await db.config.create(guild_id=1)
    await db.member.create(discord_id=10, name="Ada", guild_id=1)
    controller = db.config if "config" in read.__code__.co_names else db.member
    async with held_back(controller) as (came, go):
        slow = asyncio.create_task(_shown(read, db))
        await came.wait()
        if transaction:
            async with db.transaction():
                await write(db)
        else:
            await write(db)
        own = await _shown(read, db)  # the writer sees its write while the old read is still in flight
        go.set()
        old = await slow
    assert own != old
    assert await _shown(read, db) == own
    with statements(db) as sent:
        assert await _shown(read, db) == own
    assert sent == []


async def _shown(read: Step, db: Database) -> Any:
    return shown(await read(db))


async def test_read_before_a_write_of_another_row_is_cached(db: Database) -> None:
    await db.config.create_many([{"guild_id": 1}, {"guild_id": 2}])
    async with held_back(db.config) as (came, go):
        slow = asyncio.create_task(db.config.get_by_guild_id(1))
        await came.wait()
        await db.config.update_by_guild_id(2, prefix="?")
        go.set()
        await slow
    with statements(db) as sent:
        await db.config.get_by_guild_id(1)
    assert sent == []


async def test_tasks_never_read_older_values_than_before(db: Database) -> None:
    """Each setting only grows, so a task must never read less than it has read or written before."""
    await db.config.create_many([{"guild_id": 1}, {"guild_id": 2}])
    names = [f"s{number}" for number in range(5)]
    await db.setting.create_many([{"guild_id": 1, "name": name} for name in names])
    settings, value = db.setting, db.setting.c.value

    async def work(seed: int) -> None:
        chance, least = random.Random(seed), dict.fromkeys(names, 0)
        for _ in range(40):
            name, action = chance.choice(names), chance.random()
            if action < 0.94:
                value_read = (await settings.get_one_by_guild_id_and_name(1, name)).value
            elif action < 0.97:
                value_read = (await settings.update_one_by_guild_id_and_name(1, name, value=value + 1)).value
            elif action < 0.985:
                async with db.transaction():
                    value_read = (await settings.update_one_by_guild_id_and_name(1, name, value=value + 1)).value
            else:
                await settings.update_where(settings.c.name == name, value=value + 1)
                value_read = (await settings.get_one_by_guild_id_and_name(1, name)).value
                assert value_read > least[name]
            assert value_read >= least[name]
            least[name] = value_read
            if chance.random() < 0.02:
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.0005):
                        await settings.get_one_by_guild_id_and_name(1, chance.choice(names))

    await asyncio.gather(*map(work, range(100)))
    for name in names:
        cached = await settings.get_one_by_guild_id_and_name(1, name)
        assert cached == await settings.uncached().get_one_by_guild_id_and_name(1, name)
    assert db.cache_info()["setting"].hits > 300


@asynccontextmanager
async def locked(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Lock every configuration row."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT * FROM config FOR UPDATE")
            yield connection
    finally:
        await connection.close()


async def waiting(url: str) -> None:
    """Wait until a backend waits for a lock."""
    connection = await asyncpg.connect(url)
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    while not await connection.fetchval(query):
        await asyncio.sleep(0.01)
    await connection.close()


async def settled(url: str) -> None:
    """Wait until no backend is active."""
    connection = await asyncpg.connect(url)
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' AND datname = current_database() "
        "AND pid <> pg_backend_pid()"
    )
    while await connection.fetchval(query):
        await asyncio.sleep(0.01)
    await connection.close()


async def test_write_after_a_lost_connection_is_visible(db: Database, url: str) -> None:
    await db.config.create(guild_id=1)
    await db.config.get_by_guild_id(1)
    async with locked(url):
        task = asyncio.create_task(db.config.update_by_guild_id(1, prefix="?"))
        await waiting(url)
        for connection in list(db.transactions.pools.current.used):
            connection.terminate()
        with pytest.raises(UnreachableError):
            await task
        assert (await db.config.get_one_by_guild_id(1)).prefix == "!", "the write is still pending"
    await settled(url)
    assert (await db.config.get_one_by_guild_id(1)).prefix == "?"


@pytest.mark.parametrize("cut_off", ["cancelled", "lost"])
async def test_commit_with_unknown_outcome_is_visible(db: Database, url: str, cut_off: str) -> None:
    await db.config.create(guild_id=1)
    async with db.engine.begin() as connection:
        for statement in (
            """CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END'""",
            """CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON config DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION slow()""",
        ):
            await connection.execute(sa.text(statement))
    try:
        assert (await db.config.get_one_by_guild_id(1)).prefix == "!"
        written = asyncio.Event()

        async def write() -> None:
            async with db.transaction():
                await db.config.update_by_guild_id(1, prefix="?")
                written.set()

        task = asyncio.create_task(write())
        await written.wait()
        await asyncio.sleep(0.05)  # the task has reached the COMMIT
        if cut_off == "cancelled":
            task.cancel()
        else:
            for lost in list(db.transactions.pools.current.used):
                lost.terminate()
        with pytest.raises((asyncio.CancelledError, DatabaseError)):
            await task
        await db.config.get_one_by_guild_id(1)
        await settled(url)
        read = await db.config.uncached().get_one_by_guild_id(1)
        assert read.prefix == ("?" if cut_off == "lost" else "!")
        assert await db.config.get_one_by_guild_id(1) == read
    finally:
        async with db.engine.begin() as connection:
            await connection.execute(sa.text("DROP FUNCTION slow CASCADE"))


async def test_model_in_doubt_is_cached_again_later(db: Database, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "IN_DOUBT", 0.3)
    await db.config.create(guild_id=1)
    await db.member.create(discord_id=10, name="Ada")
    await db.config.get_by_guild_id(1)
    await db.member.get_by_id(1)
    async with locked(url):
        task = asyncio.create_task(db.config.update_by_guild_id(1, prefix="?"))
        await waiting(url)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    with statements(db) as sent:
        for _ in range(2):
            await db.config.get_by_guild_id(1)
            await db.member.get_by_id(1)
    assert len(sent) == 2, "only the written model is affected"
    await asyncio.sleep(0.3)
    with statements(db) as sent:
        configs: list[Config | None] = [await db.config.get_by_guild_id(1) for _ in range(3)]
    assert len(sent) == 1
    assert all(configs)


async def test_interrupted_call_in_a_committed_transaction_is_visible(db: Database, url: str) -> None:
    await db.config.create(guild_id=1)
    await db.config.get_by_guild_id(1)
    with suppress(DatabaseError):
        async with db.transaction():
            with suppress(TimeoutError):
                async with asyncio.timeout(0):
                    await db.config.update_by_guild_id(1, prefix="?")
    await settled(url)
    assert await db.config.get_by_guild_id(1) == await db.config.uncached().get_by_guild_id(1)
