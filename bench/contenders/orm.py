"""SQLAlchemy's ORM as it is usually written: one session for each call, over the same SQLModel models."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload
from sqlmodel import col
from typing_extensions import override

from bench.contender import Calls, Change, NewAuthor, Score
from bench.contenders.engines import OnEngine
from bench.models import Author


class SessionCalls(Calls):
    """Calls inside a caller's session; they flush, and do not commit."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    @override
    async def get(self, key: int) -> object:
        return await self._session.get(Author, key)

    @override
    async def create(self, values: NewAuthor) -> object:
        author = Author(**values)
        self._session.add(author)
        await self._session.flush()
        await self._session.refresh(author)
        return author

    @override
    async def update(self, key: int, change: Change) -> object:
        author = await self._session.get_one(Author, key)
        author.score, author.note = change["score"], change["note"]
        await self._session.flush()
        await self._session.refresh(author)
        return author


class SqlAlchemyOrm(OnEngine):
    """``async_sessionmaker``, used as in SQLAlchemy's tutorial."""

    notes: ClassVar = {"bulk_create": "rows are not read back: keys come back, the rest is what was sent"}

    @override
    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Calls, None]:
        async with self._session.begin() as session:
            yield SessionCalls(session)

    @override
    async def get(self, key: int) -> object:
        async with self._session() as session:
            return await session.get(Author, key)

    @override
    async def get_unique(self, handle: str) -> object:
        async with self._session() as session:
            return await session.scalar(sa.select(Author).where(col(Author.handle) == handle))

    @override
    async def list_group(self, group_id: int) -> Sequence[object]:
        statement = sa.select(Author).where(col(Author.group_id) == group_id)
        async with self._session() as session:
            return (await session.scalars(statement)).all()

    @override
    async def relations(self, group_id: int) -> Sequence[object]:
        statement = sa.select(Author).where(col(Author.group_id) == group_id)
        loading = statement.options(selectinload(Author.posts))  # pyright: ignore[reportArgumentType]
        async with self._session() as session:
            return (await session.scalars(loading)).all()

    @override
    def family(self, item: object) -> tuple[object, Sequence[object]]:
        assert isinstance(item, Author)
        return item, item.posts

    @override
    async def create(self, values: NewAuthor) -> object:
        author = Author(**values)
        async with self._session() as session:
            session.add(author)
            await session.commit()
            await session.refresh(author)
        return author

    @override
    async def update(self, key: int, change: Change) -> object:
        async with self._session() as session:
            author = await session.get_one(Author, key)
            author.score, author.note = change["score"], change["note"]
            await session.commit()
            await session.refresh(author)
        return author

    @override
    async def update_expression(self, key: int) -> object:
        statement = sa.update(Author).where(col(Author.id) == key).values(score=col(Author.score) + 1)
        async with self._session() as session:
            author = await session.scalar(statement.returning(Author))
            await session.commit()
        return author

    @override
    async def upsert(self, values: NewAuthor) -> object:
        async with self._session() as session:
            author = await session.scalar(sa.select(Author).where(col(Author.handle) == values["handle"]))
            if author is None:
                author = Author(**values)
                session.add(author)
            else:
                author.sqlmodel_update(dict(values))
            await session.commit()
            await session.refresh(author)
        return author

    @override
    async def count(self, group_id: int) -> int:
        statement = sa.select(sa.func.count()).select_from(Author).where(col(Author.group_id) == group_id)
        async with self._session() as session:
            return await session.scalar(statement) or 0

    @override
    async def exists(self, group_id: int) -> bool:
        statement = sa.select(sa.exists().where(col(Author.group_id) == group_id))
        async with self._session() as session:
            return bool(await session.scalar(statement))

    @override
    async def page(self, after: object | None) -> tuple[Sequence[object], object | None]:
        statement = sa.select(Author).where(col(Author.id) > (after or 0)).order_by(col(Author.id)).limit(50)
        async with self._session() as session:
            rows = (await session.scalars(statement)).all()
        return rows, rows[-1].id

    @override
    async def bulk_create(self, rows: Sequence[NewAuthor]) -> Sequence[object]:
        authors = [Author(**row) for row in rows]
        async with self._session() as session:
            session.add_all(authors)
            await session.commit()
        return authors

    @override
    async def bulk_update(self, rows: Sequence[Score]) -> None:
        async with self._session() as session:
            await session.execute(sa.update(Author), [dict(row) for row in rows])
            await session.commit()
