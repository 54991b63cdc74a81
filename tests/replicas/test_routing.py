"""Which reads go to a replica.

The standby's replay is paused and the primary has newer rows, so that a result shows where it is from.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import selectinload

from tests.replicas.conftest import LONG, SHORT, is_from_replica, paused, usable
from tests.runtime.models import Guild
from tests.stress.servers import Pair

if TYPE_CHECKING:
    from guild_db import Database

NEWER = ("UPDATE guild SET name = 'new'", "INSERT INTO guild (id, name) VALUES (2, 'other')")
INSERT = sa.text("INSERT INTO guild (id, name) VALUES (5, 'x')")

Call = Callable[["Database"], Awaitable[object]]


async def streamed(db: Database) -> list[str]:
    """Return the names of all guilds, by a stream."""
    return [guild.name async for guild in db.guild.find_all()]


async def loaded_by_the_orm(db: Database) -> list[str]:
    """Return the names of all guilds, which the ORM reads by keys."""
    return [guild.name for guild in await db.guild.find_all().options(selectinload(Guild.users)).order_by(Guild.id)]


READS: dict[str, tuple[Call, object]] = {
    "get": (lambda db: db.guild.get_by_id(2), None),
    "find": (lambda db: db.guild.find_all().values(Guild.name), ["home"]),
    "first": (lambda db: db.guild.find_all(name="new").first(), None),
    "count": (lambda db: db.guild.count(), 1),
    "exists": (lambda db: db.guild.exists(name="new"), False),
    "count_by": (lambda db: db.guild.find_all().count_by(Guild.name), {"home": 1}),
    "max": (lambda db: db.guild.find_all().max(Guild.id), 1),
}
"""Reads with their results from the standby."""


@pytest.mark.parametrize("kind", READS)
async def test_a_read_goes_to_the_replica(db: Database, pair: Pair, kind: str) -> None:
    read, expected = READS[kind]
    await paused(pair, *NEWER)
    assert await read(db) == expected
    with db.primary():
        assert await read(db) != expected


async def test_pages_and_their_counts_are_of_the_replica(db: Database, pair: Pair) -> None:
    await paused(pair, *NEWER)
    assert [guild.name for guild in (await db.guild.find_all().page()).items] == ["home"]
    assert (await db.guild.paginate()).total == 1


async def test_objects_and_their_relationships_are_of_one_replica(db: Database, pair: Pair) -> None:
    await paused(
        pair,
        "INSERT INTO users (discord_id, guild_id, user_name, points, token, preferences)"
        " VALUES (1, 1, 'new', 0, gen_random_uuid(), '{}')",
        *NEWER,
    )
    guild = await db.guild.get_one_by_id(1, load=["users"])
    assert (guild.name, guild.users) == ("home", [])
    await db.guild.load_users([guild])
    assert guild.users == []
    with db.primary():
        await db.guild.load_users([guild])
    assert [user.name for user in guild.users] == ["new"]


async def write(db: Database) -> object:
    """Write by a controller."""
    return await db.guild.create(id=5, name="x")


async def write_in_a_block(db: Database) -> None:
    """Write in a transaction, whose last part is a savepoint."""
    async with db.transaction():
        await write(db)
        async with db.transaction():
            await db.guild.count()


async def write_in_a_session(db: Database) -> None:
    """Write by SQLAlchemy's session."""
    async with db.session() as session:
        await session.execute(INSERT)


async def commit_by_hand(db: Database) -> None:
    """Write by a session that stays open, and that has read after its commit."""
    async with db.session() as session:
        await session.execute(INSERT)
        await session.commit()
        assert await db.guild.exists(id=5)
        await session.execute(sa.text("SELECT 1"))


async def write_in_a_session_of_the_user(db: Database) -> None:
    """Write by a controller in a session that the user has opened."""
    async with AsyncSession(db.engine) as session:
        await db.guild.using(session).create(id=5, name="x")
        await session.commit()


async def write_by_the_engine(db: Database) -> None:
    """Write past the controllers."""
    async with db.engine.begin() as connection:
        await connection.execute(INSERT)


