"""Which connections are handed out again: read-only, old, refused and lost ones are not."""

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

# 4: a server that only reads costs its connections


@pytest.mark.parametrize("by", ["controller", "block", "bulk", "session", "using"])
async def test_a_connection_that_has_become_read_only_fails_one_write(one: Database, by: str) -> None:
    async with one.engine.connect() as connection:
        await connection.exec_driver_sql("SET default_transaction_read_only = on")
        await connection.commit()
    before = await backend(one)

    async def write() -> None:
        if by == "controller":
            await one.counted.create()
        elif by == "bulk":
            await one.counted.create_many([{}, {"n": 1}])
        elif by == "block":
            async with one.transaction():
                await one.counted.create()
        elif by == "session":
            async with one.session() as session:
                await session.execute(sa.text("INSERT INTO counted (n) VALUES (0)"))
        else:
            async with one.session() as session:
                await one.counted.using(session).create()

    with pytest.raises(Exception, match="read-only"):
        await write()
    await write()
    assert await one.counted.count() >= 1
    assert await backend(one) != before


async def test_one_refused_write_replaces_every_connection_of_before(db: Database, address: str) -> None:
    """A failover is the server's: what was connected to it before is as read-only as the one that has failed."""
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


async def test_a_write_in_a_read_only_transaction_costs_no_connection(one: Database) -> None:
    before = await backend(one)
    with pytest.raises(TransactionError, match="read-only"):
        async with one.transaction(read_only=True):
            await one.counted.create()
    assert await backend(one) == before
    await one.counted.create()
    assert await backend(one) == before


# 5: a connection has an age, a call has an end


async def test_a_connection_is_replaced_by_age_and_not_before(db: Database, address: str) -> None:
    async with Database(address, pool_size=1, max_overflow=0, pool_recycle=0.5) as young:
        first = await backend(young)
        assert await backend(young) == first
        await asyncio.sleep(0.55)
        async with young.transaction():
            second = await backend_in(young)
            await asyncio.sleep(0.55)
            assert await backend_in(young) == second  # a block keeps its own, however old it gets
        assert second != first
        assert await backend(young) not in {first, second}


async def backend_in(db: Database) -> int:
    connection: Any = db.transactions.scope()
    return int(connection.connection.get_server_pid())


@pytest.mark.parametrize("by", ["controller", "block", "session", "stream", "write"])
async def test_command_timeout_ends_a_call_and_the_next_one_works(db: Database, address: str, by: str) -> None:
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


# 6: a connection that did not begin is not handed out again


@pytest.mark.parametrize("number", [1, 3])
async def test_connections_that_were_ended_while_idle_cost_no_block(db: Database, address: str, number: int) -> None:
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


async def test_a_connection_that_the_server_ends_after_a_while_costs_no_call(db: Database, address: str) -> None:
    arguments = {"server_settings": {"idle_session_timeout": "150ms"}}
    async with Database(address, pool_size=2, connect_args=arguments) as idle:
        for _ in range(2):
            async with idle.transaction():
                await idle.counted.create()
            await asyncio.sleep(0.4)
            await idle.counted.create()
            await asyncio.sleep(0.4)
    assert await db.counted.count() == 4


async def test_a_begin_that_the_server_refuses_is_not_taken_for_a_transaction(db: Database, address: str) -> None:
    """With an option that an isolation level of another server's would have."""
    async with Database(address, pool_size=1, max_overflow=0, pool_timeout=2) as one:
        wrong: Any = "SNAPSHOT"
        for _ in range(3):
            with pytest.raises((ValueError, DatabaseError, asyncpg.InterfaceError)):
                async with one.transaction(isolation=wrong):
                    await one.counted.create()
        async with one.transaction(isolation="SERIALIZABLE"):
            await one.counted.create()
        assert one.pool_status() == {"idle": 1, "in_use": 0, "overflow": 0}
    assert await db.counted.count() == 1
