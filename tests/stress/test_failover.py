"""Failover to a real standby when the primary fails or becomes read-only."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from generated import Database, DatabaseError, RefusedError, TransactionError, UnreachableError
from generated.user import UserCreate
from models.base import Base
from tests.scenarios.conftest import GUILD
from tests.stress.servers import Node, Pair, binaries, started_pair

pytestmark = pytest.mark.skipif(binaries() is None, reason="initdb, pg_basebackup and pg_ctl are not installed")

_log = logging.getLogger(__name__)

READ_ONLY = ("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
WRITABLE = ("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    """Two servers with the reference tables."""
    async with started_pair() as pair:
        async with Database(pair.primary.url) as db:
            async with db.engine.begin() as connection:
                await connection.run_sync(Base.metadata.create_all)
            await db.guild.create(id=GUILD, name="home")
        await pair.synchronize()
        yield pair


def row(n: int) -> UserCreate:
    return {"discord_id": n, "guild_id": GUILD, "username": f"u{n}"}


async def create(db: Database, n: int) -> None:
    await db.user.create(**row(n))


async def bulk(db: Database, n: int) -> None:
    await db.user.create_many([row(n), row(-n)])


async def block(db: Database, n: int) -> None:
    async with db.transaction():
        await db.user.create(**row(n))
        async with db.transaction():
            await db.user.create(**row(-n))


async def session(db: Database, n: int) -> None:
    async with db.session() as session:
        await db.user.using(session).create(**row(n))
        await db.user.using(session).create(**row(-n))


async def joined(db: Database, n: int) -> None:
    """Write in a block through SQLAlchemy's session, which raises SQLAlchemy's errors."""
    async with db.transaction() as session:
        await session.execute(sa.text("INSERT INTO guilds (id, name, case_count) VALUES (:n, 'x', 0)"), {"n": n})
        await db.user.create(**row(n))


async def stream(db: Database, n: int) -> None:
    async for _ in db.user.find_all().limit(50):
        pass
    await db.user.create(**row(n))


async def repeated(db: Database, n: int) -> None:
    await db.run(lambda _: db.user.create(**row(n)))


WRITES: dict[str, Callable[[Database, int], Awaitable[None]]] = {
    one.__name__: one for one in (create, bulk, block, session, joined, stream, repeated)
}


@dataclass
class Load:
    """Tasks that write continuously, and the outcome of their calls."""

    db: Database
    done: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    failed: list[tuple[float, str, BaseException]] = field(default_factory=list[tuple[float, str, BaseException]])
    over: bool = False
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1000))

    async def work(self) -> None:
        """Write until the test ends."""
        kinds = itertools.cycle(WRITES)
        while not self.over:
            n, kind = next(self.numbers), next(kinds)
            try:
                async with asyncio.timeout(10):
                    await WRITES[kind](self.db, n)
            except Exception as error:  # noqa: BLE001 - the test checks which errors occur
                self.failed.append((time.monotonic(), kind, error))
                await asyncio.sleep(0.02)
            else:
                self.done.append((time.monotonic(), n))


@pytest.mark.parametrize("mode", ["immediate", "fast"])
async def test_promoted_standby_takes_over_without_a_restart(pair: Pair, mode: str, whole: bool) -> None:
    async with Database(pair.url, pool_size=5, max_overflow=5, command_timeout=5) as db:
        load = Load(db)
        workers = [asyncio.create_task(load.work()) for _ in range(16 if whole else 8)]
        await asyncio.sleep(3 if whole else 1)
        before = len(load.done)
        stopped = time.monotonic()
        await asyncio.to_thread(pair.primary.stop, mode)
        await asyncio.sleep(1)
        promoting = time.monotonic()
        await pair.promote()
        promoted = time.monotonic()
        await asyncio.sleep(5 if whole else 2.5)
        load.over = True
        await asyncio.gather(*workers)
        acknowledged = {n for _, n in load.done}
        assert before > 20
        assert load.failed, "the primary was stopped too late to matter"
        first = min(at for at, _ in load.done if at > promoting) - promoted
        last = max(at for at, *_ in load.failed) - promoted
        _log.info("%s: %d calls before, %d failed", mode, before, len(load.failed))
        _log.info("failed for %.2f s: %s", last + promoted - stopped, kinds(load.failed))
        _log.info("promotion took %.2f s, the first success %+.2f s after it", promoted - promoting, first)
        by_sqlalchemy = [one for one in load.failed if one[1] == "joined" and isinstance(one[2], DBAPIError)]
        strange = [one for one in load.failed if not isinstance(one[2], DatabaseError) and one not in by_sqlalchemy]
        assert Counter(f"{kind}: {type(error).__name__}: {error}" for _, kind, error in strange) == {}
        misleading = [(kind, str(error)) for _, kind, error in load.failed if "two tasks" in str(error)]
        assert misleading == []
        assert first < 1
        assert last < 1
        assert acknowledged <= {user.discord_id for user in await db.user.find_all()}
        written = {user.discord_id for user in await db.user.find_all()}
        halves = [n for n in written if n < 0 and -n not in written]
        assert halves == [], "a part of a transaction is stored"
        assert db.pool_status()["in_use"] == 0


async def test_read_only_primary_fails_one_call_and_replaces_one_connection(pair: Pair) -> None:
    async with Database(pair.primary.url, pool_size=1, max_overflow=0) as db:
        for number, (kind, write) in enumerate(WRITES.items(), start=1):
            await write(db, number)
            before = await backend(db)
            await read_only(pair.primary)
            with pytest.raises((TransactionError, DBAPIError)) as caught:
                await write(db, 100 + number)
            assert kind == "joined" or type(caught.value) is TransactionError
            await pair.primary.execute(*WRITABLE)
            await write(db, 200 + number)
            assert await backend(db) != before, f"{kind} kept the connection"
        assert db.pool_status() == {"idle": 1, "in_use": 0, "overflow": 0}


async def test_write_in_a_read_only_transaction_costs_no_connection(pair: Pair) -> None:
    async with Database(pair.primary.url, pool_size=1, max_overflow=0) as db:
        before = await backend(db)
        with pytest.raises(TransactionError, match="read-only"):
            async with db.transaction(read_only=True):
                await db.user.create(**row(1))
        assert await backend(db) == before
        await db.user.create(**row(1))


async def test_only_one_write_fails_after_a_switchover(pair: Pair) -> None:
    async with Database(pair.url, pool_size=5) as db:
        await asyncio.gather(*(create(db, n) for n in range(1, 6)))
        assert db.pool_status()["idle"] == 5
        await pair.primary.execute("ALTER SYSTEM RESET synchronous_standby_names")
        await read_only(pair.primary)
        await pair.promote()
        failures = 0
        for n in itertools.count(100):
            try:
                await create(db, n)
            except (TransactionError, UnreachableError):
                failures += 1
            else:
                break
        assert await pair.standby.value(f"SELECT count(*) FROM users WHERE discord_id = {n}") == 1
        assert failures == 1, f"{failures} calls failed: every old connection was tried"


async def test_begin_refused_by_a_standby_leaves_no_open_transaction(pair: Pair) -> None:
    async with Database(pair.standby.url, pool_size=1, max_overflow=0) as db:
        for _ in range(3):
            with pytest.raises(RefusedError):
                async with db.transaction(isolation="SERIALIZABLE"):
                    raise AssertionError
            async with db.transaction():
                assert await db.guild.count() == 1
            with pytest.raises(DBAPIError):
                async with db.engine.connect() as connection:
                    await connection.execution_options(isolation_level="SERIALIZABLE")
                    await connection.execute(sa.text("SELECT 1"))
            async with db.transaction():
                assert await db.guild.count() == 1
            async with db.session() as session:
                assert await db.guild.using(session).count() == 1
            assert db.pool_status()["in_use"] == 0


def kinds(failed: list[tuple[float, str, BaseException]]) -> dict[str, int]:
    """Count errors by their classes."""
    return dict(Counter(type(error).__name__ for _, _, error in failed))


async def backend(db: Database) -> int:
    """Return the backend that serves the next call."""
    async with db.session() as session:
        return int(str(await session.scalar(sa.text("SELECT pg_backend_pid()"))))


async def read_only(node: Node) -> None:
    """Make a server refuse writes, also on existing connections."""
    await node.execute(*READ_ONLY)
    await asyncio.sleep(0.2)  # each backend is notified by a signal