async def write_in_autocommit(db: Database) -> None:
    """Write past the controllers, and without a COMMIT."""
    engine = db.engine.execution_options(isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(INSERT)


async def write_in_a_session_in_autocommit(db: Database) -> None:
    """Write by a controller in a session that never commits."""
    async with AsyncSession(db.engine.execution_options(isolation_level="AUTOCOMMIT")) as session:
        await db.guild.using(session).create(id=5, name="x")


def other_engine(db: Database) -> AsyncEngine:
    """Return an engine on the same database with connections of its own."""
    address = db.url.partition("?")[0].replace("postgresql:", "postgresql+asyncpg:")
    return create_async_engine(address, connect_args={"ssl": False}, poolclass=sa.NullPool)


async def write_in_a_session_of_another_engine(db: Database, *, seconds: float = 0) -> None:
    """Write by a controller on a connection that is not of the database, and commit after these seconds."""
    async with AsyncSession(other_engine(db)) as session:
        await db.guild.using(session).create(id=5, name="x")
        await asyncio.sleep(seconds)
        await session.commit()


async def write_in_a_session_inside_a_transaction(db: Database, *, seconds: float = 0) -> None:
    """Write in a session that joins a transaction, which is committed these seconds after the session."""
    async with other_engine(db).begin() as connection:
        async with AsyncSession(connection) as session:
            await db.guild.using(session).create(id=5, name="x")
            await session.commit()
        assert not await is_from_replica(db)
        await asyncio.sleep(seconds)


async def write_in_a_savepoint(db: Database) -> None:
    """Write by a controller in a savepoint, after one that was rolled back."""
    async with AsyncSession(other_engine(db)) as session:
        undone = await session.begin_nested()
        await db.guild.using(session).create(id=6, name="x")
        await undone.rollback()
        async with session.begin_nested():
            await db.guild.using(session).create(id=5, name="x")
        await session.commit()


async def write_in_one_of_two_sessions(db: Database) -> None:
    """Write in two sessions at the same time, and commit one of them."""
    engine = other_engine(db)
    async with AsyncSession(engine) as first, AsyncSession(engine) as second:
        await db.guild.using(first).create(id=5, name="x")
        await db.guild.using(second).create(id=6, name="x")
        await second.rollback()
        await first.commit()


async def write_on_a_detached_connection(db: Database) -> None:
    """Write on a connection that SQLAlchemy does not return to the pool."""
    async with db.engine.connect() as connection:
        await connection.execute(INSERT)
        await connection.commit()
        (await connection.get_raw_connection()).detach()


async def write_in_bulk(db: Database) -> None:
    """Write several rows, in statements of two kinds."""
    await db.guild.create_many([{"id": 5, "name": "x"}, {"id": 6, "name": "x", "settings": {}}])


async def fail_to_write(db: Database) -> None:
    """Write, and be refused."""
    with pytest.raises(Exception, match="unique"):
        await db.guild.create(id=1, name="again")


WRITES = (
    write,
    write_in_a_block,
    write_in_a_session,
    write_in_a_session_of_the_user,
    commit_by_hand,
    write_by_the_engine,
    write_in_autocommit,
    write_in_a_session_in_autocommit,
    write_in_a_session_of_another_engine,
    write_in_a_session_inside_a_transaction,
    write_in_a_savepoint,
    write_in_one_of_two_sessions,
    write_on_a_detached_connection,
    write_in_bulk,
    fail_to_write,
)


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.__name__)
async def test_a_task_reads_what_it_has_written(db: Database, pair: Pair, write: Call) -> None:
    await paused(pair)
    assert await is_from_replica(db)
    await write(db)
    assert not await is_from_replica(db)
    assert await db.guild.exists(id=5) is (write is not fail_to_write)


READING_BLOCKS: dict[str, Call] = {"stream": streamed, "options": loaded_by_the_orm, "ping": lambda db: db.ping()}


@pytest.mark.parametrize("kind", READING_BLOCKS)
async def test_a_read_on_the_primary_is_no_write(db: Database, kind: str) -> None:
    await READING_BLOCKS[kind](db)
    assert await is_from_replica(db)


