"""advanced-alchemy: its repository, over models of its declarative base."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import ClassVar

import sqlalchemy as sa
from advanced_alchemy.base import DefaultBase
from advanced_alchemy.filters import LimitOffset, OrderBy
from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship, selectinload
from typing_extensions import override

from bench.contender import Calls, Change, NewAuthor, Score
from bench.contenders.engines import OnEngine
from bench.models import KIND_TYPE, Kind


class Author(DefaultBase):
    """``bench.models.Author`` as a model of this library."""

    __tablename__ = "bench_author"

    id: Mapped[int] = mapped_column(primary_key=True)
    handle: Mapped[str] = mapped_column(unique=True)
    group_id: Mapped[int] = mapped_column(index=True)
    name: Mapped[str]
    kind: Mapped[Kind] = mapped_column(sa.Enum(Kind, name=KIND_TYPE), default=Kind.PERSON)
    score: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    joined_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=lambda: datetime.now(UTC))
    rating: Mapped[float] = mapped_column(default=0.0)
    note: Mapped[str | None] = mapped_column(default=None)
    details: Mapped[dict[str, object]] = mapped_column(JSONB, default=dict)

    posts: Mapped[list[Post]] = relationship(back_populates="author")


class Post(DefaultBase):
    """``bench.models.Post`` as a model of this library."""

    __tablename__ = "bench_post"

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("bench_author.id"), index=True)
    title: Mapped[str]
    body: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    published: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=lambda: datetime.now(UTC))
    weight: Mapped[float] = mapped_column(default=0.0)
    summary: Mapped[str | None] = mapped_column(default=None)
    details: Mapped[dict[str, object]] = mapped_column(JSONB, default=dict)

    author: Mapped[Author] = relationship(back_populates="posts")


class Authors(SQLAlchemyAsyncRepository[Author]):
    """The repository of authors."""

    model_type = Author


class RepositoryCalls(Calls):
    """Calls on a repository with a caller's session; they flush, and do not commit."""

    def __init__(self, session: AsyncSession) -> None:
        self._authors = Authors(session=session)

    @override
    async def get(self, key: int) -> object:
        return await self._authors.get(key)

    @override
    async def create(self, values: NewAuthor) -> object:
        return await self._authors.add(Author(**values), auto_refresh=True)

    @override
    async def update(self, key: int, change: Change) -> object:
        return await self._authors.update(Author(id=key, **change), auto_refresh=True)


class AdvancedAlchemy(OnEngine):
    """``SQLAlchemyAsyncRepository``, one session for each call."""

    notes: ClassVar = {
        "bulk_create": "rows are not read back: keys come back, the rest is what was sent",
        "bulk_update": "reads all rows back, too",
    }

    @asynccontextmanager
    async def _authors(self) -> AsyncGenerator[Authors, None]:
        async with self._session() as session:
            yield Authors(session=session, auto_commit=True, auto_refresh=True)

    @override
    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Calls, None]:
        async with self._session.begin() as session:
            yield RepositoryCalls(session)

    @override
    async def get(self, key: int) -> object:
        async with self._authors() as authors:
            return await authors.get(key)

    @override
    async def get_unique(self, handle: str) -> object:
        async with self._authors() as authors:
            return await authors.get_one_or_none(handle=handle)

    @override
    async def list_group(self, group_id: int) -> Sequence[object]:
        async with self._authors() as authors:
            return await authors.get_many(group_id=group_id)

    @override
    async def relations(self, group_id: int) -> Sequence[object]:
        async with self._authors() as authors:
            return await authors.get_many(group_id=group_id, load=[selectinload(Author.posts)])

    @override
    def family(self, item: object) -> tuple[object, Sequence[object]]:
        assert isinstance(item, Author)
        return item, item.posts

    @override
    async def create(self, values: NewAuthor) -> object:
        async with self._authors() as authors:
            return await authors.add(Author(**values))

    @override
    async def update(self, key: int, change: Change) -> object:
        async with self._authors() as authors:
            return await authors.update(Author(id=key, **change))

    @override
    async def update_expression(self, key: int) -> object:
        async with self._authors() as authors:
            author = Author(id=key)
            author.score = Author.score + 1  # pyright: ignore[reportAttributeAccessIssue]
            return await authors.update(author)

    @override
    async def upsert(self, values: NewAuthor) -> object:
        async with self._authors() as authors:
            return await authors.upsert(Author(**values), match_fields=["handle"])

    @override
    async def count(self, group_id: int) -> int:
        async with self._authors() as authors:
            return await authors.count(Author.group_id == group_id)

    @override
    async def exists(self, group_id: int) -> bool:
        async with self._authors() as authors:
            return await authors.exists(Author.group_id == group_id)

    @override
    async def page(self, after: object | None) -> tuple[Sequence[object], object | None]:
        async with self._authors() as authors:
            rows = await authors.get_many(Author.id > (after or 0), OrderBy("id"), LimitOffset(50, 0))
        return rows, rows[-1].id

    @override
    async def bulk_create(self, rows: Sequence[NewAuthor]) -> Sequence[object]:
        async with self._authors() as authors:
            return await authors.add_many([Author(**row) for row in rows])

    @override
    async def bulk_update(self, rows: Sequence[Score]) -> None:
        async with self._authors() as authors:
            await authors.update_many([dict(row) for row in rows])  # pyright: ignore[reportArgumentType]
