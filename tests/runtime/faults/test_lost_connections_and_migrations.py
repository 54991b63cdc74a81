"""Connections that are lost inside a block, and migrations between two calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from guild_db import (
    AnyOf,
    ConflictError,
    Database,
    UnreachableError,
)
from sqlalchemy.exc import DBAPIError

from tests.runtime.fault_models import Mood
from tests.runtime.faults.conftest import execute, fails, lose, terminate


@pytest.mark.parametrize("by", ["controller", "session", "stream", "bulk", "flush", "savepoint", "commit"])
async def test_connection_lost_in_a_block_raises_unreachable_error(db: Database, address: str, by: str) -> None:
    async with Database(address) as admin:
        with pytest.raises(UnreachableError):
            async with db.transaction() as session:
                await db.counted.create()
                await lose(db, admin)
                if by == "controller":
                    await db.counted.count()
                elif by == "session":
                    await fails(session.execute(sa.text("SELECT 1")), DBAPIError)
                elif by == "stream":
                    async for _ in db.counted.find_all():
                        pass
                elif by == "bulk":
                    await db.counted.create_many([{}, {"n": 1}])
                elif by == "savepoint":
                    async with db.transaction():
                        pass
                elif by == "flush":
                    session.add(db.counted.model(n=1))
        assert await db.counted.count() == 0
        assert db.pool_status()["in_use"] == 0


@pytest.mark.parametrize("where", ["block", "nested", "using", "run"])
async def test_application_exception_passes_unchanged_through_a_lost_block(
    db: Database, address: str, where: str
) -> None:
    mine = ValueError("mine")
    async with Database(address) as admin:

        async def work(_: Any) -> None:
            await db.counted.create()
            await lose(db, admin)
            raise mine

        async def block() -> None:
            async with db.transaction() as session:
                await work(session)

        async def nested() -> None:
            async with db.transaction(), db.transaction() as session:
                await work(session)

        async def using() -> None:
            async with db.session() as session:
                await db.counted.using(session).create()
                await terminate(admin, int(str(await session.scalar(sa.text("SELECT pg_backend_pid()")))))
                raise mine

        async def run() -> None:
            await db.run(work)

        with pytest.raises(ValueError, match="mine") as caught:
            await {"block": block, "nested": nested, "using": using, "run": run}[where]()
        assert caught.value is mine
        assert await db.counted.count() == 0
        assert db.pool_status()["in_use"] == 0


async def test_commit_of_a_session_with_a_lost_connection_raises_unreachable_error(db: Database, address: str) -> None:
    async with Database(address) as admin:
        with pytest.raises(UnreachableError):
            async with db.session() as session:
                await db.counted.using(session).create()
                await terminate(admin, int(str(await session.scalar(sa.text("SELECT pg_backend_pid()")))))
        assert await db.counted.count() == 0
        assert db.pool_status()["in_use"] == 0


async def test_idle_in_transaction_timeout_raises_unreachable_error(db: Database, address: str) -> None:
    arguments = {"server_settings": {"idle_in_transaction_session_timeout": "200ms"}}
    async with Database(address, pool_size=1, max_overflow=0, connect_args=arguments) as idle:
        with pytest.raises(UnreachableError):
            async with idle.transaction():
                await idle.counted.create()
                await asyncio.sleep(0.6)
                await idle.counted.create()
        async with idle.transaction():
            await idle.counted.create()
    assert await db.counted.count() == 1


MIGRATIONS = {
    "add a column": ("ALTER TABLE counted ADD COLUMN more integer", "ALTER TABLE counted DROP COLUMN more"),
    "change a type": (
        "ALTER TABLE counted ALTER COLUMN n TYPE bigint",
        "ALTER TABLE counted ALTER COLUMN n TYPE integer",
    ),
    "replace the table": (
        "ALTER TABLE counted RENAME TO o; CREATE TABLE counted (LIKE o INCLUDING ALL); INSERT INTO counted TABLE o",
        "DROP TABLE counted; ALTER TABLE o RENAME TO counted",
    ),
}


@asynccontextmanager
async def migrated(address: str, name: str) -> AsyncIterator[Callable[[], Any]]:
    """Yield a function that migrates; undo the migration afterwards."""
    there, back = MIGRATIONS[name]
    async with Database(address) as admin:
        done: list[str] = []

        async def migrate() -> None:
            done.append(name)
            await execute(admin, *there.split(";"))

        yield migrate
        if done:
            await execute(admin, *back.split(";"))


async def streamed(db: Database) -> list[Any]:
    return [(row.id, row.n) async for row in db.counted.find_all(id=1)]


CALLS: dict[str, Callable[[Database], Any]] = {
    "get": lambda db: db.counted.get_by_id(1),
    "find": lambda db: db.counted.find_all(id=1).order_by(db.counted.c.n),
    "page": lambda db: db.counted.find_all().page(5),
    "upsert_many": lambda db: db.counted.upsert_many([{"id": 1, "n": 1}]),
    "update": lambda db: db.counted.update_by_id(1, n=1),
    "update_many": lambda db: db.counted.bulk_update([{"id": 1, "n": 1}]),
    "update_where": lambda db: db.counted.update_where(db.counted.c.n + 0 == 1, n=1),
    "exists": lambda db: db.counted.exists(n=1),
    "sum": lambda db: db.counted.find_all().sum(db.counted.c.n),
    "stream": streamed,
}


@pytest.mark.parametrize("name", MIGRATIONS)
@pytest.mark.parametrize("call", CALLS)
async def test_statement_invalidated_by_a_migration_is_sent_again(
    single: Database, address: str, name: str, call: str
) -> None:
    await single.counted.create(n=1)
    work = CALLS[call]
    right = await work(single)
    for _ in range(2):
        assert await work(single) == right
    async with migrated(address, name) as migrate:
        await migrate()
        assert await work(single) == right
        assert await work(single) == right
    assert await work(single) == right


@pytest.mark.parametrize("name", MIGRATIONS)
@pytest.mark.parametrize("call", ["get", "stream", "bulk", "session"])
async def test_transaction_invalidated_by_a_migration_is_repeated_by_run(
    single: Database, address: str, name: str, call: str
) -> None:
    await single.counted.create(n=1)
    attempts = 0

    async def read(session: Any) -> None:
        if call == "get":
            assert (await single.counted.get_one_by_id(1)).n == 1
        elif call == "stream":
            assert [two.n async for two in single.counted.find_all(id=1)] == [1]
        elif call == "bulk":
            assert [two.n for two in await single.counted.upsert_many([{"id": 1, "n": 1}])] == [1]
        else:
            assert (await session.execute(sa.text("SELECT id, n FROM counted"))).one() == (1, 1)

    async def work(session: Any) -> None:
        nonlocal attempts
        attempts += 1
        await single.skipped.create(name="once")
        await read(session)

    for _ in range(2):
        async with single.transaction() as session:
            await read(session)
    async with migrated(address, name) as migrate:
        await migrate()
        await single.run(work)
        assert attempts <= 2
        assert await single.skipped.count() == 1


async def test_transaction_invalidated_by_a_migration_raises_conflict_error(single: Database, address: str) -> None:
    await single.counted.create(n=1)
    async with migrated(address, "change a type") as migrate:
        assert (await single.counted.get_one_by_id(1)).n == 1
        await migrate()
        with pytest.raises(ConflictError, match="a migration changed the table"):
            async with single.transaction():
                await single.skipped.create(name="never")
                await single.counted.get_one_by_id(1)
        async with single.transaction():
            assert (await single.counted.get_one_by_id(1)).n == 1
    assert await single.skipped.count() == 0


async def test_type_replaced_by_a_migration_is_looked_up_again(single: Database, address: str) -> None:
    await single.thing.create(mood=Mood.BAD)
    labels = ", ".join(f"'{mood.name}'" for mood in Mood)

    async def replace() -> None:
        async with Database(address) as admin:
            await execute(
                admin,
                "ALTER TYPE fault_mood RENAME TO old_mood",
                f"CREATE TYPE fault_mood AS ENUM ({labels})",
                "ALTER TABLE thing ALTER COLUMN mood TYPE fault_mood USING mood::text::fault_mood",
                "ALTER TABLE dated ALTER COLUMN mood TYPE fault_mood USING mood::text::fault_mood",
                "ALTER TABLE dated ALTER COLUMN moods TYPE fault_mood[] USING moods::text[]::fault_mood[]",
                "ALTER TABLE sought ALTER COLUMN moods TYPE fault_mood[] USING moods::text[]::fault_mood[]",
                "DROP TYPE old_mood",
            )

    async def work(_: Any) -> Any:
        await single.counted.create()
        return [await single.thing.count(mood=Mood.BAD), await single.thing.update_where(mood=Mood.BAD, all_rows=True)]

    for _ in range(2):
        assert await single.thing.count(mood=Mood.BAD) == 1
        assert (await single.thing.find_all(mood=AnyOf([Mood.BAD])).one()).mood is Mood.BAD
        assert await single.run(work) == [1, 1]
        await replace()
    assert await single.run(work) == [1, 1]
    assert await single.counted.count() == 3
