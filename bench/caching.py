"""``python -m bench.caching`` measures the cost of cached reads, the overhead of writes, and other caches.

The peers are caches of function calls: ``async_lru``, ``aiocache`` and ``cashews``. Each wraps the getter of a package
without a cache, and is invalidated by hand after each write, as users do it. The same work is timed for all of them,
interleaved. Three further checks, the proofs, test correctness and not speed.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import subprocess
import sys
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, ClassVar, Final, TypeAlias

from typing_extensions import override

from bench.contenders.generated import PROJECT
from bench.measure import Figure
from bench.operations import TASKS, Clock, expect
from bench.server import AUTHORS, Address, Server, unchanged_columns
from bot.embedded import database_url

Row: TypeAlias = Any  # the packages are generated at run time, so their rows have no static type

TTL, SIZE = 300, 20_000
_PROOF: Final = 1  # the key of the author that the proofs write to


class Contender(ABC):
    """Reads and writes authors, with or without a cache."""

    name: ClassVar[str]
    package: ClassVar[str] = "bench_plain"

    def __init__(self, packages: dict[str, ModuleType], address: Address) -> None:
        module: Any = packages[self.package]
        self.db: Any = module.Database(address.url, pool_size=10, max_overflow=0)
        self.statements = 0

    async def open(self) -> None:
        """Connect."""
        await self.db.connect()

    async def close(self) -> None:
        """Close the connections."""
        await self.db.dispose()

    @abstractmethod
    async def get(self, key: int) -> Row:
        """Return an author, from memory if it is there."""

    async def update(self, key: int, score: int) -> Row:
        """Set an author's score, and invalidate the cache."""
        return await self.db.author.update_by_id(key, score=score)

    async def update_where(self, key: int, score: int) -> Row:
        """Set an author's score by a condition."""
        return await self.db.author.update_where(self.db.author.c.id == key, score=score)

    async def transaction(self, key: int, score: int) -> Row:
        """Set an author's score in a transaction, timed from BEGIN to COMMIT."""
        async with self.db.transaction():
            return await self.db.author.update_by_id(key, score=score)


class Uncached(Contender):
    """ctrlgen without a cache: every get sends a statement."""

    name = "no cache"

    @override
    async def get(self, key: int) -> Row:
        return await self.db.author.get_by_id(key)


class Cached(Uncached):
    """ctrlgen with its cache, for a single process."""

    name = "ctrlgen"
    package = "bench_cached"


class Notifying(Cached):
    """ctrlgen with its cache, synchronized between processes by NOTIFY."""

    name = "ctrlgen, notify"
    package = "bench_synced"


class Peer(Contender):
    """A cache of function calls, invalidated by hand after each write."""

    @abstractmethod
    async def forget(self, key: int) -> None:
        """Invalidate the cached author."""

    async def read(self, key: int) -> Row:
        """Read an author from the database."""
        return await self.db.author.get_by_id(key)

    @override
    async def update(self, key: int, score: int) -> Row:
        updated = await super().update(key, score)
        await self.forget(key)
        return updated

    @override
    async def update_where(self, key: int, score: int) -> Row:
        updated = await super().update_where(key, score)
        await self.forget(key)
        return updated

    @override
    async def transaction(self, key: int, score: int) -> Row:
        updated = await super().transaction(key, score)
        await self.forget(key)
        return updated


class AsyncLru(Peer):
    """async_lru: ``alru_cache``."""

    name = "async_lru"

    def __init__(self, packages: dict[str, ModuleType], address: Address) -> None:
        super().__init__(packages, address)
        library: Any = import_module("async_lru")

        async def read(key: int) -> Row:
            return await self.read(key)

        self._cached: Any = library.alru_cache(maxsize=SIZE, ttl=TTL)(read)

    @override
    async def get(self, key: int) -> Row:
        return await self._cached(key)

    @override
    async def forget(self, key: int) -> None:
        self._cached.cache_invalidate(key)


class AioCache(Peer):
    """aiocache: ``cached`` in memory, which is unbounded; ``cached_stampede`` merges concurrent misses."""

    name = "aiocache"

    def __init__(self, packages: dict[str, ModuleType], address: Address) -> None:
        super().__init__(packages, address)
        library: Any = import_module("aiocache")

        async def read(key: int) -> Row:
            return await self.read(key)

        decorator: Any = library.cached_stampede(
            lease=2, ttl=TTL, key_builder=lambda _function, key: f"author:{key}", cache=library.Cache.MEMORY
        )
        self._cached: Any = decorator(read)

    @override
    async def get(self, key: int) -> Row:
        return await self._cached(key)

    @override
    async def forget(self, key: int) -> None:
        await self._cached.cache.delete(f"author:{key}")


