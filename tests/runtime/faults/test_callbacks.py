"""Callbacks run only after a commit that has happened."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any

import pytest
from guild_db import (
    Database,
    DatabaseError,
    UniqueViolation,
)

from tests.runtime.faults.conftest import fails, lose


async def test_callbacks_of_failed_attempts_are_dropped(db: Database, address: str) -> None:
    await db.counted.create()
    calls, attempts = list[int](), 0
    async with Database(address) as other:

        async def work(_: Any) -> None:
            nonlocal attempts
            attempts += 1
            number = attempts
            db.after_commit(lambda: calls.append(number))
            await db.counted.count()
            if attempts == 1:
                await other.counted.update_by_id(1, n=5)
            await db.counted.update_by_id(1, n=6)

        await db.run(work, isolation="REPEATABLE READ")
    assert (attempts, calls) == (2, [2])


@pytest.mark.parametrize("end", ["error", "caught", "constraint", "lost", "cancelled"])
async def test_callbacks_do_not_run_without_a_commit(db: Database, address: str, end: str) -> None:
    calls: list[str] = []
    await db.skipped.create(name="there")

    async def work() -> None:
        async with db.transaction() as session:
            db.after_commit(lambda: calls.append("never"))
            await db.counted.create()
            if end == "error":
                raise KeyError
            if end == "caught":
                await fails(db.skipped.create(name="there"), UniqueViolation)
            elif end == "constraint":
                session.add(db.skipped.model(name="there"))
            elif end == "lost":
                async with Database(address) as admin:
                    await lose(db, admin)
            else:
                async with asyncio.timeout(0.01):
                    await asyncio.sleep(5)

    with pytest.raises((KeyError, DatabaseError, TimeoutError)):
        await work()
    assert (calls, await db.counted.count()) == ([], 0)


async def test_callbacks_of_savepoints_run_in_order_after_the_outermost_commit(db: Database) -> None:
    calls: list[str] = []

    async def noted(name: str) -> None:
        await asyncio.sleep(0)
        calls.append(f"{name} {await db.counted.count()}")

    async with db.transaction():
        db.after_commit(lambda: noted("a"))
        async with db.transaction():
            db.after_commit(lambda: calls.append("b"))
            with suppress(KeyError):
                async with db.transaction():
                    db.after_commit(lambda: calls.append("never"))
                    async with db.transaction():
                        db.after_commit(lambda: calls.append("never either"))
                    raise KeyError
            await db.counted.create()
        with suppress(UniqueViolation):
            async with db.transaction():
                db.after_commit(lambda: calls.append("nor this"))
                await db.counted.create(id=1)
        db.after_commit(lambda: noted("c"))
        assert calls == []
    assert calls == ["a 1", "b", "c 1"]


async def test_callback_can_open_a_transaction_and_await(db: Database) -> None:
    calls: list[str] = []

    async def later() -> None:
        async with db.transaction():
            await db.counted.create(n=2)
            db.after_commit(lambda: calls.append("second"))
        db.after_commit(lambda: calls.append("at once"))
        calls.append("first")

    async with db.transaction():
        await db.counted.create(n=1)
        db.after_commit(later)
    assert calls == ["second", "at once", "first"]
    assert await db.counted.count() == 2


async def test_callback_outside_a_transaction_runs_at_once(db: Database) -> None:
    done, calls = asyncio.Event(), list[str]()

    async def later() -> None:
        await db.counted.create()
        done.set()

    db.after_commit(lambda: calls.append("at once"))
    assert calls == ["at once"]
    db.after_commit(later)
    async with asyncio.timeout(2):
        await done.wait()
    assert await db.counted.count() == 1


@pytest.mark.parametrize("awaitable", [False, True])
async def test_exception_in_a_callback_is_logged_and_undoes_nothing(
    db: Database, caplog: pytest.LogCaptureFixture, awaitable: bool
) -> None:
    calls: list[str] = []

    def plain() -> None:
        raise LookupError("of the callback")

    async def later() -> None:
        plain()

    with caplog.at_level(logging.ERROR):
        async with db.transaction():
            await db.counted.create()
            db.after_commit(later if awaitable else plain)
            db.after_commit(lambda: calls.append("still"))
    assert calls == ["still"]
    assert "after_commit" in caplog.text
    assert "of the callback" in caplog.text
    assert await db.counted.count() == 1
