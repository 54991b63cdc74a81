"""The operations: what is timed, and the proof after each call that it did what it says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from random import Random
from time import perf_counter_ns, process_time_ns
from typing import Final, TypeAlias

import asyncpg
import sqlalchemy as sa

from bench.contender import Change, Contender, NewAuthor, Score
from bench.models import Author
from bench.server import (
    AUTHORS,
    FIRST_NEW,
    GROUP_SIZE,
    GROUPS,
    GROUPS_WITH_POSTS,
    MOMENT,
    POSTS_EACH,
    details_of,
    group_of,
    handle_of,
    kind_of,
    lasting,
)

COLUMNS: Final = tuple(sa.inspect(Author).columns.keys())
PAGE: Final = 50
TASKS: Final = 64


@dataclass(slots=True)
class Clock:
    """Takes the time of what runs in its ``with`` block, and this process's CPU time; both in nanoseconds."""

    times: list[int] = field(default_factory=list)
    cpu: list[int] = field(default_factory=list)
    _start: int = 0
    _cpu: int = 0

    def __enter__(self) -> None:
        self._cpu = process_time_ns()
        self._start = perf_counter_ns()

    def __exit__(self, *_: object) -> None:
        self.times.append(perf_counter_ns() - self._start)
        self.cpu.append(process_time_ns() - self._cpu)


_numbers = count(FIRST_NEW)


class Inputs:
    """The arguments of a batch: the same for every contender of a round, except for the names of new rows."""

    def __init__(self, seed: str, bulk: int) -> None:
        self._random, self.bulk = Random(seed), bulk  # noqa: S311 - the same numbers each time are the point
        self._keys = iter(self._random.sample(range(1, AUTHORS + 1), AUTHORS))
        self._groups = iter(self._random.sample(range(GROUPS_WITH_POSTS), GROUPS_WITH_POSTS) * GROUPS)
        self.cursor: object | None = None

    def key(self) -> int:
        """Return the primary key of an author that this batch has not met."""
        return next(self._keys)

    def group(self) -> int:
        """Return a group whose authors have posts."""
        return next(self._groups)

    def new(self) -> NewAuthor:
        """Return the values of a new author."""
        number = next(_numbers)
        return self._values(number, FIRST_NEW)

    def either(self) -> NewAuthor:
        """Return the values of a new author or, as often, of a stored one."""
        key = self.key()
        return self._values(key, group_of(key)) if key % 2 else self.new()

    def change(self) -> Change:
        """Return what to set."""
        return {"score": self._random.randrange(1000), "note": f"changed {self._random.randrange(1000)}"}

    def scores(self) -> list[Score]:
        """Return a score for each of as many authors as a bulk update changes."""
        return [{"id": key, "score": self._random.randrange(1000)} for key in range(1, min(self.bulk, AUTHORS) + 1)]

    def _values(self, number: int, group: int) -> NewAuthor:
        score = self._random.randrange(1000)
        return {
            "handle": handle_of(number),
            "group_id": group,
            "name": f"Author {number}",
            "score": score,
            "rating": 0.5,
            "kind": kind_of(number),
            "details": details_of(number),
        }


