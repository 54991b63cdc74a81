"""Raw asyncpg: handwritten SQL over asyncpg's pool. The other contenders are compared with it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from operator import attrgetter
from typing import ClassVar, Final, TypeAlias

import asyncpg
from typing_extensions import override

from bench.contender import POOL_SIZE, Calls, Change, Contender, NewAuthor, Score
from bench.models import KIND_TYPE, Kind
from bench.server import Address

INSERT: Final = """
    INSERT INTO bench_author (handle, group_id, name, score, rating, kind, details, active, joined_at, note)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
UPSERT: Final = f"""
    {INSERT}
    ON CONFLICT (handle) DO UPDATE SET group_id = $2, name = $3, score = $4, rating = $5, kind = $6, details = $7
    RETURNING *
"""
BULK_INSERT: Final = """
    INSERT INTO bench_author (handle, group_id, name, score, rating, kind, details, active, joined_at, note)
    SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::int[], $5::float8[], $6::bench_kind[],
                         $7::jsonb[], $8::bool[], $9::timestamptz[], $10::text[])
    RETURNING *
"""
BULK_UPDATE: Final = """
    UPDATE bench_author SET score = new.score FROM unnest($1::int[], $2::int[]) AS new(id, score)
    WHERE bench_author.id = new.id
"""


KINDS: Final = {kind.value: kind for kind in Kind}

Reset: TypeAlias = Callable[[asyncpg.Connection], Awaitable[None]]


class RawCalls(Calls):
    """The calls, on the pool or on the connection of a transaction."""

    executor: asyncpg.Pool | asyncpg.Connection

    def __init__(self, executor: asyncpg.Pool | asyncpg.Connection) -> None:
        self.executor = executor

    @override
    async def get(self, key: int) -> object:
        return await self.executor.fetchrow("SELECT * FROM bench_author WHERE id = $1", key)

    @override
    async def create(self, values: NewAuthor) -> object:
        return await self.executor.fetchrow(f"{INSERT} RETURNING *", *_completed(values))

    @override
    async def update(self, key: int, change: Change) -> object:
        statement = "UPDATE bench_author SET score = $2, note = $3 WHERE id = $1 RETURNING *"
        return await self.executor.fetchrow(statement, key, change["score"], change["note"])


class RawAsyncpg(RawCalls, Contender):
    """Handwritten SQL; rows are asyncpg's records."""

    notes: ClassVar = {}
    reset: ClassVar[Reset | None] = None  # the reset that asyncpg does by default
    executor: asyncpg.Pool

    def __init__(self) -> None:
        """Create the contender; ``setup`` connects it."""

    @override
    async def setup(self, address: Address) -> None:
        self.executor = await asyncpg.create_pool(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            database=address.database,
            min_size=POOL_SIZE,
            max_size=POOL_SIZE,
            init=_set_codecs,
            reset=self.reset,
        )

    @override
    async def teardown(self) -> None:
        await self.executor.close()

    @override
    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Calls, None]:
        async with self.executor.acquire() as connection, connection.transaction():
            yield RawCalls(connection)

    @override
    async def get_unique(self, handle: str) -> object:
        return await self.executor.fetchrow("SELECT * FROM bench_author WHERE handle = $1", handle)

    @override
    async def list_group(self, group_id: int) -> Sequence[object]:
        return await self.executor.fetch("SELECT * FROM bench_author WHERE group_id = $1", group_id)

    @override
    async def relations(self, group_id: int) -> Sequence[tuple[object, list[asyncpg.Record]]]:
        async with self.executor.acquire() as connection:
            authors = await connection.fetch("SELECT * FROM bench_author WHERE group_id = $1", group_id)
            keys = [author["id"] for author in authors]
            posts = await connection.fetch("SELECT * FROM bench_post WHERE author_id = ANY($1)", keys)
        by_author = defaultdict[int, list[asyncpg.Record]](list)
        for post in posts:
            by_author[post["author_id"]].append(post)
        return [(author, by_author[author["id"]]) for author in authors]

    @override
    def family(self, item: object) -> tuple[object, Sequence[object]]:
        assert isinstance(item, tuple)
        author, posts = item
        return author, posts

    @override
    async def update_expression(self, key: int) -> object:
        statement = "UPDATE bench_author SET score = score + 1 WHERE id = $1 RETURNING *"
        return await self.executor.fetchrow(statement, key)

    @override
    async def upsert(self, values: NewAuthor) -> object:
        return await self.executor.fetchrow(UPSERT, *_completed(values))

    @override
    async def count(self, group_id: int) -> int:
        return await self.executor.fetchval("SELECT count(*) FROM bench_author WHERE group_id = $1", group_id)

    @override
    async def exists(self, group_id: int) -> bool:
        statement = "SELECT EXISTS (SELECT FROM bench_author WHERE group_id = $1)"
        return await self.executor.fetchval(statement, group_id)

    @override
    async def page(self, after: object | None) -> tuple[Sequence[object], object | None]:
        statement = "SELECT * FROM bench_author WHERE id > $1 ORDER BY id LIMIT 50"
        rows = await self.executor.fetch(statement, after or 0)
        return rows, rows[-1]["id"]

    @override
    async def bulk_create(self, rows: Sequence[NewAuthor]) -> Sequence[object]:
        return await self.executor.fetch(BULK_INSERT, *zip(*map(_completed, rows), strict=True))

    @override
    async def bulk_update(self, rows: Sequence[Score]) -> None:
        await self.executor.execute(BULK_UPDATE, [row["id"] for row in rows], [row["score"] for row in rows])


async def _leave(connection: object) -> None:
    """Do nothing instead of resetting the state of a connection."""


class WithoutReset(RawAsyncpg):
    """Raw asyncpg with a pool that does not reset its connections: the least time that a call can take."""

    reset: ClassVar = staticmethod(_leave)


def _completed(new: NewAuthor) -> tuple[object, ...]:
    """Return the values of a row in the order of the INSERT, defaults applied."""
    columns = (new["handle"], new["group_id"], new["name"], new["score"], new["rating"], new["kind"], new["details"])
    return (*columns, True, datetime.now(UTC), None)


async def _set_codecs(connection: asyncpg.Connection) -> None:
    """Convert JSON to and from Python objects, and labels to and from enum members; timestamps need no codec."""
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    await connection.set_type_codec(KIND_TYPE, encoder=attrgetter("value"), decoder=KINDS.__getitem__)
