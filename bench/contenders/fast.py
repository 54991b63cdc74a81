"""fastcrud: ``FastCRUD`` over the same SQLModel models, with the schemas that it requires."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import ClassVar, Final

from fastcrud import FastCRUD
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from typing_extensions import override

from bench.contender import Calls, Change, NewAuthor
from bench.contenders.engines import OnEngine
from bench.models import Author, Kind
from bench.server import Address


class AuthorCreate(BaseModel):
    """The schema of a new author."""

    handle: str
    group_id: int
    name: str
    kind: Kind = Kind.PERSON
    score: int = 0
    active: bool = True
    joined_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    rating: float = 0.0
    note: str | None = None
    details: dict[str, object] = Field(default_factory=dict)


class AuthorRow(AuthorCreate):
    """All eleven columns."""

    id: int


class AuthorUpdate(BaseModel):
    """The schema of an update."""

    score: int | None = None
    note: str | None = None


COLUMNS: Final = list(AuthorRow.model_fields)
BY_HAND: Final = "the enum comes back from an update as text, and is converted by hand"


class SessionCalls(Calls):
    """Calls on a caller's session; they do not commit."""

    def __init__(self, authors: FastCRUD, session: AsyncSession, *, commit: bool = False) -> None:
        self._authors, self._session, self._commit = authors, session, commit

    @override
    async def get(self, key: int) -> object:
        return await self._authors.get(self._session, id=key)

    @override
    async def create(self, values: NewAuthor) -> object:
        new = AuthorCreate(**values)
        return await self._authors.create(self._session, new, commit=self._commit, schema_to_select=AuthorRow)

    @override
    async def update(self, key: int, change: Change) -> object:
        new = AuthorUpdate(**change)
        row = await self._authors.update(
            self._session, new, commit=self._commit, return_columns=COLUMNS, one_or_none=True, id=key
        )
        return _converted(row)


class FastCrud(OnEngine):
    """``FastCRUD(Author)``, one session for each call; its rows are dicts."""

    notes: ClassVar = {
        **dict.fromkeys(("update", "update_expression", "transaction_writes"), BY_HAND),
        "upsert": "by primary key, the only key it knows",
        "exists": "reads a row",
        "relations": "a JOIN, nested in Python",
        "bulk_create": "no call for it",
        "bulk_update": "no call for it",
    }

    @override
    async def setup(self, address: Address) -> None:
        await super().setup(address)
        self._authors = FastCRUD(Author)

    @asynccontextmanager
    async def _calls(self) -> AsyncGenerator[SessionCalls, None]:
        async with self._session() as session:
            yield SessionCalls(self._authors, session, commit=True)

    @override
    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Calls, None]:
        async with self._session.begin() as session:
            yield SessionCalls(self._authors, session)

    @override
    async def get(self, key: int) -> object:
        async with self._calls() as calls:
            return await calls.get(key)

    @override
    async def get_unique(self, handle: str) -> object:
        async with self._session() as session:
            return await self._authors.get(session, handle=handle)

    @override
    async def list_group(self, group_id: int) -> Sequence[object]:
        async with self._session() as session:
            result = await self._authors.get_multi(session, group_id=group_id, limit=None, return_total_count=False)
        return _data(result)

    @override
    async def relations(self, group_id: int) -> Sequence[object]:
        async with self._session() as session:
            result = await self._authors.get_multi_joined(
                session,
                auto_detect_relationships=True,
                include_one_to_many=True,
                nest_joins=True,
                group_id=group_id,
                limit=None,
                return_total_count=False,
            )
        return _data(result)

    @override
    def family(self, item: object) -> tuple[object, Sequence[object]]:
        assert isinstance(item, Mapping)
        return item, item["posts"]

    @override
    async def create(self, values: NewAuthor) -> object:
        async with self._calls() as calls:
            return await calls.create(values)

    @override
    async def update(self, key: int, change: Change) -> object:
        async with self._calls() as calls:
            return await calls.update(key, change)

    @override
    async def update_expression(self, key: int) -> object:
        change = {"score": col(Author.score) + 1}
        async with self._session() as session:
            row = await self._authors.update(session, change, return_columns=COLUMNS, one_or_none=True, id=key)
        return _converted(row)

    @override
    async def upsert(self, values: NewAuthor) -> object:
        key = int(values["handle"].removeprefix("handle"))  # a new row also gets the key that its handle contains
        async with self._session() as session:
            return await self._authors.upsert(session, AuthorRow(id=key, **values))

    @override
    async def count(self, group_id: int) -> int:
        async with self._session() as session:
            return await self._authors.count(session, group_id=group_id)

    @override
    async def exists(self, group_id: int) -> bool:
        async with self._session() as session:
            return await self._authors.exists(session, group_id=group_id)

    @override
    async def page(self, after: object | None) -> tuple[Sequence[object], object | None]:
        async with self._session() as session:
            result = await self._authors.get_multi_by_cursor(session, cursor=after, limit=50, sort_column="id")
        return _data(result), result["next_cursor"]


def _data(result: object) -> Sequence[object]:
    assert isinstance(result, Mapping)
    rows: Sequence[object] = result["data"]
    return rows


def _converted(row: object) -> Mapping[str, object]:
    """Convert the row that an update returned."""
    assert isinstance(row, Mapping)
    return {**row, "kind": Kind(row["kind"])}
