"""Tasks cancelled anywhere leave no lost connection, no open transaction, and no partial write."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa

from generated import Database, DatabaseError, DatabaseService, TimedOutError
from generated.user import UserCreate
from models import User
from tests.scenarios.conftest import GUILD

_log = logging.getLogger(__name__)

APPLICATION = "ctrlgen-cancelled"
SEED = 20_240_601
SIZE, MOST = 4, 6  # connections; tasks are more
TASKS = 16


def row(n: int) -> UserCreate:
    return {"discord_id": n, "guild_id": GUILD, "username": f"u{n}"}


@dataclass
class Step:
    """The work of a task with its number, and its progress: ``inside`` until only the commit is left."""

    db: Database
    n: int
    kind: str
    state: str = "inside"
    rows: tuple[int, ...] = ()

    async def run(self) -> None:
        """Run the step."""
        await STEPS[self.kind](self)
        self.state = "done"


async def get(step: Step) -> None:
    discord_id = step.n % 3 + 1
    user = await step.db.user.get_one_by_discord_id(discord_id, load=["guild", "cases"])
    assert user.discord_id == discord_id, "the call got the answer to another call"


async def create(step: Step) -> None:
    step.rows, step.state = (step.n,), "leaving"
    assert (await step.db.user.create(**row(step.n))).discord_id == step.n


async def get_or_create(step: Step) -> None:
    step.rows, step.state = (step.n,), "leaving"
    user, is_new = await step.db.user.get_or_create_by_discord_id(**row(step.n))
    assert is_new
    assert user.discord_id == step.n


async def bulk(step: Step) -> None:
    step.rows, step.state = (step.n, -step.n), "leaving"
    await step.db.user.create_many([row(step.n), row(-step.n)])


async def bulk_of_two_shapes(step: Step) -> None:
    step.rows, step.state = (step.n, -step.n), "leaving"
    await step.db.user.create_many([row(step.n), {**row(-step.n), "points": 5}])


async def transaction(step: Step) -> None:
    step.rows = (step.n, -step.n)
    async with step.db.transaction():
        await step.db.user.create(**row(step.n))
        async with step.db.transaction():
            await step.db.user.create(**row(-step.n))
        step.state = "leaving"


async def joined(step: Step) -> None:
    step.rows = (step.n, -step.n)
    async with step.db.transaction(isolation="REPEATABLE READ") as session:
        session.add(User(**row(step.n)))
        await step.db.user.create(**row(-step.n))
        await session.execute(sa.text("SELECT 1"))
        step.state = "leaving"


async def session(step: Step) -> None:
    step.rows = (step.n, -step.n)
    async with step.db.session() as session:
        await step.db.user.using(session).create(**row(step.n))
        await step.db.user.using(session).create(**row(-step.n))
        step.state = "leaving"


async def run(step: Step) -> None:
    async def work(_: object) -> None:
        step.state = "inside"
        await step.db.user.create(**row(step.n))
        await step.db.user.create(**row(-step.n))
        step.state = "leaving"

    step.rows = (step.n, -step.n)
    await step.db.run(work)


async def stream(step: Step) -> None:
    async for user in step.db.user.find_all(discord_id=step.n % 3 + 1):
        assert user.discord_id == step.n % 3 + 1
        await asyncio.sleep(0)


async def stream_in_a_block(step: Step) -> None:
    step.rows = (step.n,)
    async with step.db.transaction():
        await step.db.user.create(**row(step.n))
        async for _ in step.db.user.find_all().limit(20):
            await asyncio.sleep(0)
        step.state = "leaving"


async def slow(step: Step) -> None:
    step.rows = (step.n,)
    async with step.db.transaction() as session:
        await step.db.user.create(**row(step.n))
        await session.execute(sa.text("SELECT pg_sleep(0.02)"))
        step.state = "leaving"


STEPS: dict[str, Callable[[Step], Awaitable[None]]] = {
    one.__name__: one
    for one in (
        *(get, create, get_or_create, bulk, bulk_of_two_shapes, transaction),
        *(joined, session, run, stream, stream_in_a_block, slow),
    )
}


@dataclass
class Chaos:
    """Tasks that start steps and cancel them after a random time, until a number of steps was cancelled."""

    db: Database
    target: int
    dice: random.Random = field(default_factory=lambda: random.Random(SEED))
    steps: list[Step] = field(default_factory=list[Step])
    cancelled: Counter[str] = field(default_factory=Counter[str])
    strange: list[tuple[Step, BaseException]] = field(default_factory=list[tuple[Step, BaseException]])

    async def work(self) -> None:
        """Run one step after another."""
        while self.cancelled.total() < self.target:
            step = Step(self.db, 1000 + len(self.steps), self.dice.choice(list(STEPS)))
            self.steps.append(step)
            task = asyncio.create_task(step.run())
            if self.dice.random() < 0.5:
                for _ in range(self.dice.randrange(40)):
                    await asyncio.sleep(0)
            else:
                await asyncio.sleep(self.dice.uniform(0, 0.08))
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                self.cancelled[step.kind] += 1
            except Exception as error:  # noqa: BLE001 - the test checks which errors occur
                self.strange.append((step, error))


@pytest.fixture
async def few(reference_url: str) -> AsyncIterator[Database]:
    """A database with fewer connections than tasks."""
    options = {"pool_size": SIZE, "max_overflow": MOST - SIZE, "pool_timeout": 20}
    async with Database(reference_url, application_name=APPLICATION, **options) as few:
        yield few


async def busy(db: DatabaseService) -> list[tuple[object, ...]]:
    """Return the state of the application's connections that are not idle."""
    sql = "SELECT state, query FROM pg_stat_activity WHERE application_name = :name AND state <> 'idle'"
    async with db.session() as session:
        return [tuple(one) for one in await session.execute(sa.text(sql), {"name": APPLICATION})]


