"""Piccolo: its own tables, and its query builder."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import ClassVar, Final

from piccolo.columns import JSONB, Boolean, DoublePrecision, Integer, Serial, Text, Timestamptz
from piccolo.engine.postgres import PostgresEngine
from piccolo.table import Table
from typing_extensions import override

from bench.contender import POOL_SIZE, Calls, Change, Contender, NewAuthor, Score
from bench.models import Kind
from bench.server import Address

CHUNK: Final = 3000  # rows of one INSERT: the protocol allows 65,535 parameters


def utc_now() -> datetime:
    """Return the current time in UTC, with its time zone."""
    return datetime.now(UTC)


class Author(Table, tablename="bench_author"):
    """``bench.models.Author`` as a table of this library."""

    id = Serial(primary_key=True)
    handle = Text(unique=True)
    group_id = Integer(index=True)
    name = Text()
    kind = Text(choices=Kind, default=Kind.PERSON)
    score = Integer(default=0)
    active = Boolean(default=True)
    joined_at = Timestamptz(default=utc_now)
    rating = DoublePrecision(default=0.0)
    note = Text(null=True, default=None)
    details = JSONB(default="{}")


class Post(Table, tablename="bench_post"):
    """``bench.models.Post`` as a table of this library."""

    id = Serial(primary_key=True)
    author_id = Integer(index=True)
    title = Text()
    body = Text()
    position = Integer(default=0)
    published = Boolean(default=True)
    created_at = Timestamptz(default=utc_now)
    weight = DoublePrecision(default=0.0)
    summary = Text(null=True, default=None)
    details = JSONB(default="{}")


BY_HAND: Final = "the enum, and the JSON of a write, come back as text, and are converted by hand"


class Piccolo(Contender):
    """Piccolo's transactions are ambient, so the same calls work inside a transaction."""

    notes: ClassVar = {
        **dict.fromkeys(("get", "unique", "list", "create", "update", "update_expression", "upsert", "page"), BY_HAND),
        **dict.fromkeys(("bulk_create", "concurrent", "transaction", "transaction_writes"), BY_HAND),
        "relations": f"two queries, put together by hand: it has no loader of children; {BY_HAND}",
        "bulk_update": "no call for it: a loop in one transaction",
    }

    @override
    async def setup(self, address: Address) -> None:
        config = {
            "host": address.host,
            "port": address.port,
            "user": address.user,
            "password": address.password,
            "database": address.database,
        }
        self._engine = PostgresEngine(config=config, extensions=())
        # The class argument db= does the same, but the address is only known here.
        Author._meta._db = Post._meta._db = self._engine
        await self._engine.start_connection_pool(min_size=POOL_SIZE, max_size=POOL_SIZE)

    @override
    async def teardown(self) -> None:
        await self._engine.close_connection_pool()

    @override
    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Calls, None]:
        async with self._engine.transaction():
            yield self

    @override
    async def get(self, key: int) -> object:
        author = await Author.objects().get(Author.id == key).output(load_json=True)
        return author and _converted(author)

    @override
    async def get_unique(self, handle: str) -> object:
        author = await Author.objects().get(Author.handle == handle).output(load_json=True)
        return author and _converted(author)

    @override
    async def list_group(self, group_id: int) -> Sequence[object]:
        authors = await Author.objects().where(Author.group_id == group_id).output(load_json=True)
        return [_converted(author) for author in authors]

    @override
    async def relations(self, group_id: int) -> Sequence[tuple[Author, list[Post]]]:
        authors = await Author.objects().where(Author.group_id == group_id).output(load_json=True)
        query = Post.objects().where(Post.author_id.is_in([author.id for author in authors]))
        by_author = defaultdict[int, list[Post]](list)
        for post in await query.output(load_json=True):
            by_author[post.author_id].append(post)
        return [(_converted(author), by_author[author.id]) for author in authors]

    @override
    def family(self, item: object) -> tuple[object, Sequence[object]]:
        assert isinstance(item, tuple)
        author, posts = item
        return author, posts

    @override
    async def create(self, values: NewAuthor) -> object:
        rows = await Author.insert(Author(**values)).returning(*Author.all_columns())
        return _decoded(rows[0])

    @override
    async def update(self, key: int, change: Change) -> object:
        query = Author.update({Author.score: change["score"], Author.note: change["note"]})
        rows = await query.where(Author.id == key).returning(*Author.all_columns())
        return _decoded(rows[0])

    @override
    async def update_expression(self, key: int) -> object:
        query = Author.update({Author.score: Author.score + 1})
        rows = await query.where(Author.id == key).returning(*Author.all_columns())
        return _decoded(rows[0])

    @override
    async def upsert(self, values: NewAuthor) -> object:
        changed = [Author.group_id, Author.name, Author.score, Author.rating, Author.kind, Author.details]
        query = Author.insert(Author(**values)).on_conflict(target=Author.handle, action="DO UPDATE", values=changed)
        rows = await query.returning(*Author.all_columns())
        return _decoded(rows[0])

    @override
    async def count(self, group_id: int) -> int:
        return await Author.count().where(Author.group_id == group_id)

    @override
    async def exists(self, group_id: int) -> bool:
        return await Author.exists().where(Author.group_id == group_id)

    @override
    async def page(self, after: object | None) -> tuple[Sequence[object], object | None]:
        query = Author.objects().where(Author.id > (after or 0)).order_by(Author.id).limit(50)
        rows = await query.output(load_json=True)
        return [_converted(row) for row in rows], rows[-1].id

    @override
    async def bulk_create(self, rows: Sequence[NewAuthor]) -> Sequence[object]:
        stored: list[object] = []
        async with self._engine.transaction():
            for start in range(0, len(rows), CHUNK):
                authors = [Author(**row) for row in rows[start : start + CHUNK]]
                stored += map(_decoded, await Author.insert(*authors).returning(*Author.all_columns()))
        return stored

    @override
    async def bulk_update(self, rows: Sequence[Score]) -> None:
        async with self._engine.transaction():
            for row in rows:
                await Author.update({Author.score: row["score"]}).where(Author.id == row["id"])


def _converted(author: Author) -> Author:
    """Convert the columns of an object that was read."""
    author.kind = Kind(author.kind)  # pyright: ignore[reportAttributeAccessIssue]
    return author


def _decoded(row: dict[str, object]) -> dict[str, object]:
    """Convert the row that a write returned."""
    return row | {"kind": Kind(row["kind"]), "details": json.loads(str(row["details"]))}
