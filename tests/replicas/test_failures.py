"""What becomes of reads whose replica lags, stops, hangs, is promoted, or is none."""

from __future__ import annotations

import asyncio
import gc
import math
import os
import re
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
import sqlalchemy as sa

from tests.replicas.conftest import LONG, SHORT, caught_up, is_from_replica, paused, stopped_for_good, usable
from tests.stress.servers import Node, Pair, Proxy

if TYPE_CHECKING:
    from guild_db import Database

SLEEP = sa.func.pg_sleep(30).cast(sa.Text)


@pytest.fixture
async def short(pair: Pair) -> AsyncIterator[Database]:
    """A database whose replica may lag by a second."""
    async with opened(pair) as db:
        yield db


def opened(pair: Pair, **settings: object) -> Database:
    """Return a database with a replica, which is not connected yet."""
    from guild_db import Database

    options: dict[str, object] = {"replicas": [pair.standby.url], "max_staleness": SHORT, **settings}
    return Database(pair.primary.url, **options)  # pyright: ignore[reportArgumentType]


def reason(db: Database) -> str:
    """Return why the only replica is not used."""
    (status,) = db.replica_status()
    return status.reason


def processes(node: Node) -> list[int]:
    """Return a server's processes."""
    parent = int((node.folder / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{parent}/task/{parent}/children")
    return [parent, *map(int, children.read_text().split())]


@contextmanager
def stopped(node: Node) -> Iterator[None]:
    """Have a server stand still, with all of its connections open."""
    pids = processes(node)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def test_a_replica_that_lags_is_left_out_until_it_has_caught_up(
    short: Database, pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    await usable(short)
    await paused(pair, "INSERT INTO guild (id, name) VALUES (2, 'new')")
    await usable(short, is_usable=False)
    assert await short.guild.exists(id=2)
    await asyncio.sleep(0.3)
    assert reason(short) == "it lags by more than 1 s"
    await pair.standby.execute("SELECT pg_wal_replay_resume()")
    await usable(short)
    assert await is_from_replica(short)
    assert await short.guild.exists(id=2)
    assert [record.levelname for record in caplog.records if "lags" in record.message] == ["WARNING"]


async def test_a_replica_never_returns_what_is_older_than_max_staleness(short: Database, pair: Pair) -> None:
    await usable(short)
    writer = await asyncpg.connect(pair.primary.url)
    written: list[tuple[float, int]] = []
    from_replica = 0
    try:
        for number in range(1, 120):
            await writer.execute("UPDATE guild SET name = $1", str(number))
            written.append((time.monotonic(), number))
            if number in {30, 85}:
                await pair.standby.execute(f"SELECT pg_wal_replay_{'pause' if number == 30 else 'resume'}()")
            begun = time.monotonic()
            columns = short.guild.c.name, sa.func.pg_is_in_recovery()
            ((name, in_recovery),) = await short.guild.find_all().values(*columns)
            from_replica += in_recovery
            acknowledged = [value for at, value in written if at < begun - SHORT]
            assert name == "home" or int(name) >= max(acknowledged, default=0)
            await asyncio.sleep(0.02)
    finally:
        await writer.close()
    assert 40 <= from_replica < 119


async def test_an_idle_primary_is_no_lag(short: Database, pair: Pair) -> None:
    await pair.primary.execute("SELECT pg_switch_wal()")
    await caught_up(pair)
    await pair.standby.execute("SELECT pg_wal_replay_pause()")  # there is nothing to replay
    await asyncio.sleep(SHORT + 0.5)
    assert await is_from_replica(short)


async def test_a_transaction_that_is_left_open_is_no_lag(short: Database, pair: Pair) -> None:
    connection = await asyncpg.connect(pair.primary.url)
    await connection.execute("BEGIN; INSERT INTO guild (id, name) VALUES (2, 'open')")
    try:
        await asyncio.sleep(SHORT + 0.5)
        assert await is_from_replica(short)
    finally:
        await connection.close()


async def test_reads_survive_a_replica_that_is_killed_and_use_it_when_it_is_back(
    other: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(other) as db:
        await usable(db)
        reads = [asyncio.create_task(db.guild.count()) for _ in range(20)]
        await asyncio.sleep(0)
        await asyncio.to_thread(other.standby.stop, "immediate")
        assert await asyncio.gather(*reads) == [1] * 20
        assert await db.guild.count() == 1
        await usable(db, is_usable=False)
        await asyncio.to_thread(other.standby.start)
        await usable(db)
        assert await is_from_replica(db)
        assert db.pool_status()["in_use"] == db.replica_status()[0].in_use == 0
        assert [record.levelname for record in caplog.records if "does not answer" in record.message] == ["WARNING"]


async def test_a_read_whose_connection_is_lost_is_repeated_once_on_the_primary(db: Database, pair: Pair) -> None:
    slow = sa.case((sa.func.pg_is_in_recovery(), SLEEP), else_="primary")
    read = asyncio.create_task(db.guild.find_all().values(slow))
    sleeping = "FROM pg_stat_activity WHERE query LIKE '%pg_sleep(%' AND pid <> pg_backend_pid()"
    await pair.standby.until(f"SELECT count(*) = 1 {sleeping}")
    await pair.standby.execute(f"SELECT pg_terminate_backend(pid) {sleeping}")
    assert await read == ["primary"]
    assert not await is_from_replica(db)


async def test_reads_survive_a_replica_that_hangs(short: Database, pair: Pair) -> None:
    await usable(short)
    with stopped(pair.standby):
        reads = [asyncio.create_task(short.guild.count()) for _ in range(20)]  # on more connections than there are
        async with asyncio.timeout(5):
            assert await asyncio.gather(*reads) == [1] * 20
        assert reason(short).startswith("it does not answer (")
        assert await short.guild.count() == 1
    await usable(short)
    assert await is_from_replica(short)
    assert short.replica_status()[0].in_use == 0


async def test_a_call_that_is_cancelled_or_times_out_is_not_repeated(short: Database, pair: Pair) -> None:
    await usable(short)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await short.guild.find_all().values(SLEEP)
    async with opened(pair, command_timeout=0.6) as db:
        await usable(db)
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            await db.guild.find_all().values(SLEEP)
        assert time.monotonic() - begun < 1
        await usable(db)


async def test_slow_statements_with_a_short_timeout_do_not_put_the_replica_out_of_use(pair: Pair) -> None:
    async with opened(pair, command_timeout=0.1, max_staleness=LONG) as db:  # it is probed every second
        await usable(db)
        for _ in range(5):
            with pytest.raises(TimeoutError):
                await db.guild.find_all().values(SLEEP)
            assert await is_from_replica(db)


async def test_a_statement_that_times_out_while_the_replica_is_asked_leaves_it_in_use(pair: Pair) -> None:
    proxy = Proxy(pair.standby.url)
    await proxy.start()
    try:
        async with opened(pair, command_timeout=0.6, max_staleness=LONG, replicas=[proxy.url]) as db:
            await usable(db)
            assert await is_from_replica(db)  # on a connection for the next reads
            proxy.delay = 0.3  # within each second in which it is asked once
            ages = [0.0]
            for _ in range(300):
                ages.append(db.replica_status()[0].staleness or 0)
                if ages[-1] < ages[-2]:
                    break
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.25)  # after an answer
            with pytest.raises(TimeoutError):
                await db.guild.find_all().values(SLEEP)
            assert db.replica_status()[0].usable
    finally:
        await proxy.close()


async def test_a_busy_replica_is_named(pair: Pair) -> None:
    async with opened(pair, pool_size=1, max_overflow=0, pool_timeout=0.1) as db:
        await usable(db)
        slow = asyncio.create_task(db.guild.find_all().values(sa.func.pg_sleep(0.5).cast(sa.Text)))
        await asyncio.sleep(0.1)
        with pytest.raises(TimeoutError, match=rf"replica {re.escape(db.replica_status()[0].url)}: no connection was"):
            await db.guild.count()
        await slow
        assert await is_from_replica(db)


async def test_dispose_ends_a_connect_that_waits_for_a_replica(pair: Pair) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()
        db = opened(pair, replicas=[f"postgresql://postgres@{host}:{port}/postgres"], max_staleness=LONG)
        connecting = asyncio.create_task(db.connect())
        await asyncio.sleep(0.3)
        assert not connecting.done()
        await db.dispose()
        async with asyncio.timeout(1):
            await connecting


async def test_dispose_waits_for_a_read_and_for_hung_replicas_all_at_once(pair: Pair) -> None:
    urls = [pair.standby.url, *(f"{pair.standby.url}&connect_timeout={seconds}" for seconds in (30, 40))]
    async with opened(pair, replicas=urls, max_staleness=LONG) as db:
        await usable(db)
        reads = [asyncio.create_task(db.guild.count()) for _ in urls]  # each on another replica
        slow = asyncio.create_task(db.guild.find_all().values(sa.func.pg_sleep(0.3).cast(sa.Text)))
        await asyncio.gather(*reads)
        assert sum(status.in_use for status in db.replica_status()) == 1
        await db.dispose()
        assert slow.done()
        await asyncio.gather(*(asyncio.create_task(db.guild.count()) for _ in range(2)), db.connect())
        await asyncio.gather(*(asyncio.create_task(db.guild.count()) for _ in urls))
        assert [status.idle > 0 for status in db.replica_status()] == [True] * 3
        with stopped(pair.standby):
            begun = time.monotonic()
            await db.dispose()
            assert time.monotonic() - begun < 8  # and not five seconds for each


async def test_a_promoted_replica_gets_no_reads(other: Pair, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(other, max_staleness=LONG) as db:
        await usable(db)
        assert await is_from_replica(db)
        await other.promote()
        await other.standby.execute("UPDATE guild SET name = 'diverged'")
        assert (await db.guild.get_one_by_id(1)).name == "home"  # although it was not probed since
        assert "not a standby" in reason(db)
        await asyncio.sleep(1.2)
        assert "not a standby" in reason(db)
        assert [record.levelname for record in caplog.records if "not a standby" in record.message] == ["WARNING"]


async def test_neither_a_promoted_server_nor_its_standby_is_a_replica(other: Pair) -> None:
    follower = Node(other.standby.folder.with_suffix(".follower"))
    await other.promote()
    try:
        await asyncio.to_thread(follower.follow, other.standby)
        await asyncio.to_thread(follower.start)
        async with opened(other, replicas=[other.standby.url, follower.url]) as db:
            promoted, following = db.replica_status()
            assert "not a standby" in promoted.reason
            assert "follows another server" in following.reason
            assert not await is_from_replica(db)
    finally:
        await stopped_for_good(follower)


async def test_a_standby_of_another_database_is_left_out(pair: Pair) -> None:
    async with opened(pair, replicas=[pair.standby.url.replace("/postgres?", "/template1?")]) as db:
        assert "another database" in reason(db)
        assert await db.guild.count() == 1


async def test_the_primary_is_no_replica_of_itself(pair: Pair) -> None:
    async with opened(pair, replicas=[pair.primary.url]) as db:
        assert "not a standby" in reason(db)


async def test_a_replica_that_is_not_there_costs_no_call(pair: Pair) -> None:
    gone = Node(pair.standby.folder.parent / "gone").url
    async with opened(pair, replicas=[gone, pair.standby.url]) as db:
        first, second = db.replica_status()
        assert "cannot connect to" in first.reason
        assert second.usable
        assert await is_from_replica(db)


async def test_one_replica_that_hangs_does_not_keep_reads_from_another(other: Pair, pair: Pair) -> None:
    async with opened(pair, replicas=[other.standby.url, pair.standby.url]) as db:
        await usable(db)
        with stopped(other.standby):
            for _ in range(25):
                await asyncio.sleep(0.1)
                assert db.replica_status()[1].usable
            assert not db.replica_status()[0].usable
            assert await is_from_replica(db)


async def test_replicas_are_used_for_max_staleness_without_their_primary(pair: Pair) -> None:
    async with opened(pair) as db:
        await usable(db)
        await asyncio.to_thread(pair.primary.stop, "immediate")
        try:
            assert await is_from_replica(db)
            await usable(db, is_usable=False)
            assert "the primary does not answer" in reason(db)
            with pytest.raises(ConnectionError):
                await db.guild.count()
        finally:
            await asyncio.to_thread(pair.primary.start)
        await usable(db)
        assert await is_from_replica(db)


async def test_a_table_that_the_replica_does_not_have_yet_is_read_from_the_primary(db: Database, pair: Pair) -> None:
    await pair.primary.execute("DROP TABLE guildtag", "DROP TABLE tag")
    await caught_up(pair)
    try:
        assert await is_from_replica(db)
        await paused(pair, "CREATE TABLE tag (id serial PRIMARY KEY, name text)")
        assert await db.tag.count() == 0
        assert await is_from_replica(db)
    finally:
        from tests.runtime.models import Base

        tables = [Base.metadata.tables[name] for name in ("tag", "guildtag")]
        await pair.primary.execute("DROP TABLE tag")
        from guild_db import Database

        async with Database(pair.primary.url) as other, other.engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all, tables=tables)


async def test_a_function_that_writes_is_repeated_on_the_primary(db: Database) -> None:
    (backend,) = await db.guild.find_all().values(sa.func.pg_backend_pid())
    assert await db.guild.find_all().values(sa.func.txid_current() > 0) == [True]
    assert await is_from_replica(db)
    assert await db.guild.find_all().values(sa.func.pg_backend_pid()) == [backend], "the connections are kept"


async def test_a_conflict_with_recovery_is_repeated_on_the_primary(db: Database, pair: Pair) -> None:
    await pair.standby.execute("ALTER SYSTEM SET max_standby_streaming_delay = '50ms'", "SELECT pg_reload_conf()")
    slow = sa.case((sa.func.pg_is_in_recovery(), SLEEP), else_="primary")
    read = asyncio.create_task(db.guild.find_all().values(slow))
    await asyncio.sleep(0.3)
    await pair.primary.execute("TRUNCATE guildtag, tag")
    await pair.primary.execute(
        "DELETE FROM guild", "INSERT INTO guild (id, name) VALUES (1, 'home')", "VACUUM FULL guild"
    )
    try:
        assert await asyncio.wait_for(read, 10) == ["primary"]
    finally:
        await pair.standby.execute("ALTER SYSTEM RESET max_standby_streaming_delay", "SELECT pg_reload_conf()")


async def test_a_value_that_the_replica_does_not_know_yet_is_read_from_the_primary(db: Database, pair: Pair) -> None:
    await pair.primary.execute("CREATE TYPE mood AS ENUM ('calm')")
    try:
        await paused(pair, "ALTER TYPE mood ADD VALUE 'cheerful'")
        assert await db.guild.find_all().values(sa.literal_column("'cheerful'::mood").cast(sa.Text)) == ["cheerful"]
        assert await is_from_replica(db)
    finally:
        await pair.primary.execute("DROP TYPE mood")


async def test_a_value_that_does_not_fit_does_not_put_the_replica_out_of_use(db: Database) -> None:
    with pytest.raises(Exception, match="fit"):
        await db.guild.find_all(sa.cast(db.guild.c.name, sa.Integer) > 0)
    assert await is_from_replica(db)


async def test_a_role_without_privileges_is_enough(pair: Pair) -> None:
    await pair.primary.execute(
        "DO $$ BEGIN CREATE ROLE plain LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        "GRANT SELECT ON guild TO plain",
    )
    await caught_up(pair)
    replica = pair.standby.url.replace("postgres@", "plain@")
    from guild_db import Database

    async with Database(pair.primary.url.replace("postgres@", "plain@"), replicas=[replica]) as db:
        await usable(db)
        assert await is_from_replica(db)


async def test_a_busy_pool_does_not_keep_a_replica_from_being_watched(pair: Pair) -> None:
    async with opened(pair, pool_size=1, max_overflow=0) as db:
        await usable(db)
        async with db.transaction():
            await asyncio.sleep(SHORT + 0.5)
            assert db.replica_status()[0].usable


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # of loops that end with connections open
async def test_each_event_loop_watches_the_replicas(pair: Pair) -> None:
    db = opened(pair)

    async def work() -> bool:
        await is_from_replica(db)  # which begins to watch
        await usable(db)
        return await is_from_replica(db)

    assert [await asyncio.to_thread(asyncio.run, work()) for _ in range(2)] == [True, True]
    assert await work()
    await db.dispose()
    gc.collect()


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # of the pools
async def test_nothing_watches_for_a_loop_that_has_ended(pair: Pair) -> None:
    db = opened(pair, application_name="ended")
    await asyncio.to_thread(asyncio.run, db.connect())
    for node, question in ((pair.primary, "pg_walfile_name"), (pair.standby, "pg_control_recovery")):
        watching = f"application_name = 'ended' AND query LIKE '%{question}%' AND pid <> pg_backend_pid()"
        await node.until(f"SELECT count(*) = 0 FROM pg_stat_activity WHERE {watching}")
    await db.dispose()
    gc.collect()


def test_wrong_arguments_are_refused() -> None:
    from guild_db import Database

    with pytest.raises(TypeError, match="list of URLs"):
        Database("postgresql://a/b", replicas="postgresql://c/b")
    for empty in ("", None):
        with pytest.raises(ValueError, match=rf"replicas\[1\] is {empty!r}, not a URL"):
            Database("postgresql://a/b", replicas=["postgresql://c/b", empty])  # pyright: ignore[reportArgumentType]
    for seconds in (0, -1, math.inf, math.nan):
        with pytest.raises(ValueError, match="max_staleness must be a number of seconds above 0"):
            Database("postgresql://a/b", replicas=["postgresql://c/b"], max_staleness=seconds)
    with pytest.raises(ValueError, match=r"one server.*postgresql://me:\*\*\*@c,d/b"):
        Database("postgresql://a/b", replicas=["postgresql://me:secret@c,d/b"])
    with pytest.raises(ValueError, match="one server"):
        Database("postgresql://a/b", replicas=["postgresql:///b?search_path=a&host=c,d"])
    Database("postgresql://a/b", replicas=["postgresql://c/b?search_path=x,y", "postgresql:///b?host=/run/a"])
    with pytest.raises(ValueError, match="does not begin with postgresql://"):
        Database("postgresql://a/b", replicas=["mysql://c/b"])
