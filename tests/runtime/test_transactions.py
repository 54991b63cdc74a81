"""Sessions, ambient transactions, savepoints, retries, and the tests' sandbox."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
import sqlalchemy as sa
from guild_conftest import sandbox
from guild_db import (
    ConflictError,
    Database,
    InvalidValueError,
    TransactionError,
    UniqueViolation,
    UserController,
)
from guild_db.runtime.errors import translated
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession

from tests.runtime.models import Guild, User


def values(n: int = 1, **more: Any) -> Any:
    return {"discord_id": n, "guild_id": 1, "name": f"u{n}", **more}


async def test_calls_inside_a_transaction_join_it(db: Database) -> None:
    async with db.transaction() as session:
        await db.user.create(**values(1))
        async with db.session() as other:
            assert await db.user.using(other).count() == 0
        assert await session.scalar(sa.select(sa.func.count()).select_from(User)) == 1
    assert await db.user.count() == 1


async def test_exception_rolls_back(db: Database) -> None:
    with pytest.raises(RuntimeError, match="stop"):
        async with db.transaction():
            await db.user.create(**values(1))
            raise RuntimeError("stop")
    assert await db.user.count() == 0
    assert db.pool_status()["in_use"] == 0


async def test_cancellation_rolls_back(db: Database) -> None:
    started = asyncio.Event()

    async def work() -> None:
        async with db.transaction():
            await db.user.create(**values(1))
            started.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await db.user.count() == 0
    assert db.pool_status()["in_use"] == 0


async def test_nested_block_is_a_savepoint(db: Database) -> None:
    async with db.transaction():
        await db.user.create(**values(1))
        with pytest.raises(UniqueViolation):
            async with db.transaction():
                await db.user.create(**values(2))
                await db.user.create(**values(1))
        await db.user.create(**values(3))
    assert {user.discord_id for user in await db.user.find_all()} == {1, 3}


async def test_objects_of_the_session_are_flushed_before_calls(db: Database) -> None:
    async with db.transaction() as session:
        session.add(Guild(id=2, name="new"))
        assert await db.guild.get_by_id(2) is not None
        guild = await session.get(Guild, 1)
        assert guild is not None
        mine = await db.guild.get_by_id(1)
        assert mine is not guild
        with pytest.raises(UniqueViolation):
            async with db.transaction():
                await db.guild.create(id=1, name="again")
        assert guild.name == "home"
        assert sa.inspect(mine).detached


async def test_using_joins_an_explicit_session(db: Database) -> None:
    async with db.session() as session:
        users = db.user.using(session)
        await users.create(**values(1))
        assert await db.user.count() == 0
        assert await users.count() == 1
        await session.rollback()
    assert await db.user.count() == 0


async def test_session_commits_at_the_end(db: Database) -> None:
    async with db.session() as session:
        session.add(Guild(id=2, name="new"))
    assert await db.guild.find_all().count() == 2
    with pytest.raises(KeyError):
        async with db.session() as session:
            session.add(Guild(id=3, name="new"))
            await session.flush()
            raise KeyError
    assert await db.guild.find_all().count() == 2


async def test_call_in_a_child_task_raises_a_helpful_error(db: Database) -> None:
    async with db.transaction():
        with pytest.raises(TransactionError, match="await the call in the task that opened the transaction"):
            await asyncio.create_task(db.user.count())
        with pytest.raises(TransactionError, match="await the call in the task that opened the transaction"):
            await asyncio.gather(db.user.count(), db.user.create(**values(1)))
        await db.user.create(**values(2))
    assert await db.user.count() == 1


async def test_task_that_outlives_the_transaction_is_independent(db: Database) -> None:
    over = asyncio.Event()

    async def later() -> int:
        await over.wait()
        return await db.user.count()

    async with db.transaction():
        task = asyncio.create_task(later())
        await db.user.create(**values(1))
    over.set()
    assert await task == 1


async def test_two_databases_do_not_share_a_transaction(db: Database, url: str) -> None:
    async with Database(url) as other, db.transaction():
        await db.user.create(**values(1))
        assert await other.user.count() == 0
        await asyncio.create_task(other.user.count())


async def test_gather_outside_a_transaction_runs_concurrently(db: Database) -> None:
    await asyncio.gather(*(db.user.create(**values(n)) for n in range(20)))
    assert await db.user.count() == 20


async def test_isolation_and_read_only_require_the_outermost_block(db: Database) -> None:
    async with db.transaction(isolation="SERIALIZABLE", read_only=True) as session:
        assert await session.scalar(sa.text("SHOW transaction_isolation")) == "serializable"
        assert await session.scalar(sa.text("SHOW transaction_read_only")) == "on"
        with pytest.raises(TransactionError, match="outermost"):
            async with db.transaction(isolation="SERIALIZABLE"):
                pass
    async with db.transaction() as session:
        assert await session.scalar(sa.text("SHOW transaction_isolation")) == "read committed"
        assert await session.scalar(sa.text("SHOW transaction_read_only")) == "off"


async def test_read_only_refuses_writes(db: Database) -> None:
    with pytest.raises(TransactionError, match="the transaction is read-only"):
        async with db.transaction(read_only=True):
            await db.user.create(**values(1))


async def test_deferred_constraints_raise_our_errors_at_commit(db: Database) -> None:
    async with db.engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE users DROP CONSTRAINT IF EXISTS uq_deferred"))
        await connection.execute(
            sa.text("ALTER TABLE users ADD CONSTRAINT uq_deferred UNIQUE (rank) DEFERRABLE INITIALLY DEFERRED")
        )
    try:
        with pytest.raises(UniqueViolation, match="uq_deferred"):
            async with db.transaction():
                await db.user.create(**values(1))
                await db.user.create(**values(2))
    finally:
        async with db.engine.begin() as connection:
            await connection.execute(sa.text("ALTER TABLE users DROP CONSTRAINT uq_deferred"))


async def test_run_repeats_on_serialization_failure(db: Database) -> None:
    await db.user.create(**values(1))
    attempts = 0

    async def work(_: AsyncSession) -> int:
        nonlocal attempts
        attempts += 1
        user = await db.user.get_one_by_id(1)
        if attempts == 1:  # another transaction commits first
            async with db.session() as other:
                await db.user.using(other).update_by_id(1, points=10)
        updated = await db.user.update_by_id(1, points=user.points + 1)
        assert updated is not None
        return updated.points

    assert await db.run(work, isolation="REPEATABLE READ") == 11
    assert attempts == 2


async def test_run_repeats_on_deadlock(db: Database) -> None:
    await db.user.create_many([values(1), values(2)])
    meeting = asyncio.Barrier(2)
    attempts = 0

    async def work(first: int, second: int) -> None:
        nonlocal attempts
        attempts += 1
        await db.user.update_by_id(first, points=db.user.c.points + 1)
        if attempts <= 2:
            await meeting.wait()
        await db.user.update_by_id(second, points=db.user.c.points + 1)

    await asyncio.gather(db.run(lambda _: work(1, 2)), db.run(lambda _: work(2, 1)))
    assert attempts == 3
    assert [user.points for user in await db.user.find_all()] == [2, 2]


async def test_run_repeats_only_conflicts_and_limits_retries(db: Database) -> None:
    attempts = 0

    async def broken(session: AsyncSession) -> None:
        nonlocal attempts
        attempts += 1
        await session.exec(sa.text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$"))

    with pytest.raises(DBAPIError):
        await db.run(broken, retries=2)
    assert attempts == 3

    async def wrong(_: AsyncSession) -> None:
        nonlocal attempts
        attempts += 1
        await db.user.create(**values(1, guild_id=10**30))

    with pytest.raises(InvalidValueError):
        await db.run(wrong)
    assert attempts == 4


async def test_run_inside_a_transaction_joins_it(db: Database) -> None:
    attempts = 0

    async def broken(session: AsyncSession) -> None:
        nonlocal attempts
        attempts += 1
        await session.exec(sa.text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$"))

    with pytest.raises(DBAPIError):
        async with db.transaction():
            await db.run(broken)
    assert attempts == 1


async def test_sandbox_rolls_everything_back(db: Database) -> None:
    async with sandbox(db):
        await db.user.create(**values(1))
        async with db.transaction():
            await db.user.create(**values(2))
            async with db.transaction():
                await db.user.create(**values(3))
        async with db.session() as session:
            session.add(Guild(id=2, name="new"))
        assert await db.user.count() == 3
    assert await db.user.count() == 0
    assert await db.guild.find_all().count() == 1


async def test_sandbox_survives_a_failed_call(db: Database) -> None:
    async with sandbox(db):
        await db.user.create(**values(1))
        with pytest.raises(UniqueViolation):
            await db.user.create(**values(1))
        with pytest.raises(UniqueViolation):
            async with db.transaction():
                await db.user.create(**values(2))
                await db.user.create(**values(1))
        assert await db.user.count() == 1


async def test_sandbox_lets_tasks_take_turns(db: Database) -> None:
    async def transfer(n: int) -> None:
        async with db.transaction():
            await db.user.update_by_id(1, points=db.user.c.points + n)
            await asyncio.sleep(0)
            await db.user.update_by_id(2, points=db.user.c.points + n)

    async with sandbox(db):
        await db.user.create_many([values(1), values(2)])
        await asyncio.gather(*(transfer(n) for n in range(10)), *(db.user.count() for _ in range(10)))
        assert [user.points for user in await db.user.find_all()] == [45, 45]


async def test_sandbox_calls_inside_a_session_block_do_not_deadlock(db: Database) -> None:
    async with sandbox(db), asyncio.timeout(5):
        async with db.session() as session:
            await session.exec(sa.text("SELECT 1"))
            await db.user.create(**values(1))
            await asyncio.gather(db.user.create(**values(2)), db.user.create(**values(3)))
        async for user in db.user.find_all():
            await db.user.update_by_id(user.id or 0, points=1)
        assert await db.user.count(points=1) == 3


async def test_sandbox_covers_other_tasks_and_cannot_be_nested(db: Database) -> None:
    async with sandbox(db):
        await asyncio.create_task(db.user.create(**values(1)))
        assert await asyncio.create_task(db.user.count()) == 1
        with pytest.raises(TransactionError, match="already open"):
            async with sandbox(db):
                pass
        async with db.transaction():
            with pytest.raises(TransactionError, match="task"):
                await asyncio.create_task(db.user.count())
    assert await db.user.count() == 0


async def test_sandbox_undoes_inner_rollbacks_completely(db: Database) -> None:
    async with sandbox(db):
        async with db.session() as session:
            await db.user.using(session).create(**values(1))
            await session.rollback()
        with pytest.raises(KeyError):
            async with db.session() as session:
                await db.user.using(session).create(**values(2))
                raise KeyError
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), db.transaction():
                await db.user.create(**values(3))
                await asyncio.sleep(5)
        with pytest.raises(InvalidValueError):
            await db.user.find_one(discord_id=2**70)
        assert await db.user.count() == 0


async def test_aborted_transaction_is_not_mistaken_for_committed(db: Database) -> None:
    """PostgreSQL answers the COMMIT of an aborted transaction with ROLLBACK, and without an error."""

    async def twice(user: UserController) -> None:
        await user.create(**values())
        with pytest.raises(UniqueViolation):
            await user.create(**values())

    async def in_transaction() -> None:
        async with db.transaction():
            await twice(db.user)

    async def in_session() -> None:
        async with db.session() as session:
            await twice(db.user.using(session))

    async def run() -> None:
        await db.run(lambda _: twice(db.user))

    for way in (in_transaction, in_session, run):
        for _ in range(2):
            with pytest.raises(TransactionError, match="ended the transaction"):
                await way()
            assert await db.user.count() == 0


async def test_failed_statement_of_the_session_aborts_the_transaction(db: Database) -> None:
    with pytest.raises(TransactionError, match="ended the transaction"):
        async with db.transaction() as session:
            await db.user.create(**values())
            with pytest.raises(DBAPIError):
                await session.exec(sa.text("SELECT 1 / 0"))
    assert await db.user.count() == 0


async def test_error_before_the_server_does_not_abort_the_transaction(db: Database) -> None:
    for _ in range(3):
        async with db.transaction():
            await db.user.create(**values())
            with pytest.raises(InvalidValueError):
                await db.user.find_one(discord_id=2**70)
        assert await db.user.delete_where(db.user.c.discord_id == 1) == 1


async def test_error_in_a_savepoint_aborts_only_the_savepoint(db: Database) -> None:
    async with db.transaction():
        await db.user.create(**values())
        with pytest.raises(TransactionError, match="ended the transaction"):
            async with db.transaction():
                with pytest.raises(UniqueViolation):
                    await db.user.create(**values())
        await db.user.create(**values(2))
    assert await db.user.count() == 2


async def test_sandbox_survives_an_aborted_transaction(db: Database) -> None:
    async with sandbox(db):
        with pytest.raises(TransactionError, match="ended the transaction"):
            async with db.transaction():
                await db.user.create(**values())
                with pytest.raises(UniqueViolation):
                    await db.user.create(**values())
        assert await db.user.count() == 0


async def test_sandbox_survives_abandoned_streams(db: Database) -> None:
    await db.user.create_many([values(n) for n in range(20)])
    for _ in range(5):
        async with sandbox(db):
            for _ in range(5):
                async for _ in db.user.find_all():
                    break
                assert await db.user.count() == 20


async def test_closed_session_raises(db: Database) -> None:
    async with db.session() as session:
        user = db.user.using(session)
    with pytest.raises(InvalidRequestError, match="closed"):
        await user.create(**values())
    assert db.pool_status()["in_use"] == 0


async def test_savepoint_is_created_before_its_first_statement(db: Database) -> None:
    for _ in range(3):
        async with db.transaction():
            await db.user.get_by_id(1)
            with contextlib.suppress(KeyError):
                async with db.transaction():
                    await db.user.create(**values())
                    raise KeyError
        assert await db.user.count() == 0


async def test_savepoint_of_the_session_saves_the_transaction(db: Database) -> None:
    async with db.transaction() as session:
        await db.user.create(**values())
        await session.exec(sa.text("SAVEPOINT mine"))
        with pytest.raises(UniqueViolation):
            await db.user.create(**values())
        await session.exec(sa.text("ROLLBACK TO SAVEPOINT mine"))
    assert await db.user.count() == 1


async def test_error_in_an_autocommit_session_ends_nothing(db: Database) -> None:
    async with db.session() as session:
        await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
        await db.user.using(session).create(**values())
        with pytest.raises(UniqueViolation):
            await db.user.using(session).create(**values())
    assert await db.user.count() == 1


async def test_savepoint_in_an_aborted_transaction_raises(db: Database) -> None:
    with pytest.raises(TransactionError, match="ended the transaction"):
        async with db.transaction():
            await db.user.create(**values())
            with contextlib.suppress(UniqueViolation):
                await db.user.create(**values())
            async with db.transaction():
                pass


async def test_failed_flush_aborts_the_transaction(db: Database) -> None:
    with pytest.raises(TransactionError, match="ended the transaction"):
        async with db.transaction() as session:
            session.add(Guild(id=1, name="again"))
            with contextlib.suppress(DBAPIError):
                await session.flush()


async def test_run_repeats_after_a_caught_conflict(db: Database) -> None:
    tries: list[int] = []

    async def work(session: AsyncSession) -> None:
        tries.append(1)
        if len(tries) < 3:
            with contextlib.suppress(DBAPIError):
                await session.exec(sa.text("DO $$ BEGIN RAISE EXCEPTION 'x' USING errcode = '40001'; END $$"))
        await db.user.create(**values())

    await db.run(work)
    assert (len(tries), await db.user.count()) == (3, 1)


async def test_deadlock_and_serialization_failure_raise_conflict_error(db: Database) -> None:
    for code in ("40P01", "40001"):
        with pytest.raises(ConflictError):
            async with db.transaction() as session:
                with translated(Guild):
                    await session.exec(sa.text(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING errcode = '{code}'; END $$"))
