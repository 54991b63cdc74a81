"""Read-only, old, refused and lost connections are not reused."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from guild_db import (
    Database,
    DatabaseError,
    TransactionError,
)

from tests.runtime.faults.conftest import backend, terminate

# 4: a read-only server loses its connections


@pytest.mark.parametrize("by", ["controller", "block", "bulk", "session", "using"])
async def test_read_only_connection_fails_one_write(single: Database, by: str) -> None:
    async with single.engine.connect() as connection:
        await connection.exec_driver_sql("SET default_transaction_read_only = on")
        await connection.commit()
    before = await backend(single)

    async def write() -> None:
        if by == "controller":
            await single.counted.create()
        elif by == "bulk":
            await single.counted.create_many([{}, {"n": 1}])
        elif by == "block":
            async with single.transaction():
                await single.counted.create()
        elif by == "session":
            async with single.session() as session:
                await session.execute(sa.text("INSERT INTO counted (n) VALUES (0)"))
        else:
            async with single.session() as session:
                await single.counted.using(session).create()

    with pytest.raises(Exception, match="read-only"):
        await write()
    await write()
    assert await single.counted.count() >= 1
    assert await backend(single) != before


async def test_refused_write_replaces_all_earlier_connections(db: Database, address: str) -> None:
    """A failover concerns the whole server, so all earlier connections are as read-only as the one that failed."""
    async with Database(address, pool_size=3, max_overflow=0) as pool:
        taken = [await pool.pool.take() for _ in range(3)]
        for connection in taken:
            await connection.execute("SET default_transaction_read_only = on")
        for connection in taken:
            await pool.pool.give(connection)
        with pytest.raises(TransactionError, match="read-only"):
            await pool.counted.create()
        await asyncio.gather(*(pool.counted.create() for _ in range(6)))
    assert await db.counted.count() == 6


async def test_write_in_a_read_only_transaction_keeps_the_connection(single: Database) -> None:
    before = await backend(single)
    with pytest.raises(TransactionError, match="read-only"):
        async with single.transaction(read_only=True):
            await single.counted.create()
    assert await backend(single) == before
    await single.counted.create()
    assert await backend(single) == before


# 5: connections have a maximum age, calls have a timeout


async def test_connection_is_replaced_at_its_maximum_age(db: Database, address: str) -> None:
    async with Database(address, pool_size=1, max_overflow=0, pool_recycle=0.5) as young:
        first = await backend(young)
        assert await backend(young) == first
        await asyncio.sleep(0.55)
        async with young.transaction():
            second = await backend_in(young)
            await asyncio.sleep(0.55)
            assert await backend_in(young) == second  # a block keeps its connection, however old it is
        assert second != first
        assert await backend(young) not in {first, second}


async def backend_in(db: Database) -> int:
    connection: Any = db.transactions.scope()
    return int(connection.connection.get_server_pid())


@pytest.mark.parametrize("by", ["controller", "block", "session", "stream", "write"])
async def test_command_timeout_ends_a_call_and_the_next_call_works(db: Database, address: str, by: str) -> None:
    await db.counted.create()
    sleeping: Any = sa.func.pg_sleep(5).is_not(None)
    async with Database(address, pool_size=1, max_overflow=0, pool_timeout=5, command_timeout=0.4) as hasty:

        async def work() -> None:
            if by == "controller":
                await hasty.counted.find_all(sleeping)
            elif by == "write":
                await hasty.counted.update_where(sleeping, n=1)
            elif by == "stream":
                async for _ in hasty.counted.find_all(sleeping):
                    pass
            elif by == "block":
                async with hasty.transaction():
                    await hasty.counted.create()
                    await hasty.counted.find_all(sleeping)
            else:
                async with hasty.session() as session:
                    await hasty.counted.using(session).create()
                    await session.execute(sa.text("SELECT pg_sleep(5)"))

        async with asyncio.timeout(4):
            with pytest.raises(TimeoutError):
                await work()
            assert await hasty.counted.count() == 1
        assert hasty.pool_status()["in_use"] == 0


# 6: a connection whose BEGIN failed is not reused


@pytest.mark.parametrize("number", [1, 3])
async def test_idle_connections_that_were_closed_fail_no_block(db: Database, address: str, number: int) -> None:
    async with Database(address, pool_size=3, max_overflow=0) as pool:
        taken: list[Any] = [await pool.pool.take() for _ in range(3)]
        pids = [connection.get_server_pid() for connection in taken]
        for connection in taken:
            await pool.pool.give(connection)
        for pid in pids[-number:]:
            await terminate(db, pid)
        for _ in range(4):
            async with pool.transaction():
                await pool.counted.create()
        async with pool.session() as session:
            await pool.counted.using(session).create()
        async with pool.engine.begin() as connection:
            await connection.exec_driver_sql("INSERT INTO counted (n) VALUES (0)")
        assert pool.pool_status()["in_use"] == 0
    assert await db.counted.count() == 6


async def test_connection_closed_by_the_server_fails_no_call(db: Database, address: str) -> None:
    arguments = {"server_settings": {"idle_session_timeout": "150ms"}}
    async with Database(address, pool_size=2, connect_args=arguments) as idle:
        for _ in range(2):
            async with idle.transaction():
                await idle.counted.create()
            await asyncio.sleep(0.4)
            await idle.counted.create()
            await asyncio.sleep(0.4)
    assert await db.counted.count() == 4


async def test_refused_begin_is_not_mistaken_for_a_transaction(db: Database, address: str) -> None:
    """The BEGIN has an option that PostgreSQL does not know."""
    async with Database(address, pool_size=1, max_overflow=0, pool_timeout=2) as single:
        wrong: Any = "SNAPSHOT"
        for _ in range(3):
            with pytest.raises((ValueError, DatabaseError, asyncpg.InterfaceError)):
                async with single.transaction(isolation=wrong):
                    await single.counted.create()
        async with single.transaction(isolation="SERIALIZABLE"):
            await single.counted.create()
        assert single.pool_status() == {"idle": 1, "in_use": 0, "overflow": 0}
    assert await db.counted.count() == 1