class Cashews(Peer):
    """cashews: ``cache`` in memory, with ``lock=True``, which merges concurrent misses."""

    name = "cashews"

    def __init__(self, packages: dict[str, ModuleType], address: Address) -> None:
        super().__init__(packages, address)
        library: Any = import_module("cashews")
        self._cache: Any = library.Cache()
        self._cache.setup(f"mem://?size={SIZE}&check_interval=60")

        async def read(key: int) -> Row:
            return await self.read(key)

        self._cached: Any = self._cache(ttl=TTL, key="author:{key}", lock=True)(read)

    @override
    async def get(self, key: int) -> Row:
        return await self._cached(key=key)

    @override
    async def forget(self, key: int) -> None:
        await self._cache.delete(f"author:{key}")


CONTENDERS: Final = (Uncached, Cached, Notifying, AsyncLru, AioCache, Cashews)
Step = Callable[[Contender, int, Clock], Awaitable[None]]
_scores = count(1)


async def hit(contender: Contender, key: int, clock: Clock) -> None:
    """Get a row that is cached."""
    await contender.get(key)
    with clock:
        author = await contender.get(key)
    expect(author, **unchanged_columns(key))


async def miss(contender: Contender, key: int, clock: Clock) -> None:
    """Get a row that is not cached yet."""
    await contender.update(key, next(_scores))
    with clock:
        author = await contender.get(key)
    expect(author, **unchanged_columns(key))


async def stampede(contender: Contender, key: int, clock: Clock) -> None:
    """Get one row that is not cached from many tasks at once."""
    await contender.update(key, next(_scores))
    with clock:
        authors = await asyncio.gather(*(contender.get(key) for _ in range(TASKS)))
    for author in authors:
        expect(author, **unchanged_columns(key))


async def update(contender: Contender, key: int, clock: Clock) -> None:
    """Update by primary key."""
    await contender.get(key)
    score = next(_scores)
    with clock:
        updated = await contender.update(key, score)
    assert updated.score == (await contender.get(key)).score == score


async def update_where(contender: Contender, key: int, clock: Clock) -> None:
    """Update by a condition."""
    await contender.get(key)
    score = next(_scores)
    with clock:
        number = await contender.update_where(key, score)
    assert number == 1
    assert (await contender.get(key)).score == score


async def transaction(contender: Contender, key: int, clock: Clock) -> None:
    """Update in a transaction."""
    await contender.get(key)
    score = next(_scores)
    with clock:
        await contender.transaction(key, score)
    assert (await contender.get(key)).score == score


STEPS: Final[dict[str, tuple[Step, int]]] = {
    "hit": (hit, 200),
    "miss": (miss, 30),
    f"{TASKS} tasks, one key": (stampede, 10),
    "update": (update, 30),
    "update by a condition": (update_where, 30),
    "update in a transaction": (transaction, 30),
}


async def statements_of_a_stampede(contender: Contender) -> str:
    """Return how many statements concurrent misses of one key send."""
    await contender.update(_PROOF, next(_scores))
    sent = list[str]()
    with contender.db.watched(lambda statement, _: sent.append(statement)):
        await asyncio.gather(*(contender.get(_PROOF) for _ in range(TASKS)))
    return str(len(sent))


async def shares_objects(contender: Contender) -> str:
    """Return whether changing a returned object also changes the object that other callers get."""
    (await contender.get(_PROOF)).details["seen"] = True
    shared = "seen" in (await contender.get(_PROOF)).details
    await contender.update(_PROOF, next(_scores))
    return "yes" if shared else "no"


async def keeps_stale_rows(contender: Contender) -> str:
    """Return whether a read that began before a write stores its old row after the write."""
    score = next(_scores)
    await contender.update(_PROOF, score)
    transactions, rows_arrived, resume = contender.db.transactions, asyncio.Event(), asyncio.Event()
    send = transactions.send

    async def send_and_hold_back(session: object, work: object) -> object:
        transactions.send = send
        rows = await send(session, work)
        rows_arrived.set()
        await resume.wait()
        return rows

    transactions.send = send_and_hold_back
    slow = asyncio.create_task(contender.get(_PROOF))
    await rows_arrived.wait()
    await contender.update(_PROOF, score + 1_000_000)
    resume.set()
    await slow
    stale = (await contender.get(_PROOF)).score != score + 1_000_000
    await contender.update(_PROOF, next(_scores))
    return "yes" if stale else "no"


