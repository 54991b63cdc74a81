"""Connections that are half open, too old, without a transaction after BEGIN, or owned by another process."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from generated import Database, DatabaseError, TimedOutError, UnreachableError
from generated.user import UserCreate
from models import User
from tests.scenarios.conftest import GUILD
from tests.stress.servers import Proxy

_log = logging.getLogger(__name__)

Call: TypeAlias = Callable[[Database, Callable[[], object]], Coroutine[Any, Any, None]]
Begin: TypeAlias = Callable[[Database], Coroutine[Any, Any, None]]

TIMEOUT = 0.5


@pytest.fixture
async def proxy(reference_url: str, users: list[User]) -> AsyncIterator[Proxy]:
    """A proxy in front of the reference database, which has three users."""
    proxy = Proxy(reference_url)
    await proxy.start()
    yield proxy
    await proxy.close()


@pytest.fixture
async def single(proxy: Proxy) -> AsyncIterator[Database]:
    """A database with one connection through the proxy, which is open when the test begins."""
    async with Database(proxy.url, pool_size=1, max_overflow=0, command_timeout=TIMEOUT) as single:
        yield single
        await proxy.close()  # so that nothing waits for an answer that cannot come


def row(n: int) -> UserCreate:
    return {"discord_id": n, "guild_id": GUILD, "username": f"u{n}"}


async def backend(db: Database) -> int:
    """Return the backend that serves the next call."""
    async with db.session() as session:
        return int(str(await session.scalar(sa.text("SELECT pg_backend_pid()"))))


async def get(db: Database, _: Callable[[], object]) -> None:
    await db.user.get_by_discord_id(1)


async def create(db: Database, _: Callable[[], object]) -> None:
    await db.user.create(**row(50))


async def bulk(db: Database, _: Callable[[], object]) -> None:
    await db.user.create_many(map(row, range(50, 60)))


async def stream(db: Database, _: Callable[[], object]) -> None:
    assert [user async for user in db.user.find_all()]


async def block(db: Database, _: Callable[[], object]) -> None:
    async with db.transaction():
        await db.user.create(**row(50))


async def session(db: Database, _: Callable[[], object]) -> None:
    async with db.session() as session:
        await db.user.using(session).create(**row(50))


async def ping(db: Database, _: Callable[[], object]) -> None:
    await db.ping()


async def run(db: Database, _: Callable[[], object]) -> None:
    await db.run(lambda _: db.user.create(**row(50)))


async def in_a_block(db: Database, freeze: Callable[[], object]) -> None:
    async with db.transaction():
        await db.user.create(**row(50))
        freeze()
        await db.user.create(**row(51))


async def in_a_savepoint(db: Database, freeze: Callable[[], object]) -> None:
    async with db.transaction():
        await db.user.create(**row(50))
        async with db.transaction():
            freeze()
            await db.user.create(**row(51))


async def in_a_session(db: Database, freeze: Callable[[], object]) -> None:
    async with db.session() as session:
        await db.user.using(session).create(**row(50))
        freeze()
        await db.user.using(session).create(**row(51))


async def in_a_stream(db: Database, freeze: Callable[[], object]) -> None:
    async for _ in db.user.find_all():
        freeze()


async def at_the_commit(db: Database, freeze: Callable[[], object]) -> None:
    async with db.transaction():
        await db.user.create(**row(50))
        freeze()


async def at_the_commit_of_a_session(db: Database, freeze: Callable[[], object]) -> None:
    async with db.session() as session:
        await db.user.using(session).create(**row(50))
        freeze()


AT_REST = (get, create, bulk, stream, block, session, ping, run)
WITHIN = (in_a_block, in_a_savepoint, in_a_session, in_a_stream, at_the_commit, at_the_commit_of_a_session)


@pytest.mark.parametrize("call", [*AT_REST, *WITHIN])
async def test_call_on_a_half_open_connection_times_out_and_the_next_works(
    single: Database, proxy: Proxy, call: Call
) -> None:
    await call(single, lambda: None)  # so that everything is prepared
    await single.user.delete_where(single.user.c.discord_id >= 50)
    if call not in WITHIN:
        proxy.freeze()
    began = time.monotonic()
    with pytest.raises(TimedOutError):
        await call(single, proxy.freeze)
    took = time.monotonic() - began
    assert await single.user.count() == 3
    recovered = time.monotonic() - began - took
    _log.info("%s: ended in %.2f s, the next call took %.0f ms", call.__name__, took, recovered * 1000)
    assert took < 3 * TIMEOUT
    assert recovered < TIMEOUT
    assert single.pool_status() == {"idle": 1, "in_use": 0, "overflow": 0}


async def test_all_half_open_connections_are_replaced(proxy: Proxy) -> None:
    async with Database(proxy.url, pool_size=5, command_timeout=TIMEOUT) as db:
        await asyncio.gather(*(db.user.count() for _ in range(5)))
        proxy.freeze()
        began = time.monotonic()
        results = await asyncio.gather(*(db.user.count() for _ in range(20)), return_exceptions=True)
        assert time.monotonic() - began < 2 * TIMEOUT
        assert sum(type(result) is TimedOutError for result in results) == 5
        assert sum(result == 3 for result in results) == 15, results
        assert await asyncio.gather(*(db.user.count() for _ in range(20))) == [3] * 20
        assert db.pool_status()["in_use"] == 0
        await proxy.close()


@pytest.mark.parametrize("command_timeout", [TIMEOUT, None])
@pytest.mark.parametrize("call", [*AT_REST, *WITHIN])
async def test_task_on_a_half_open_connection_is_cancelled_at_once(
    proxy: Proxy, call: Call, command_timeout: float | None
) -> None:
    async with Database(proxy.url, pool_size=1, max_overflow=0, command_timeout=command_timeout) as single:
        await call(single, lambda: None)  # so that everything is prepared
        await single.user.delete_where(single.user.c.discord_id >= 50)
        if call not in WITHIN:
            proxy.freeze()
        task = asyncio.create_task(call(single, proxy.freeze))
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.wait([task], timeout=0.2)
        in_time = task.done()
        if in_time:
            assert task.cancelled()
            assert await single.user.count() == 3
            assert single.pool_status() == {"idle": 1, "in_use": 0, "overflow": 0}
        await proxy.close()
        await asyncio.wait([task], timeout=2)
    assert in_time, "the task waits for an answer that cannot arrive"


async def test_silent_server_is_unreachable_within_the_timeout(single: Database, proxy: Proxy) -> None:
    proxy.freeze()
    proxy.dead = True
    url = proxy.url + "&connect_timeout=1"
    began = time.monotonic()
    async with asyncio.timeout(5):
        with pytest.raises((UnreachableError, TimedOutError)):
            await Database(url).user.count()
    assert time.monotonic() - began < 1.5
    proxy.dead = False


async def test_dispose_does_not_wait_long_for_half_open_connections(proxy: Proxy) -> None:
    db = Database(proxy.url, pool_size=3, command_timeout=TIMEOUT)
    await asyncio.gather(*(db.user.count() for _ in range(3)))
    proxy.freeze()
    with suppress(TimedOutError):
        await db.user.count()
    began = time.monotonic()
    await db.dispose()
    took = time.monotonic() - began
    _log.info("dispose took %.2f s", took)
    assert took < 6
    assert db.pool_status() == {"idle": 0, "in_use": 0, "overflow": 0}


async def test_connections_are_replaced_by_age(reference_url: str) -> None:
    async with Database(reference_url, pool_size=1, max_overflow=0, pool_recycle=0.4) as db:
        first = await backend(db)
        assert await backend(db) == first
        await asyncio.sleep(0.5)
        second = await backend(db)
        assert second != first
        assert await backend(db) == second
        async with db.transaction() as session:
            await asyncio.sleep(0.5)  # not in the middle of a block
            assert await session.scalar(sa.text("SELECT pg_backend_pid()")) == second
        assert await backend(db) != second
        sql = sa.text("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(:pids)")
        for _ in range(50):
            async with db.session() as session:
                if not (left := await session.scalar(sql, {"pids": [first, second]})):
                    break
            await asyncio.sleep(0.02)
        assert left == 0, "old connections are closed"


async def sessions_begin(db: Database) -> None:
    """Begin a transaction as a session does."""
    async with db.session() as session:
        await session.execute(sa.text("SELECT 1"))


async def engines_begin(db: Database) -> None:
    """Begin a transaction through the engine."""
    async with db.engine.begin() as connection:
        await connection.execute(sa.text("SELECT 1"))


async def blocks_begin(db: Database) -> None:
    """Begin a transaction as a block does."""
    async with db.transaction():
        await db.user.count()


async def serial_block_begins(db: Database) -> None:
    """Begin a transaction like a block with an isolation level."""
    async with db.transaction(isolation="SERIALIZABLE"):
        await db.user.count()


BEGINNINGS = (blocks_begin, serial_block_begins, sessions_begin, engines_begin)


async def all_is_well(db: Database, before: int) -> None:
    """Check that every way to begin opens a transaction, on another connection than before."""
    assert db.pool_status()["in_use"] == 0
    assert await db.user.count() == 3
    assert await backend(db) != before, "the connection was handed out again"
    for number, begin in enumerate(BEGINNINGS):
        await begin(db)
        async with db.transaction() as session:
            await db.user.create(**row(50 + number))
            assert await session.scalar(sa.text("SELECT count(*) FROM users")) == 4
        await db.user.delete_by_discord_id(50 + number)
    with pytest.raises(LookupError):
        async with db.transaction():
            await db.user.create(**row(60))
            raise LookupError
    assert await db.user.count() == 3, "a transaction that had not begun was rolled back"


@pytest.mark.parametrize("begin", BEGINNINGS)
async def test_refused_begin_replaces_the_connection(single: Database, proxy: Proxy, begin: Begin) -> None:
    await begin(single)
    before = await backend(single)
    proxy.refused = b"BEGIN"
    with pytest.raises((DatabaseError, DBAPIError)) as caught:
        await begin(single)
    assert isinstance(caught.value, DatabaseError) or begin in (sessions_begin, engines_begin)
    assert proxy.caught.is_set()
    proxy.refused = b""
    await all_is_well(single, before)


@pytest.mark.parametrize("begin", BEGINNINGS)
async def test_cancelled_begin_replaces_the_connection(single: Database, proxy: Proxy, begin: Begin) -> None:
    await begin(single)
    before = await backend(single)
    proxy.swallowed = b"BEGIN"
    task = asyncio.create_task(begin(single))
    await proxy.caught.wait()
    proxy.swallowed = b""
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 0.2
    await all_is_well(single, before)


@pytest.mark.parametrize("begin", BEGINNINGS)
async def test_unanswered_begin_times_out(single: Database, proxy: Proxy, begin: Begin) -> None:
    await begin(single)
    before = await backend(single)
    proxy.swallowed = b"BEGIN"
    began = time.monotonic()
    with pytest.raises(TimeoutError):  # TimedOutError is single, too
        await begin(single)
    assert time.monotonic() - began < 3 * TIMEOUT
    proxy.swallowed = b""
    await all_is_well(single, before)


async def test_connection_cut_by_the_network_is_replaced(single: Database, proxy: Proxy) -> None:
    before = await backend(single)
    for link in proxy.links:
        link.client.close()
    await asyncio.sleep(0.05)
    assert await single.user.count() == 3
    assert await backend(single) != before


@pytest.mark.parametrize("way", ["fork", "multiprocessing", "between"])
async def test_forked_child_opens_its_own_connections(
    reference_url: str, users: list[User], project: Path, way: str, whole: bool
) -> None:
    command = [sys.executable, "-m", "tests.stress.forks", reference_url, way]
    for _ in range(5 if whole else 1):
        done = await asyncio.to_thread(
            subprocess.run, command, cwd=project, capture_output=True, text=True, check=False, timeout=60
        )
        assert (done.returncode, done.stdout) == (0, "right\n"), done.stderr
        assert "Traceback" not in done.stderr, done.stderr
