"""Sessions of blocks and of `db.session()`: permitted operations, and errors that they must not hide."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import Any

import pytest
import sqlalchemy as sa
from guild_db import CheckViolation, Database, TimedOutError, TransactionError, UniqueViolation

from tests.runtime.models import Guild


async def test_block_raises_if_its_session_rolled_back(db: Database) -> None:
    with pytest.raises(TransactionError, match="nothing is stored"):
        async with db.transaction() as session:
            session.add(Guild(id=2, name="two"))
            await session.flush()
            transaction = session.sync_session.get_transaction()
            assert transaction
            await session.run_sync(lambda _: transaction.rollback())
            await db.guild.create(id=3, name="three")
    assert await db.guild.count() == 1


@pytest.mark.parametrize(
    "statement", ["COMMIT", "end", " -- now\n rollback", "/* now */ BEGIN", "ROLLBACK WORK", "start transaction"]
)
async def test_statement_of_a_session_cannot_end_its_transaction(db: Database, statement: str) -> None:
    for block in (db.session(), db.transaction()):
        with pytest.raises(TransactionError, match="blocks begin and end transactions"):
            async with block as session:
                session.add(Guild(id=2, name="two"))
                await session.execute(sa.text(statement))
    assert await db.guild.count() == 1


async def test_handwritten_savepoints_are_allowed(db: Database) -> None:
    async with db.transaction() as session:
        await session.execute(sa.text("SAVEPOINT mine"))
        await db.guild.create(id=2, name="two")
        await session.execute(sa.text("ROLLBACK TO SAVEPOINT mine"))
        await session.execute(sa.text("/* again */ ROLLBACK TRANSACTION TO mine"))
    assert await db.guild.count() == 1


# after_commit


async def test_callback_of_a_rolled_back_session_savepoint_is_dropped(db: Database) -> None:
    calls: list[str] = []
    async with db.transaction() as session:
        db.after_commit(lambda: calls.append("block"))
        with suppress(KeyError):
            async with session.begin_nested():
                db.after_commit(lambda: calls.append("undone"))
                async with session.begin_nested():
                    db.after_commit(lambda: calls.append("released inside of what is undone"))
                raise KeyError
        async with session.begin_nested():
            db.after_commit(lambda: calls.append("savepoint"))
    assert calls == ["block", "savepoint"]


async def test_callback_in_a_session_waits_for_the_commit(db: Database) -> None:
    calls: list[str] = []
    async with db.session() as session:
        session.add(Guild(id=2, name="two"))
        db.after_commit(lambda: calls.append(f"two of {len(calls)}"))
        with suppress(KeyError):
            async with session.begin_nested():
                db.after_commit(lambda: calls.append("undone"))
                raise KeyError
        assert calls == []
    assert calls == ["two of 0"]


async def test_callback_in_a_rolled_back_session_is_dropped(db: Database) -> None:
    calls: list[str] = []
    with suppress(KeyError):
        async with db.session() as session:
            session.add(Guild(id=2, name="two"))
            db.after_commit(lambda: calls.append("never"))
            await session.flush()
            raise KeyError
    async with db.session() as session:
        session.add(Guild(id=3, name="three"))
        db.after_commit(lambda: calls.append("never"))
        await session.rollback()
    async with db.session() as session:
        session.add(Guild(id=4, name="four"))
        db.after_commit(lambda: calls.append("stored by hand"))
        await session.commit()
        session.add(Guild(id=5, name="five"))
        await session.flush()
        db.after_commit(lambda: calls.append("after that, rolled back"))
        await session.rollback()
    assert calls == ["stored by hand"]


async def test_callback_must_be_a_function(db: Database) -> None:
    async def later() -> None: ...

    coroutine: Any = later()
    async with db.transaction():
        with pytest.raises(TypeError, match="takes a function to call, not coroutine"):
            db.after_commit(coroutine)
    coroutine.close()


# streams


async def test_stream_that_outlives_its_block_does_not_affect_the_next_transaction(url: str, db: Database) -> None:
    await db.guild.create_many([{"id": number, "name": "g"} for number in range(2, 1200)])
    async with Database(url, pool_size=1, max_overflow=0, pool_timeout=1) as single:
        async with single.transaction(), aclosing(aiter(single.guild.find_all())) as stream:
            await anext(stream)
            leaked = stream
        async with single.transaction():
            leaked = aiter(single.guild.find_all())
            await anext(leaked)
        async with single.transaction():
            await single.guild.create(id=5000, name="other")
            with pytest.raises(TransactionError, match="is over"):
                async for _ in leaked:
                    pass
        assert await single.guild.get_by_id(5000)


async def test_stream_that_outlives_its_savepoint_raises(db: Database) -> None:
    await db.guild.create_many([{"id": number, "name": "g"} for number in range(2, 1200)])
    with pytest.raises(TransactionError, match="savepoint of this stream is over"):
        async with db.transaction():
            stream: Any = None
            with suppress(KeyError):
                async with db.transaction():
                    stream = aiter(db.guild.find_all())
                    await anext(stream)
                    raise KeyError
            async for _ in stream:
                pass


async def test_exhausted_pool_reports_its_size_and_users(url: str, db: Database) -> None:
    async with (
        Database(url, pool_size=1, max_overflow=1, pool_timeout=0.05) as small,
        small.session() as first,
        small.session() as second,
    ):
        await asyncio.gather(first.scalar(sa.text("SELECT 1")), second.scalar(sa.text("SELECT 1")))
        with pytest.raises(TimedOutError, match=r"0\.05 s: all 2 of the pool are in use"):
            await small.guild.count()


# autocommit


async def test_bulk_calls_in_an_autocommit_session_are_all_or_nothing(db: Database) -> None:
    async with db.session() as session:
        await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
        guilds = db.guild.using(session)
        with pytest.raises(UniqueViolation):
            await guilds.create_many(
                [{"id": 2, "name": "a"}, {"id": 3, "name": "b", "settings": {}}, {"id": 1, "name": "c"}]
            )
        user = await db.user.using(session).create(discord_id=1, guild_id=1, name="old")
        with pytest.raises(CheckViolation):
            await db.user.using(session).bulk_update(
                [{"id": user.id, "name": "new"}, {"id": user.id, "points": 2_000_000}]
            )
        assert [user.name for user in await db.user.find_all()] == ["old"]
        assert [guild.name for guild in await guilds.find_all()] == ["home"]
        await guilds.create(id=4, name="d")
        assert await db.guild.count() == 2
