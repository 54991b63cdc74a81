"""The operations: the timed calls, and a check of the result of each call."""

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
    unchanged_columns,
)

COLUMNS: Final = tuple(sa.inspect(Author).columns.keys())
PAGE: Final = 50
TASKS: Final = 64


@dataclass(slots=True)
class Clock:
    """Measures the wall time and this process's CPU time of its ``with`` block, both in nanoseconds."""

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
        self._random, self.bulk = Random(seed), bulk  # noqa: S311 - the numbers must be the same each time
        self._keys = iter(self._random.sample(range(1, AUTHORS + 1), AUTHORS))
        self._groups = iter(self._random.sample(range(GROUPS_WITH_POSTS), GROUPS_WITH_POSTS) * GROUPS)
        self.cursor: object | None = None

    def key(self) -> int:
        """Return the primary key of an author that this batch has not used yet."""
        return next(self._keys)

    def group(self) -> int:
        """Return a group whose authors have posts."""
        return next(self._groups)

    def new(self) -> NewAuthor:
        """Return the values of a new author."""
        number = next(_numbers)
        return self._values(number, FIRST_NEW)

    def either(self) -> NewAuthor:
        """Return the values of a new author or, equally often, of a stored one."""
        key = self.key()
        return self._values(key, group_of(key)) if key % 2 else self.new()

    def change(self) -> Change:
        """Return the values of an update."""
        return {"score": self._random.randrange(1000), "note": f"changed {self._random.randrange(1000)}"}

    def scores(self) -> list[Score]:
        """Return a new score for each author of a bulk update."""
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
    """One operation, which is one row of the tables.

    Each round times ``calls`` calls after ``lead`` calls that are not counted. Times are divided by ``per``, the number
    of operations in one call.
    """

    name: str
    label: str
    batch: Batch
    calls: int = 20
    lead: int = 3
    per: int = 1
    writes: bool = False


def repeated(step: Callable[[Contender, Inputs, Clock], Awaitable[None]]) -> Batch:
    """Return a batch that repeats an independent call."""

    async def batch(contender: Contender, inputs: Inputs, clock: Clock, calls: int) -> None:
        for _ in range(calls):
            await step(contender, inputs, clock)

    return batch


async def get(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Get by primary key."""
    key = inputs.key()
    with clock:
        row = await contender.get(key)
    expect(row, **unchanged_columns(key))


async def get_unique(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Get by unique key."""
    key = inputs.key()
    with clock:
        row = await contender.get_unique(handle_of(key))
    expect(row, **unchanged_columns(key))


async def list_group(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """List the rows of an index key."""
    group = inputs.group()
    with clock:
        rows = await contender.list_group(group)
    assert len(rows) == GROUP_SIZE
    for row in rows:
        expect(row, **unchanged_columns(value(row, "id")))
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
        expect(author, **unchanged_columns(value(author, "id")))


async def create(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Insert a row."""
    values = inputs.new()
    with clock:
        row = await contender.create(values)
    expect_new(row, values)
    assert isinstance(value(row, "id"), int)


async def update(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Update a row."""
    key, change = inputs.key(), inputs.change()
    with clock:
        row = await contender.update(key, change)
    expect(row, **unchanged_columns(key), **change)


async def update_expression(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Update a row by an expression of its own columns."""
    key = inputs.key()
    before = value(await contender.get(key), "score")
    with clock:
        row = await contender.update_expression(key)
    expect(row, **unchanged_columns(key), score=before + 1)


async def upsert(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Upsert a row: half of the calls insert, the other half update."""
    values = inputs.either()
    with clock:
        row = await contender.upsert(values)
    expect(row, **values, active=True)
    if values["group_id"] < FIRST_NEW:
        assert value(row, "joined_at") == MOMENT, "an upsert keeps the columns that it does not set"


async def count_group(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Count the rows of an index key."""
    group = inputs.group()
    with clock:
        number = await contender.count(group)
    assert number == GROUP_SIZE


async def exists(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Check whether an index key has rows."""
    group = inputs.group()
    with clock:
        exists = await contender.exists(group)
    assert exists is True


async def page(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Read the next page."""
    if inputs.cursor is None:
        _, inputs.cursor = await contender.page(None)
    with clock:
        rows, cursor = await contender.page(inputs.cursor)
    assert len(rows) == PAGE
    assert cursor is not None
    first = value(rows[0], "id")
    for key, row in enumerate(rows, start=first):
        expect(row, **unchanged_columns(key))
    inputs.cursor = cursor


async def bulk_create(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Insert many rows."""
    new_rows = [inputs.new() for _ in range(inputs.bulk)]
    with clock:
        rows = await contender.bulk_create(new_rows)
    assert len(rows) == len(new_rows)
    for row, values in zip(rows, new_rows, strict=True):
        expect_new(row, values)


async def bulk_update(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Update many rows."""
    scores = inputs.scores()
    with clock:
        await contender.bulk_update(scores)
    for score in (scores[0], scores[-1]):
        expect(await contender.get(score["id"]), **score)


async def concurrent(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Get by primary key from many tasks at once."""
    keys = [inputs.key() for _ in range(TASKS)]
    with clock:
        rows = await asyncio.gather(*map(contender.get, keys))
    for key, row in zip(keys, rows, strict=True):
        expect(row, **unchanged_columns(key))


async def transaction(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Get by primary key in a transaction, timed from BEGIN to COMMIT."""
    key = inputs.key()
    with clock:
        async with contender.transaction() as calls:
            row = await calls.get(key)
    expect(row, **unchanged_columns(key))


async def transaction_writes(contender: Contender, inputs: Inputs, clock: Clock) -> None:
    """Get, update and insert in a transaction, timed from BEGIN to COMMIT."""
    key, other, change, values = inputs.key(), inputs.key(), inputs.change(), inputs.new()
    with clock:
        async with contender.transaction() as calls:
            row = await calls.get(key)
            changed = await calls.update(other, change)
            created = await calls.create(values)
    expect(row, **unchanged_columns(key))
    expect(changed, **unchanged_columns(other), **change)
    expect_new(created, values)
    expect(await contender.get(value(created, "id")), **values)


def value(row: object, name: str) -> int:
    """Return a column of a row, which is an object or a mapping, depending on the library."""
    return row[name] if isinstance(row, Mapping | asyncpg.Record) else getattr(row, name)


def expect(row: object, **values: object) -> None:
    """Assert that a row has all eleven columns, and these values."""
    missing = [name for name in COLUMNS if not _has(row, name)]
    assert not missing, f"{type(row).__name__} lacks {missing}"
    different = {name: value(row, name) for name, expected in values.items() if value(row, name) != expected}
    assert not different, f"{different} should be {values}"


def expect_new(row: object, values: NewAuthor) -> None:
    """Assert that a row has these values, and the defaults of the other columns."""
    expect(row, **values, active=True, note=None)
    assert isinstance(value(row, "joined_at"), datetime)


def _has(row: object, name: str) -> bool:
    return name in row.keys() if isinstance(row, Mapping | asyncpg.Record) else hasattr(row, name)  # noqa: SIM118


def select_operations(names: Sequence[str]) -> list[Operation]:
    """Return the operations with these names, or all if the list is empty."""
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
