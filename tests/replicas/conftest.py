"""A real primary with a streaming standby, and the package ``guild_db`` over both."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from tests.conftest import make_tables
from tests.runtime import conftest as guild_package  # emits the package
from tests.runtime.models import Base
from tests.stress.servers import Node, Pair, binaries, started_pair

if TYPE_CHECKING:
    from guild_db import Database

__all__ = ["guild_package"]

LONG, SHORT = 60.0, 1.0
"""Values of ``max_staleness``: a standby whose replay is paused is used on, or is left out within a test."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs servers where there are no programs for them."""
    if binaries() is None:
        for item in items:
            if "tests/replicas" in item.path.as_posix():
                item.add_marker(pytest.mark.skip(reason="initdb, pg_basebackup and pg_ctl are not installed"))


@asynccontextmanager
async def filled_pair() -> AsyncIterator[Pair]:
    """Start two servers with the tables of ``guild_db`` and a guild."""
    from guild_db import Database

    async with started_pair() as pair:
        async with Database(pair.primary.url) as db:
            await make_tables(db.engine, Base.metadata)
            await db.guild.create(id=1, name="home")
        await caught_up(pair)
        yield pair


@pytest.fixture(scope="session")
async def servers() -> AsyncIterator[Pair]:
    """Two servers for all tests that leave them as they are."""
    async with filled_pair() as pair:
        yield pair


@pytest.fixture
async def pair(servers: Pair) -> AsyncIterator[Pair]:
    """The two servers with one guild, in step at the begin of a test."""
    yield servers
    await servers.standby.execute("SELECT pg_wal_replay_resume()")
    await servers.primary.execute(
        "DELETE FROM users", "DELETE FROM guild", "INSERT INTO guild (id, name) VALUES (1, 'home')"
    )
    await caught_up(servers)


@pytest.fixture
async def other(pair: Pair) -> AsyncIterator[Pair]:
    """The primary with a standby for one test, which may stop or promote it."""
    standby = Node(pair.standby.folder.parent / f"other-{uuid.uuid4().hex}")
    try:
        await asyncio.to_thread(standby.follow, pair.primary)
        await asyncio.to_thread(standby.start)
        yield Pair(pair.primary, standby)
    finally:
        await stopped_for_good(standby)


@pytest.fixture
async def db(pair: Pair) -> AsyncIterator[Database]:
    """A database whose replica is used, however far it lags behind."""
    from guild_db import Database

    async with Database(pair.primary.url, replicas=[pair.standby.url], max_staleness=LONG) as db:
        await usable(db)
        yield db


async def caught_up(pair: Pair) -> None:
    """Wait until the standby has replayed what the primary has committed."""
    position = await pair.primary.value("SELECT pg_current_wal_flush_lsn()::text")
    await pair.standby.until(f"SELECT pg_last_wal_replay_lsn() >= '{position}'")


async def paused(pair: Pair, *statements: str) -> None:
    """Have the standby lag behind the primary by these statements."""
    await caught_up(pair)
    await pair.standby.execute("SELECT pg_wal_replay_pause()")
    await pair.standby.until("SELECT pg_get_wal_replay_pause_state() = 'paused'")
    await pair.primary.execute(*statements)


async def stopped_for_good(node: Node) -> None:
    """Stop a server, if it runs."""
    if (node.folder / "postmaster.pid").exists():
        await asyncio.to_thread(node.stop, "immediate")


async def usable(db: Database, *, is_usable: bool = True, within: float = 10) -> None:
    """Wait until all replicas are used, or none."""
    begun = time.monotonic()
    while any(status.usable is not is_usable for status in db.replica_status()):
        assert time.monotonic() - begun < within, db.replica_status()
        await asyncio.sleep(0.01)


async def is_from_replica(db: Database) -> bool:
    """Whether a read of this task goes to a standby."""
    (answer,) = await db.guild.find_all().limit(1).values(sa.func.pg_is_in_recovery())
    return bool(answer)