Batch: TypeAlias = Callable[[Contender, Inputs, Clock, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of the table.

    ``calls`` are timed in each round, after ``lead`` that are not; ``per`` is how many results one call is.
    """

    name: str
    label: str
    batch: Batch
    calls: int = 20
    lead: int = 3
    per: int = 1
    writes: bool = False


def repeated(step: Callable[[Contender, Inputs, Clock], Awaitable[None]]) -> Batch:
    """Make a batch of calls that stand alone."""

    async def batch(contender: Contender, inputs: Inputs, clock: Clock, calls: int) -> None:
        for _ in range(calls):
            await step(contender, inputs, clock)

    return batch


async def get(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Get by primary key."""
    key = inputs.key()
    with clock:
        row = await contender.get(key)
    expect(row, **lasting(key))


async def get_unique(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Get by unique key."""
    key = inputs.key()
    with clock:
        row = await contender.get_unique(handle_of(key))
    expect(row, **lasting(key))


async def list_group(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """List the rows of an index key."""
    group = inputs.group()
    with clock:
        rows = await contender.list_group(group)
    assert len(rows) == GROUP_SIZE
    for row in rows:
        expect(row, **lasting(value(row, "id")))
    assert {value(row, "group_id") for row in rows} == {group}


async def relations(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Read parents with their children."""
    group = inputs.group()
    with clock:
        items = await contender.relations(group)
    assert len(items) == GROUP_SIZE
    for author, posts in map(contender.family, items):
        assert len(posts) == POSTS_EACH
        assert {value(post, "author_id") for post in posts} == {value(author, "id")}
        assert all(value(post, "details") == details_of(value(post, "id")) for post in posts)
        expect(author, **lasting(value(author, "id")))


async def create(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Insert a row."""
    values = inputs.new()
    with clock:
        row = await contender.create(values)
    expect_new(row, values)
    assert isinstance(value(row, "id"), int)


async def update(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Change a row."""
    key, change = inputs.key(), inputs.change()
    with clock:
        row = await contender.update(key, change)
    expect(row, **lasting(key), **change)


async def update_expression(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Change a row by an expression of its own columns."""
    key = inputs.key()
    before = value(await contender.get(key), "score")
    with clock:
        row = await contender.update_expression(key)
    expect(row, **lasting(key), score=before + 1)


async def upsert(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Insert a row or change it, half of the calls each."""
    values = inputs.either()
    with clock:
        row = await contender.upsert(values)
    expect(row, **values, active=True)
    if values["group_id"] < FIRST_NEW:
        assert value(row, "joined_at") == MOMENT, "what was not given is kept"


async def count_group(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Count the rows of an index key."""
    group = inputs.group()
    with clock:
        number = await contender.count(group)
    assert number == GROUP_SIZE


async def exists(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Ask whether an index key has rows."""
    group = inputs.group()
    with clock:
        found = await contender.exists(group)
    assert found is True


async def page(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Turn to the next page."""
    if inputs.cursor is None:
        _, inputs.cursor = await contender.page(None)
    with clock:
        rows, cursor = await contender.page(inputs.cursor)
    assert len(rows) == PAGE
    assert cursor is not None
    first = value(rows[0], "id")
    for key, row in enumerate(rows, start=first):
        expect(row, **lasting(key))
    inputs.cursor = cursor


async def bulk_create(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Insert many rows."""
    given = [inputs.new() for _ in range(inputs.bulk)]
    with clock:
        rows = await contender.bulk_create(given)
    assert len(rows) == len(given)
    for row, values in zip(rows, given, strict=True):
        expect_new(row, values)


async def bulk_update(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Change many rows."""
    given = inputs.scores()
    with clock:
        await contender.bulk_update(given)
    for score in (given[0], given[-1]):
        expect(await contender.get(score["id"]), **score)


async def concurrent(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Get by primary key from many tasks at once."""
    keys = [inputs.key() for _ in range(TASKS)]
    with clock:
        rows = await asyncio.gather(*map(contender.get, keys))
    for key, row in zip(keys, rows, strict=True):
        expect(row, **lasting(key))


async def transaction(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Get by primary key in a transaction, from its begin to its commit."""
    key = inputs.key()
    with clock:
        async with contender.transaction() as calls:
            row = await calls.get(key)
    expect(row, **lasting(key))


async def transaction_writes(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Get, change and insert in a transaction, from its begin to its commit."""
    key, other, change, values = inputs.key(), inputs.key(), inputs.change(), inputs.new()
    with clock:
        async with contender.transaction() as calls:
            found = await calls.get(key)
            changed = await calls.update(other, change)
            created = await calls.create(values)
    expect(found, **lasting(key))
    expect(changed, **lasting(other), **change)
    expect_new(created, values)
    expect(await contender.get(value(created, "id")), **values)


def value(row: object, name: str) -> int:
    """Return a column of what the library calls a row; mostly compared, and an ``int`` where it is counted with."""
    return row[name] if isinstance(row, Mapping | asyncpg.Record) else getattr(row, name)


def expect(row: object, **values: object) -> None:
    """Assert that a row has all eleven columns, and these values."""
    missing = [name for name in COLUMNS if not _has(row, name)]
    assert not missing, f"{type(row).__name__} lacks {missing}"
    different = {name: value(row, name) for name, wanted in values.items() if value(row, name) != wanted}
    assert not different, f"{different} should be {values}"


def expect_new(row: object, values: NewAuthor) -> None:
    """Assert that a row has these values, and the defaults of the other columns."""
    expect(row, **values, active=True, note=None)
    assert isinstance(value(row, "joined_at"), datetime)


def _has(row: object, name: str) -> bool:
    return name in row.keys() if isinstance(row, Mapping | asyncpg.Record) else hasattr(row, name)  # noqa: SIM118


def chosen(names: Sequence[str]) -> list[Operation]:
    """Return the operations with these names, all if none are given."""
    if unknown := set(names) - {operation.name for operation in OPERATIONS}:
        raise ValueError(f"no such operation: {', '.join(sorted(unknown))}")
    return [operation for operation in OPERATIONS if not names or operation.name in names]


OPERATIONS: Final = (
    Operation("get", "get by primary key", repeated(get)),
    Operation("unique", "get by unique key", repeated(get_unique)),
    Operation("list", "list 100 by index", repeated(list_group), calls=10, lead=2),
    Operation("relations", "100 parents, 500 children", repeated(relations), calls=5, lead=1),
    Operation("create", "create", repeated(create), writes=True),
    Operation("update", "update", repeated(update), writes=True),
    Operation("update_expression", "update with score + 1", repeated(update_expression), writes=True),
    Operation("upsert", "upsert", repeated(upsert), writes=True),
    Operation("count", "count", repeated(count_group)),
    Operation("exists", "exists", repeated(exists)),
    Operation("page", "keyset page of 50", repeated(page), calls=10, lead=2),
    Operation("bulk_create", "bulk create", repeated(bulk_create), calls=1, lead=0, writes=True),
    Operation("bulk_update", "bulk update", repeated(bulk_update), calls=1, lead=0, writes=True),
    Operation("concurrent", "64 concurrent gets, each", repeated(concurrent), calls=3, lead=1, per=TASKS),
    Operation("transaction", "transaction of one get", repeated(transaction)),
    Operation("transaction_writes", "transaction of three calls", repeated(transaction_writes), writes=True),
)