async def test_random_cancellations_leak_nothing_and_leave_no_partial_writes(
    db: Database, users: list[User], few: Database, whole: bool
) -> None:
    chaos = Chaos(few, 1_000 if whole else 100)
    await asyncio.gather(*(chaos.work() for _ in range(TASKS)))
    assert few.pool_status()["in_use"] == 0, "at once"
    assert chaos.strange == []
    _log.info("%d of %d steps cancelled: %s", chaos.cancelled.total(), len(chaos.steps), dict(chaos.cancelled))
    assert len(chaos.cancelled) == len(STEPS)

    for _ in range(100):  # interrupted connections are closed in the background
        if not (left := await busy(db)):
            break
        await asyncio.sleep(0.02)
    assert left == []

    stored = {user.discord_id for user in await db.user.find_all()}
    for step in chaos.steps:
        is_stored = [n in stored for n in step.rows]
        assert len(set(is_stored)) <= 1, f"{step.kind} is stored partly"
        assert not (any(is_stored) and step.state == "inside"), f"{step.kind} is stored without a commit"
        assert all(is_stored) or step.state != "done", f"{step.kind} was acknowledged, but is lost"
    assert stored <= {1, 2, 3} | {n for step in chaos.steps for n in step.rows}

    assert await asyncio.gather(*(few.user.get_one_by_discord_id(n % 3 + 1) for n in range(60))) == [
        users[n % 3] for n in range(60)
    ]
    await check_pool_is_complete(few)


async def check_pool_is_complete(db: Database) -> None:
    """Hold as many transactions as the pool allows, and check that another call has to wait."""
    together, over = asyncio.Barrier(MOST + 1), asyncio.Event()

    async def hold() -> None:
        async with db.transaction():
            await db.user.count()
            await together.wait()
            await over.wait()

    tasks = [asyncio.create_task(hold()) for _ in range(MOST)]
    async with asyncio.timeout(5):
        await together.wait()
    assert db.pool_status()["in_use"] == MOST
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await db.user.count()
    over.set()
    await asyncio.gather(*tasks)
    assert db.pool_status()["in_use"] == 0


async def test_cancelling_tasks_that_wait_for_a_connection_leaves_no_trace(reference_url: str) -> None:
    async with Database(reference_url, pool_size=1, max_overflow=0, pool_timeout=5) as db:
        for turn in range(50):
            async with db.session() as session:
                await session.execute(sa.text("SELECT 1"))
                waiting = [asyncio.create_task(db.user.count()) for _ in range(5)]
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                for task in waiting[:: 1 + turn % 2]:
                    task.cancel()
                if turn % 3 == 0:
                    await asyncio.sleep(0)
            for task in waiting:
                with suppress(asyncio.CancelledError):
                    await task
        assert db.pool_status() == {"idle": 1, "in_use": 0, "overflow": 0}
        assert await db.user.count() >= 0


async def test_cancellation_while_connecting_leaves_no_connection_on_the_server(
    db: Database, reference_url: str
) -> None:
    dice = random.Random(SEED)
    name = f"{APPLICATION}-connecting"
    sql = sa.text("SELECT count(*) FROM pg_stat_activity WHERE application_name = :name")
    for _ in range(60):
        one = Database(reference_url, pool_size=1, max_overflow=0, application_name=name)
        task = asyncio.create_task(one.user.count())
        await asyncio.sleep(dice.uniform(0, 0.03))
        task.cancel()
        with suppress(asyncio.CancelledError, DatabaseError):
            await task
        assert one.pool_status()["in_use"] == 0
        await one.dispose()
    for _ in range(100):
        async with db.session() as session:
            if not (left := await session.scalar(sql, {"name": name})):
                break
        await asyncio.sleep(0.02)
    assert left == 0


async def test_pool_timeout_raises_an_error_of_the_package(reference_url: str) -> None:
    async with (
        Database(reference_url, pool_size=1, max_overflow=0, pool_timeout=0.05) as db,
        db.session() as session,
    ):
        await session.execute(sa.text("SELECT 1"))
        results = await asyncio.gather(*(db.user.count() for _ in range(10)), return_exceptions=True)
        assert all(type(result) is TimedOutError for result in results), results
