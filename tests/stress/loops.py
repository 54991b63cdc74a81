"""A program with a module-level database that is used on successive event loops, or on two concurrently.

``test_loops`` starts it with ``DATABASE_URL`` and the name of a scenario.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from generated import Database
from tests.scenarios.conftest import GUILD

db = Database(pool_size=3, max_overflow=2)
ROUNDS = 20


async def request(n: int) -> str:
    """Do the work of an endpoint: read, write, a transaction, a session, a stream, and some of them concurrently."""
    await db.user.create(discord_id=n, guild_id=GUILD, username=f"u{n}")
    async with db.transaction() as session:
        await db.user.update_by_discord_id(n, points=db.user.c.points + n)
        await session.execute(sa.text("SELECT 1"))
    async with db.session() as session:
        user = await db.user.using(session).get_one_by_discord_id(n, load=["guild"])
        assert user.guild.id == GUILD
    users = await asyncio.gather(*(db.user.get_one_by_discord_id(n) for _ in range(10)))
    assert {user.points for user in users} == {n}
    assert [one.discord_id async for one in db.user.find_all(discord_id=n)] == [n]
    async with db.engine.connect() as connection:
        assert await connection.scalar(sa.text("SELECT CAST(:n AS integer)"), {"n": n}) == n
    return user.username


def answered(n: int) -> None:
    """Serve one request on a new event loop, like ``TestClient`` without ``with``."""
    assert asyncio.run(request(n)) == f"u{n}"


def in_a_row() -> None:
    """Call ``asyncio.run`` repeatedly; only the last run disposes of the database."""
    for n in range(1, ROUNDS + 1):
        answered(n)
        gc.collect()
    asyncio.run(disposed())


async def disposed() -> None:
    """Dispose of the database, and check that it still works."""
    await db.user.count()
    await db.dispose()
    assert db.pool_status() == {"idle": 0, "in_use": 0, "overflow": 0}
    await db.user.count()
    await db.dispose()


def in_threads_in_a_row() -> None:
    """A new thread with a new event loop per request, which is how a portal of anyio works."""
    for n in range(1, ROUNDS + 1):
        with ThreadPoolExecutor(1) as portal:
            portal.submit(answered, n).result()


def in_one_thread_beside_a_running_loop() -> None:
    """Run requests on new loops while a fixture's loop also uses the database."""

    async def main() -> None:
        for n in range(1, ROUNDS + 1):
            await request(1000 + n)
            await asyncio.to_thread(answered, n)
            assert await db.user.count() == 2 * n

    asyncio.run(main())


def in_two_threads() -> None:
    """Run two event loops concurrently with many requests each; one ends before the other."""
    failures: list[BaseException] = []
    start = threading.Barrier(2)

    async def many(first: int, count: int) -> None:
        for begin in range(first, first + count, 10):
            names = await asyncio.gather(*(request(n) for n in range(begin, begin + 10)))
            assert names == [f"u{n}" for n in range(begin, begin + 10)]

    def work(first: int, count: int) -> None:
        try:
            start.wait()
            asyncio.run(many(first, count))
        except BaseException as error:  # noqa: BLE001 - the main thread raises it again
            failures.append(error)

    threads = [threading.Thread(target=work, args=(1, 50)), threading.Thread(target=work, args=(1001, 100))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for failure in failures:
        raise failure


def in_threads_that_come_and_go() -> None:
    """Run many loops concurrently and in succession; the pools of other loops may be closed at any time."""
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(answered, range(1, 2 * ROUNDS + 1)))


def with_a_block_left_open() -> None:
    """End a loop while one of its tasks is in a transaction: only its connection is lost."""

    async def leave() -> None:
        entered = asyncio.Event()

        async def hold() -> None:
            async with db.transaction():
                await db.user.create(discord_id=500, guild_id=GUILD, username="left")
                entered.set()
                await asyncio.sleep(60)

        task = asyncio.create_task(hold())
        await entered.wait()
        assert not task.done()

    for n in range(1, 6):
        asyncio.run(leave())
        answered(n)


def without_leaving_connections_open() -> None:
    """Check that the server only has the connections of the last loop."""

    async def backends() -> int:
        async with db.session() as session:
            sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            return int(str(await session.scalar(sa.text(sql))))

    for n in range(1, ROUNDS + 1):
        answered(n)
    gc.collect()
    open_connections = asyncio.run(backends())
    assert open_connections <= 5 + 1 + int(sys.argv[2]), f"{open_connections} connections are open"


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    sys.stdout.write("right\n")