PROOFS: Final = {
    f"statements of {TASKS} tasks": statements_of_a_stampede,
    "callers share objects": shares_objects,
    "old row put back by a race": keeps_stale_rows,
}


def main() -> int:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(
        "python -m bench.caching", description="Time cached reads, and the writes that invalidate them."
    )
    parser.add_argument("--rounds", type=int, default=10, help="number of rounds (default 10)")
    parser.add_argument("--pin", action="store_true", help="pin client and server to a core each, if possible")
    options: Any = parser.parse_args()
    sys.stdout.write(asyncio.run(_run(Address.parse(database_url()), options.rounds, pin=options.pin)))
    return 0


async def _run(address: Address, rounds: int, *, pin: bool) -> str:
    server = await Server.open(address)
    try:
        if pin:
            server.pin()
        async with _contenders(address) as contenders:
            times, cpu = await _measured(contenders, rounds)
            proofs = {name: [await proof(each) for each in contenders] for name, proof in PROOFS.items()}
    finally:
        await server.close()
    names = [each.name for each in contenders]
    rows = {step: [Figure.from_samples(samples[each]).median for each in names] for step, samples in times.items()}
    lines = _table("microseconds a call", names, {step: [f"{each:,.1f}" for each in row] for step, row in rows.items()})
    cpu_rows = {
        step: [f"{Figure.from_samples(samples[each]).median:,.1f}" for each in names] for step, samples in cpu.items()
    }
    lines += ["", *_table("of these, CPU of the client", names, cpu_rows), "", *_table("proofs", names, proofs), ""]
    return "\n".join(lines)


Samples = dict[str, dict[str, list[float]]]


async def _measured(contenders: list[Contender], rounds: int) -> tuple[Samples, Samples]:
    times: Samples = {step: defaultdict(list) for step in STEPS}
    cpu: Samples = {step: defaultdict(list) for step in STEPS}
    for number in range(rounds + 1):
        random = Random(number)  # noqa: S311 - all contenders must get the same keys
        for name, (step, calls) in STEPS.items():
            keys = random.sample(range(2, AUTHORS), calls)
            turn = number % len(contenders)
            for contender in (*contenders[turn:], *contenders[:turn]):
                clock = Clock()
                gc.collect()
                for key in keys:
                    await step(contender, key, clock)
                if number:  # the first round is a warm-up
                    times[name][contender.name] += [nanoseconds / 1000 for nanoseconds in clock.times]
                    cpu[name][contender.name] += [nanoseconds / 1000 for nanoseconds in clock.cpu]
    return times, cpu


@asynccontextmanager
async def _contenders(address: Address) -> AsyncGenerator[list[Contender]]:
    with TemporaryDirectory(prefix="ctrlgen-bench-") as folder:
        packages = _packages(Path(folder))
        async with AsyncExitStack() as stack:
            contenders = [kind(packages, address) for kind in CONTENDERS]
            for each in contenders:
                stack.push_async_callback(each.close)
                await each.open()
            yield contenders


def _packages(folder: Path) -> dict[str, ModuleType]:
    """Generate and import the three packages."""
    cache = f"[tool.ctrlgen.cache]\nAuthor = {{ ttl = {TTL}, size = {SIZE} }}\n"
    settings = {"bench_plain": "", "bench_cached": cache, "bench_synced": f'cache_sync = "notify"\n{cache}'}
    path = os.pathsep.join([str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])])
    for name, text in settings.items():
        (folder / "pyproject.toml").write_text(
            f'[tool.ctrlgen]\nmodels = ["bench.models"]\noutput = "{name}"\npackage = "{name}"\n{text}',
            encoding="utf-8",
        )
        command = [sys.executable, "-m", "ctrlgen", "generate", "--quiet", "--project", str(folder)]
        subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": path})
    sys.path.insert(0, str(folder))
    return {name: import_module(name) for name in settings}


def _table(title: str, names: list[str], rows: dict[str, list[str]]) -> list[str]:
    lines = [f"| {title} | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
    return [*lines, *(f"| {name} | {' | '.join(row)} |" for name, row in rows.items())]


if __name__ == "__main__":
    sys.exit(main())