async def test_a_read_only_transaction_is_on_the_primary_and_no_write(db: Database, pair: Pair) -> None:
    await paused(pair, *NEWER)
    async with db.transaction(read_only=True):
        assert await db.guild.count() == 2
    assert await db.guild.count() == 1


async def test_blocks_sessions_streams_and_the_orm_read_from_the_primary(db: Database, pair: Pair) -> None:
    await paused(pair, *NEWER)
    assert await streamed(db) == ["new", "other"]
    assert await loaded_by_the_orm(db) == ["new", "other"]
    async with db.transaction():
        assert await db.guild.count() == 2
        assert len(await db.guild.find_all().for_update()) == 2
    async with db.session() as session:
        assert await db.guild.using(session).count() == 2
        assert await db.guild.count() == 2


async def get_or_create(db: Database) -> bool:
    """Find a row, or create it."""
    guild, created = await db.guild.get_or_create_by_id(id=2, name="mine")
    return guild.name == "other" and not created


async def update_nothing(db: Database) -> bool:
    """Change nothing in a row."""
    return (await db.guild.update_one_by_id(2)).name == "other"


WRITING_CALLS: dict[str, tuple[Call, object]] = {
    "get_or_create": (get_or_create, True),
    "update": (update_nothing, True),
    "bulk_update": (lambda db: db.guild.bulk_update([{"id": 2}]), 1),
    "update of a selection": (lambda db: db.guild.find_all(id=2).update({}), 1),
}


@pytest.mark.parametrize("kind", WRITING_CALLS)
async def test_a_writing_call_that_only_reads_is_on_the_primary(db: Database, pair: Pair, kind: str) -> None:
    await paused(pair, *NEWER)
    call, expected = WRITING_CALLS[kind]
    assert await call(db) == expected


@pytest.fixture
async def short(pair: Pair) -> AsyncIterator[Database]:
    """A database whose replica may lag by a second."""
    from guild_db import Database

    async with Database(pair.primary.url, replicas=[pair.standby.url], max_staleness=SHORT) as db:
        await usable(db)
        yield db


async def seconds_on_the_primary(db: Database) -> float:
    """Read until a read goes to the replica again."""
    begun = time.monotonic()
    while not await is_from_replica(db):
        assert time.monotonic() - begun < SHORT + 2
        await asyncio.sleep(0.02)
    return time.monotonic() - begun


AGAIN = (write, write_in_a_session, write_by_the_engine, write_on_a_detached_connection)


@pytest.mark.parametrize("write", AGAIN, ids=lambda write: write.__name__)
async def test_after_max_staleness_reads_go_to_the_replica_again(short: Database, write: Call) -> None:
    begun = time.monotonic()
    await write(short)
    await seconds_on_the_primary(short)
    assert time.monotonic() - begun >= SHORT
    assert await short.guild.exists(id=5)


LONG_WRITES = (write_in_a_session_of_another_engine, write_in_a_session_inside_a_transaction)


@pytest.mark.parametrize("write", LONG_WRITES, ids=lambda write: write.__name__)
async def test_a_write_in_a_session_counts_until_its_transaction_is_over(
    short: Database, write: Callable[..., Awaitable[None]]
) -> None:
    await write(short, seconds=SHORT + 0.2)
    assert not await is_from_replica(short)


async def test_a_write_does_not_count_while_its_session_has_begun_another_transaction(short: Database) -> None:
    for number, engine in enumerate((short.engine, other_engine(short)), 5):
        async with AsyncSession(engine) as session:
            await short.guild.using(session).create(id=number, name="x")
            await session.commit()
            await session.execute(sa.text("SELECT 1"))
            assert await seconds_on_the_primary(short) > SHORT - 0.2


async def test_a_task_does_not_collect_its_writes(db: Database) -> None:
    async with AsyncSession(db.engine) as session:
        for number in range(10, 30):
            await db.guild.using(session).create(id=number, name="x")
            await (session.commit() if number % 2 else session.rollback())
            await db.guild.create(id=number + 100, name="x")
    gc.collect()
    assert sum(type(item).__name__ == "Write" for item in gc.get_objects()) < 10


