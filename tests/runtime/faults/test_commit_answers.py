"""A rollback is never mistaken for a commit, and streams raise the same errors as other calls."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from guild_db import (
    ConflictError,
    Database,
    DatabaseError,
    InvalidValueError,
    RefusedError,
    TimedOutError,
    TransactionError,
    UniqueViolation,
    UnreachableError,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from tests.runtime.faults.conftest import ENDED, fails, terminate


async def by_session(db: Database) -> None:
    async with db.session() as session:
        await session.execute(sa.text("INSERT INTO counted (n) VALUES (0)"))
        await fails(session.execute(sa.text("SELECT 1 / 0")))


async def by_begin_of_the_engine(db: Database) -> None:
    async with db.engine.begin() as connection:
        await connection.exec_driver_sql("INSERT INTO counted (n) VALUES (0)")
        await fails(connection.exec_driver_sql("SELECT 1 / 0"))


async def by_commit_of_a_connection(db: Database) -> None:
    async with db.engine.connect() as connection:
        await connection.exec_driver_sql("INSERT INTO counted (n) VALUES (0)")
        await fails(connection.exec_driver_sql("SELECT 1 / 0"))
        await connection.commit()


async def by_a_session_of_the_callers_own(db: Database) -> None:
    async with AsyncSession(db.engine) as session:
        await session.execute(sa.text("INSERT INTO counted (n) VALUES (0)"))
        await fails(session.execute(sa.text("SELECT 1 / 0")))
        await session.commit()


async def by_a_controller_in_a_session(db: Database) -> None:
    async with db.session() as session, session.begin():
        await db.counted.using(session).create()
        await fails(db.counted.using(session).find_all(sa.literal(1) / db.counted.c.n > 0))


async def after_copy(db: Database) -> None:
    async with db.engine.begin() as connection:
        await connection.exec_driver_sql("INSERT INTO counted (n) VALUES (0)")
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await fails(driver.copy_records_to_table("counted", records=[(7, 0), (7, 0)]), asyncpg.UniqueViolationError)


async def after_a_stream_of_the_session(db: Database) -> None:
    async with db.transaction() as session:
        await db.counted.create()
        with pytest.raises(Exception, match="division"):
            async for _ in await session.stream(sa.text("SELECT 1 / (n - 600) FROM generate_series(1, 700) n")):
                pass


async def after_a_stream_that_failed_late(db: Database) -> None:
    async with db.transaction():
        await db.counted.create_many([{"n": n} for n in range(700)])
        with pytest.raises(InvalidValueError):
            async for _ in db.counted.find_all(sa.literal(1) / (db.counted.c.n - 600) < 2):
                pass


async def after_a_savepoint_of_the_callers_own(db: Database) -> None:
    async with db.transaction() as session:
        await db.counted.create()
        with pytest.raises(
            DBAPIError, match="transaction is aborted"
        ):  # PostgreSQL's SAVEPOINT, sent like any statement of a session
            async with session.begin_nested():
                await fails(session.execute(sa.text("SELECT 1 / 0")))
        await fails(session.execute(sa.text("SELECT 1 / 0")))


async def after_a_nested_block(db: Database) -> None:
    async with db.transaction():
        await db.counted.create()
        async with db.transaction():
            await db.skipped.create(name="twice")
            await fails(db.skipped.create(name="twice"), UniqueViolation)


@pytest.mark.parametrize(
    "way",
    [
        by_session,
        by_begin_of_the_engine,
        by_commit_of_a_connection,
        by_a_session_of_the_callers_own,
        by_a_controller_in_a_session,
        after_copy,
        after_a_stream_of_the_session,
        after_a_stream_that_failed_late,
        after_a_savepoint_of_the_callers_own,
        after_a_nested_block,
    ],
)
async def test_commit_after_a_caught_error_raises(db: Database, way: Callable[[Database], Any]) -> None:
    with pytest.raises(DatabaseError, match=ENDED):
        await way(db)
    assert (await db.counted.count(), await db.skipped.count()) == (0, 0)
    assert db.pool_status()["in_use"] == 0


@pytest.mark.parametrize("words", ["COMMIT", "commit", " COMMIT", "COMMIT AND CHAIN", "END", "PREPARE TRANSACTION 'x'"])
async def test_every_spelling_of_commit_is_checked(db: Database, words: str) -> None:
    with pytest.raises(TransactionError, match=ENDED):
        async with db.engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.execute("BEGIN")
            await fails(driver.execute("SELECT 1 / 0"), asyncpg.DivisionByZeroError)
            await driver.execute(words)
    assert await db.counted.create()


async def test_error_that_leaves_a_nested_block_undoes_only_that_block(db: Database) -> None:
    async with db.transaction():
        await db.counted.create()
        with suppress(InvalidValueError):
            async with db.transaction():
                async for _ in db.counted.find_all(sa.literal(1) / db.counted.c.n > 0):
                    pass
        await db.counted.create()
    assert await db.counted.count() == 2


async def test_streams_raise_the_same_errors_as_other_calls(db: Database, address: str) -> None:
    await db.counted.create_many([{"n": n} for n in range(700)])
    c, admin = db.counted.c, Database(address)
    comparison: Any = c.n == "x"

    async def read(db: Database, *conditions: Any) -> None:
        async for _ in db.counted.find_all(conditions):
            pass

    with pytest.raises(InvalidValueError, match="Counted: "):
        await read(db, sa.literal(1) / (c.n - 600) < 2)
    with pytest.raises((RefusedError, InvalidValueError), match="Counted: "):
        await read(db, comparison)
    with pytest.raises(RefusedError, match="Counted: "):
        await read(db, sa.func.no_such_function(c.n))
    async with Database(address, statement_timeout=0.05) as short:
        with pytest.raises(TimedOutError, match="Counted: "):
            await read(short, sa.func.pg_sleep(0.01).is_not(None))
    with pytest.raises(UnreachableError, match="Counted: "):
        async with db.transaction() as session:
            pid = int(str(await session.scalar(sa.text("SELECT pg_backend_pid()"))))
            async for _ in db.counted.find_all():
                if pid:
                    await terminate(admin, pid)
                    pid = 0
    await admin.dispose()
    assert db.pool_status()["in_use"] == 0
    assert await db.counted.count() == 700


@pytest.mark.parametrize("caught", [False, True])
async def test_run_repeats_a_conflict_in_a_stream(db: Database, address: str, caught: bool) -> None:
    await db.counted.create()
    attempts = 0
    async with Database(address) as other:

        async def work(_: Any) -> None:
            nonlocal attempts
            attempts += 1
            assert await db.counted.count() == 1  # this statement takes the snapshot
            if attempts == 1:
                await other.counted.update_by_id(1, n=5)
            with suppress(ConflictError if caught else ZeroDivisionError):
                async for counted in db.counted.find_all().for_update():
                    await db.counted.update_by_id(counted.id, n=counted.n + 1)

        await db.run(work, isolation="REPEATABLE READ")
    assert (attempts, (await db.counted.get_one_by_id(1)).n) == (2, 6)
