"""A process that forks while it has connections. ``test_half_open`` starts it with an address and a scenario."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import sys
import traceback

import sqlalchemy as sa

from generated import Database

CALLS = 200


async def right_answers(db: Database, who: str) -> int:
    """Send many different queries concurrently, check each answer, and return the backends that served them."""

    async def ask(n: int) -> None:
        async with db.session() as session:
            text = f"{who} {n}"
            answer = await session.scalar(sa.text("SELECT CAST(:expected AS text)"), {"expected": text})
            assert answer == text, f"{who} got {answer!r} instead of {text!r}"
        user = await db.user.get_one_by_discord_id(n % 3 + 1)
        assert user.discord_id == n % 3 + 1

    async with asyncio.timeout(20):
        await asyncio.gather(*(ask(n) for n in range(CALLS)))
        async with db.transaction() as session:
            return int(str(await session.scalar(sa.text("SELECT pg_backend_pid()"))))


def child(db: Database, seen: set[int]) -> None:
    """Work on a separate event loop, as a forked worker does."""
    for _ in range(2):
        backend = asyncio.run(right_answers(db, "child"))
        assert backend not in seen, "the child used a connection of its parent"
        gc.collect()


async def backends(db: Database) -> set[int]:
    """Open every connection of the pool, and return their backends."""
    together = asyncio.Barrier(3)

    async def one() -> int:
        async with db.transaction() as session:
            await together.wait()
            return int(str(await session.scalar(sa.text("SELECT pg_backend_pid()"))))

    return set(await asyncio.gather(*(one() for _ in range(3))))


def forked(db: Database, seen: set[int]) -> int:
    """Fork as a worker server does; the child exits immediately, like those of multiprocessing.

    The child must not use ``sys.exit``: asyncio would close the parent's event loop on the shared ``epoll``.
    """
    if pid := os.fork():
        return pid
    status = 1
    try:
        child(db, seen)
        status = 0
    except BaseException:  # noqa: BLE001 - the child ends here on any error
        traceback.print_exc()
    os._exit(status)


def done(pid: int) -> None:
    """Wait for a child, which must succeed."""
    _, status = os.waitpid(pid, 0)
    assert status == 0, f"the child ended with {os.waitstatus_to_exitcode(status)}"


async def while_running(db: Database, way: str) -> None:
    """Fork in a running event loop, and work during and after the child."""
    seen = await backends(db)
    if way == "fork":
        pid = forked(db, seen)
        await right_answers(db, "parent")
        await asyncio.to_thread(done, pid)
    else:
        process = multiprocessing.get_context("fork").Process(target=child, args=(db, seen))
        process.start()
        await right_answers(db, "parent")
        await asyncio.to_thread(process.join)
        assert process.exitcode == 0
    await right_answers(db, "parent")
    assert await backends(db) == seen, "the child ended sessions of its parent"
    await db.dispose()


def between_loops(db: Database) -> None:
    """Fork between two event loops, with the connections of the first one still open."""
    loop = asyncio.new_event_loop()
    seen = loop.run_until_complete(backends(db))
    pid = forked(db, seen)
    loop.run_until_complete(right_answers(db, "parent"))
    done(pid)
    assert loop.run_until_complete(backends(db)) == seen, "the child ended sessions of its parent"
    loop.run_until_complete(db.dispose())
    loop.close()


if __name__ == "__main__":
    database = Database(sys.argv[1], pool_size=3, max_overflow=0)
    if sys.argv[2] == "between":
        between_loops(database)
    else:
        asyncio.run(while_running(database, sys.argv[2]))
    sys.stdout.write("right\n")
