"""Interrupted calls, and sessions between calls: a transaction is committed as a whole, or raises an error."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
import sqlalchemy as sa
from guild_db import Database, DatabaseError, InvalidValueError, TransactionError
from sqlalchemy.orm import selectinload

from tests.runtime.models import Guild, User

SLOW = sa.func.pg_sleep(1).is_not(None)


def values(n: int = 1, **more: Any) -> Any:
    return {"discord_id": n, "guild_id": 1, "name": f"u{n}", **more}


async def stored(db: Database) -> list[int]:
    return sorted([user.discord_id for user in await db.user.find_all()])


@contextlib.asynccontextmanager
async def cut_off() -> Any:
    """Cancel the awaited call of the block, and continue after the block."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            yield


async def test_rollback_holds_after_a_driver_error(db: Database) -> None:
    async with db.session() as session:
        users = db.user.using(session)
        await users.create(**values(1))
        with pytest.raises(InvalidValueError):
            await users.find_one(discord_id=2**70)
        await session.rollback()
        await users.create(**values(2))
    assert await stored(db) == [2]


@pytest.mark.parametrize("by", ["session", "controller"])
async def test_rollback_holds_after_a_cancellation(db: Database, by: str) -> None:
    with contextlib.suppress(Exception):
        async with db.session() as session:
            users = db.user.using(session)
            await users.create(**values(1))
            async with cut_off():
                await (session.scalar(sa.text("SELECT pg_sleep(1)")) if by == "session" else users.find_all(SLOW))
            await session.rollback()
            await users.create(**values(2))
    assert 1 not in await stored(db)
    assert db.pool_status()["in_use"] == 0


@pytest.mark.parametrize("by", ["session", "controller"])
async def test_block_with_an_interrupted_call_commits_all_or_raises(db: Database, by: str) -> None:
    with pytest.raises(DatabaseError):
        async with db.transaction() as session:
            await db.user.create(**values(1))
            async with cut_off():
                await (session.scalar(sa.text("SELECT pg_sleep(1)")) if by == "session" else db.user.find_all(SLOW))
            await db.user.create(**values(2))
    assert await stored(db) == []


async def test_session_objects_and_nested_calls_share_one_transaction(db: Database) -> None:
    async with db.transaction() as session:
        session.add(Guild(id=5, name="five"))
        async with db.transaction() as inner:
            assert inner is session
            await db.user.create(**values(1, guild_id=5))
        with contextlib.suppress(KeyError):
            async with db.transaction():
                session.add(Guild(id=6, name="six"))
                await db.user.create(**values(2))
                raise KeyError
        session.add(Guild(id=7, name="seven"))
    assert sorted([guild.id for guild in await db.guild.find_all()]) == [1, 5, 7]
    assert await stored(db) == [1]


async def test_stream_in_a_transaction_continues_beside_other_calls(db: Database) -> None:
    await db.user.create_many([values(n) for n in range(1200)])
    async with db.transaction():
        async for _ in db.user.find_all():
            break
        assert await db.user.count() == 1200
        async for user in db.user.find_all().load("guild"):
            await db.user.update_by_id(user.id or 0, points=1)
        assert await db.user.count(points=1) == 1200
    assert db.pool_status()["in_use"] == 0


async def test_one_connection_is_enough_for_every_call(url: str, db: Database) -> None:
    async with Database(url, pool_size=1, max_overflow=0, pool_timeout=2) as single:
        for _ in range(3):
            async with single.transaction() as session:
                await single.user.find_all()
                await session.scalar(sa.text("SELECT 1"))
                async with single.transaction():
                    await single.user.find_all().load("guild")
        async with single.session() as session:
            await single.user.using(session).find_all().load("guild")
        assert [user async for user in single.user.find_all().load("guild")] == []
        assert await single.user.find_all(options=[selectinload(User.guild)]) == []  # type: ignore[arg-type]  # SQLModel's types


async def test_orm_reads_see_writes_of_their_transaction(db: Database) -> None:
    async with db.transaction():
        await db.user.create(**values())
        for points in (3, 9):
            await db.user.update_where(all_rows=True, points=points)
            (user,) = await db.user.find_all(options=[selectinload(User.guild)])  # type: ignore[arg-type]  # SQLModel's types
            assert (user.points, user.guild.id) == (points, 1)


async def test_session_of_a_block_cannot_commit(db: Database) -> None:
    with pytest.raises(TransactionError, match="commits at its end"):
        async with db.transaction() as session:
            await db.user.create(**values())
            await session.commit()
    assert await stored(db) == []
