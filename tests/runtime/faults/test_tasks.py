"""Tasks that are started inside a block."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from guild_db import (
    Database,
    TransactionError,
)


async def test_tasks_of_a_block_open_their_own_transactions_and_sessions(db: Database) -> None:
    async def block(n: int) -> None:
        async with db.transaction():
            await db.counted.create(n=n)
            async with db.transaction():
                await db.counted.create(n=n)

    async def session(n: int) -> None:
        async with db.session() as own:
            await db.counted.using(own).create(n=n)

    async def run(n: int) -> None:
        async def work(_: Any) -> None:
            await db.counted.create(n=n)

        await db.run(work, isolation="SERIALIZABLE")

    with pytest.raises(KeyError):
        async with db.transaction():
            await db.skipped.create(name="lost")
            async with asyncio.TaskGroup() as tasks:
                for n, own in enumerate((block, session, run)):
                    tasks.create_task(own(n))
            assert await db.skipped.count() == 1  # this task is still inside its block
            raise KeyError
    assert sorted([row.n for row in await db.counted.find_all()]) == [0, 0, 1, 2]
    assert await db.skipped.count() == 0


async def test_task_that_outlives_its_block_continues_its_own_transaction(db: Database) -> None:
    begun, over = asyncio.Event(), asyncio.Event()

    async def own() -> None:
        async with db.transaction():
            await db.counted.create(n=1)
            begun.set()
            await over.wait()
            await db.counted.create(n=2)
        await db.counted.create(n=3)

    async with db.transaction():
        task = asyncio.create_task(own())
        await begun.wait()
        await db.counted.create(n=9)
    over.set()
    await task
    assert sorted([row.n for row in await db.counted.find_all()]) == [1, 2, 3, 9]


async def test_stream_in_a_task_of_a_block_raises_a_helpful_error(db: Database) -> None:
    async def read() -> None:
        async for _ in db.counted.find_all():
            pass

    async with db.transaction():
        with pytest.raises(TransactionError, match=r"asyncio\.timeout"):
            await asyncio.create_task(read())
