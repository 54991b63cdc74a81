"""Tortoise ORM: its own models, with active record as in its documentation."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import ClassVar, Final

from tortoise import Tortoise as Library
from tortoise import fields
from tortoise.expressions import F
from tortoise.models import Model
from tortoise.transactions import in_transaction
from typing_extensions import override

from bench.contender import POOL_SIZE, Calls, Change, Contender, NewAuthor, Score
from bench.models import Kind
from bench.server import Address


def utc_now() -> datetime:
    """Return the current time in UTC, with its time zone."""
    return datetime.now(UTC)


class Author(Model):
    """``bench.models.Author`` as a model of this library."""

    id = fields.IntField(primary_key=True)
    handle = fields.CharField(max_length=100, unique=True)
    group_id = fields.IntField(db_index=True)
    name = fields.TextField()
    kind = fields.CharEnumField(Kind, default=Kind.PERSON)
    score = fields.IntField(default=0)
    active = fields.BooleanField(default=True)
    joined_at = fields.DatetimeField(default=utc_now)
    rating = fields.FloatField(default=0.0)
    note = fields.TextField(null=True)
    details: fields.JSONField[dict[str, object]] = fields.JSONField(default=dict)

    posts: fields.ReverseRelation[Post]

    class Meta:
        """The table's name."""

        table = "bench_author"


class Post(Model):
    """``bench.models.Post`` as a model of this library."""

    id = fields.IntField(primary_key=True)
    author: fields.ForeignKeyRelation[Author] = fields.ForeignKeyField("bench.Author", related_name="posts")
    title = fields.TextField()
    body = fields.TextField()
    position = fields.IntField(default=0)
    published = fields.BooleanField(default=True)
    created_at = fields.DatetimeField(default=utc_now)
    weight = fields.FloatField(default=0.0)
    summary = fields.TextField(null=True)
    details: fields.JSONField[dict[str, object]] = fields.JSONField(default=dict)

    class Meta:
        """The table's name."""

        table = "bench_post"


CREATE: Final = "the row is not read back: the key comes back, the rest is what was sent"
UPDATE: Final = "read, change, save: the row is not read back"


class Tortoise(Contender):
    """Tortoise's transactions are ambient, so the same calls work inside a transaction."""

    notes: ClassVar = {
        "create": CREATE,
        "update": UPDATE,
        "update_expression": "update, then read: it has no RETURNING",
        "upsert": "the row is not read back",
        "bulk_create": "neither rows nor keys come back",
        "transaction_writes": f"{CREATE}; {UPDATE}",
    }

    @override
    async def setup(self, address: Address) -> None:
        credentials = {
            "host": address.host,
            "port": address.port,
            "user": address.user,
            "password": address.password,
            "database": address.database,
            "minsize": POOL_SIZE,
            "maxsize": POOL_SIZE,
        }
        await Library.init(
            config={
                "connections": {"default": {"engine": "tortoise.backends.asyncpg", "credentials": credentials}},
                "apps": {"bench": {"models": [__name__], "default_connection": "default"}},
                "use_tz": True,
            }
        )

    @override
    async def teardown(self) -> None:
        await Library.close_connections()

    @override
    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Calls, None]:
        async with in_transaction():
            yield self

    @override
    async def get(self, key: int) -> object:
        return await Author.get_or_none(id=key)

    @override
    async def get_unique(self, handle: str) -> object:
        return await Author.get_or_none(handle=handle)

    @override
    async def list_group(self, group_id: int) -> Sequence[object]:
        return await Author.filter(group_id=group_id)

    @override
    async def relations(self, group_id: int) -> Sequence[object]:
        return await Author.filter(group_id=group_id).prefetch_related("posts")

    @override
    def family(self, item: object) -> tuple[object, Sequence[object]]:
        assert isinstance(item, Author)
        return item, list(item.posts)

    @override
    async def create(self, values: NewAuthor) -> object:
        return await Author.create(**values)

    @override
    async def update(self, key: int, change: Change) -> object:
        author = await Author.get(id=key)
        await author.update_from_dict(dict(change)).save(update_fields=list(change))
        return author

    @override
    async def update_expression(self, key: int) -> object:
        await Author.filter(id=key).update(score=F("score") + 1)
        return await Author.get(id=key)

    @override
    async def upsert(self, values: NewAuthor) -> object:
        defaults = {name: value for name, value in values.items() if name != "handle"}
        author, _ = await Author.update_or_create(defaults, handle=values["handle"])
        return author

    @override
    async def count(self, group_id: int) -> int:
        return await Author.filter(group_id=group_id).count()

    @override
    async def exists(self, group_id: int) -> bool:
        return await Author.filter(group_id=group_id).exists()

    @override
    async def page(self, after: object | None) -> tuple[Sequence[object], object | None]:
        rows = await Author.filter(id__gt=after or 0).order_by("id").limit(50)
        return rows, rows[-1].id

    @override
    async def bulk_create(self, rows: Sequence[NewAuthor]) -> Sequence[object]:
        authors = [Author(**row) for row in rows]
        async with in_transaction():
            await Author.bulk_create(authors, batch_size=3000)
        return authors

    @override
    async def bulk_update(self, rows: Sequence[Score]) -> None:
        authors = [Author(id=row["id"], score=row["score"]) for row in rows]
        async with in_transaction():
            await Author.bulk_update(authors, fields=["score"], batch_size=3000)
