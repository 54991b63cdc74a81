"""A ``Database`` is not bound to an event loop."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest
import sqlalchemy as sa
from guild_db import (
    Database,
)


async def on_loops_in_a_row(address: str) -> None:
    shared = Database(address)
    await shared.counted.create()

    async def request() -> int:
        async with shared.transaction() as session:
            await shared.counted.create()
            await session.execute(sa.text("SELECT 1"))
        async with shared.session() as session:
            await shared.counted.using(session).create()
        return len([one async for one in shared.counted.find_all()])

    for count in (3, 5, 7):
        assert await asyncio.to_thread(asyncio.run, request()) == count
        assert await shared.counted.count() == count
    await shared.dispose()


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # from event loops that end with open connections
async def test_module_level_database_works_in_successive_event_loops(db: Database, address: str) -> None:
    assert await db.counted.count() == 0
    await on_loops_in_a_row(address)
    gc.collect()


async def test_two_event_loops_use_a_database_concurrently(db: Database, address: str) -> None:
    shared, inside, outside = Database(address, pool_size=1, max_overflow=0), threading.Event(), threading.Event()

    async def other() -> dict[str, int]:
        async with shared.transaction():
            await shared.counted.create(n=1)
            inside.set()
            await asyncio.to_thread(outside.wait, 5)
        status = shared.pool_status()
        await shared.dispose()
        return status

    thread = asyncio.create_task(asyncio.to_thread(asyncio.run, other()))
    await asyncio.to_thread(inside.wait, 5)
    async with shared.transaction():  # on the only connection of this loop, while the other loop uses its own
        assert await shared.counted.count() == 0
        outside.set()
        assert await thread == {"idle": 1, "in_use": 0, "overflow": 0}
        await shared.counted.create(n=2)
    assert await shared.counted.count() == 2
    await shared.dispose()