async def test_other_tasks_are_not_affected_by_a_write(db: Database) -> None:
    started = asyncio.Event()

    async def other() -> bool:
        await started.wait()
        return await is_from_replica(db)

    task = asyncio.create_task(other())
    await write(db)
    started.set()
    assert await task


async def test_tasks_that_a_writer_starts_read_its_write(db: Database, pair: Pair) -> None:
    await paused(pair)
    await write(db)
    assert await asyncio.gather(db.guild.exists(id=5), db.guild.exists(id=5)) == [True, True]


async def test_a_task_that_outlives_the_block_it_was_started_in_reads_its_write(db: Database, pair: Pair) -> None:
    await paused(pair)
    over = asyncio.Event()

    async def read() -> bool:
        await over.wait()
        return await db.guild.exists(id=5)

    async with db.transaction():
        await write(db)
        task = asyncio.create_task(read())
    over.set()
    assert await task


async def test_callbacks_after_a_commit_read_the_write(db: Database, pair: Pair) -> None:
    await paused(pair)
    seen: list[bool] = []

    async def read() -> None:
        seen.append(await db.guild.exists(id=5))

    async with db.transaction():
        await write(db)
        db.after_commit(read)
        async with db.transaction():
            await db.guild.count()
    assert seen == [True]


async def test_callbacks_read_from_the_primary_however_long_ago_the_last_savepoint_was(pair: Pair) -> None:
    from guild_db import Database

    seen: list[bool] = []

    async def read() -> None:
        seen.append(await is_from_replica(db))

    async with Database(pair.primary.url, replicas=[pair.standby.url], max_staleness=SHORT) as db:
        await usable(db)
        async with db.transaction():
            async with db.transaction():
                await write(db)
            await asyncio.sleep(SHORT + 0.1)
            db.after_commit(read)
    assert seen == [False]


async def test_get_or_create_creates_what_only_the_replica_still_has(db: Database, pair: Pair) -> None:
    await paused(pair, "DELETE FROM guild")
    guild, created = await db.guild.get_or_create_by_id(id=1, name="again")
    assert (guild.name, created) == ("again", True)


async def test_primary_holds_for_the_block_and_for_tasks_started_inside(db: Database) -> None:
    with db.primary():
        task = asyncio.create_task(is_from_replica(db))
        with db.primary():
            assert not await is_from_replica(db)
        assert not await is_from_replica(db)
    assert await is_from_replica(db)
    assert not await task


async def test_primary_ends_with_an_error(db: Database) -> None:
    with pytest.raises(RuntimeError), db.primary():
        raise RuntimeError
    assert await is_from_replica(db)


async def test_without_replicas_primary_and_the_status_are_there(pair: Pair) -> None:
    from guild_db import Database

    async with Database(pair.primary.url) as db:
        with db.primary():
            assert await db.guild.count() == 1
        assert db.replica_status() == []


async def test_each_task_keeps_to_one_of_several_replicas(pair: Pair) -> None:
    from guild_db import Database

    other = pair.standby.url.replace("127.0.0.1", "localhost")
    async with Database(pair.primary.url, replicas=[pair.standby.url, other], max_staleness=LONG) as db:
        await usable(db)

        async def host() -> set[str]:
            setting = sa.func.host(sa.func.inet_client_addr()) + sa.func.pg_backend_pid().cast(sa.Text)
            return {str((await db.guild.find_all().values(setting))[0]) for _ in range(5)}

        backends = [await asyncio.create_task(host()) for _ in range(4)]
        assert [len(each) for each in backends] == [1, 1, 1, 1]
        assert len(set().union(*backends)) == 2


async def test_the_sandbox_of_tests_uses_no_replica(db: Database) -> None:
    db.borrow_from(db.pool)
    assert not await is_from_replica(db)


async def test_a_second_database_is_not_affected_by_a_write(db: Database, pair: Pair) -> None:
    from guild_db import Database

    async with Database(pair.primary.url, replicas=[pair.standby.url], max_staleness=LONG) as other:
        await usable(other)
        await write(db)
        assert await is_from_replica(other)
