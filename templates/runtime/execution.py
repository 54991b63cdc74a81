"""How statements reach the database: the one place that runs any.

Controllers and selections build statements and hand them in here; objects come out detached. A faster way to run
them replaces this class, and nothing else needs to know.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlmodel import SQLModel

from .connections import Connections
from .entity import Entity
from .errors import translated
from .relations import load_relation, refuse_unloaded

M = TypeVar("M", bound=SQLModel)
T = TypeVar("T")


class Execution(Generic[M]):
    """Runs the statements of one model, in ``session`` when one is given, else where the current task is."""

    def __init__(self, connections: Connections, entity: Entity[M], session: AsyncSession | None) -> None:
        self._connections, self.entity, self._session = connections, entity, session

    @asynccontextmanager
    async def together(self) -> AsyncGenerator[Execution[M], None]:
        """Run several statements in one transaction."""
        async with self._connections.atomic(self._session) as session:
            yield Execution(self._connections, self.entity, session)

    @property
    def in_transaction(self) -> bool:
        """Whether locks are held until the end of a transaction around the call."""
        return self._session is not None or self._connections.ambient() is not None

    async def rows(
        self, statement: sa.Executable, load: Iterable[str] = (), values: Sequence[Mapping[str, object]] | None = None
    ) -> list[tuple[Any, ...]]:
        """Return the rows of a statement, whose first column is the object, with these relationships."""

        def work(session: Session) -> list[tuple[Any, ...]]:
            rows = [tuple(row) for row in session.execute(statement, values).unique()]
            self._finish(session, [row[0] for row in rows], load)
            return rows

        return await self._run(work)

    async def objects(self, statement: sa.Executable, load: Iterable[str] = ()) -> list[M]:
        """Return the objects that a statement gives, with these relationships."""
        return [row[0] for row in await self.rows(statement, load)]

    async def first(self, statement: sa.Executable, load: Iterable[str] = ()) -> M | None:
        """Return the first object that a statement gives, if it gives any."""
        found = await self.objects(statement, load)
        return found[0] if found else None

    async def scalar(self, statement: sa.Executable) -> object:
        """Return the one value that a statement gives."""
        return await self._run(lambda session: session.execute(statement).scalar())

    async def affected(self, statement: sa.Executable) -> int:
        """Return how many rows a statement has changed."""
        return await self._run(lambda session: cast("sa.CursorResult[Any]", session.execute(statement)).rowcount)

    async def load(self, relation: str, objects: Iterable[M]) -> None:
        """Load a relationship of objects that are here already."""
        await self._run(lambda session: self._finish(session, list(objects), [relation]))

    async def stream(self, statement: sa.Executable, load: Iterable[str]) -> AsyncGenerator[M, None]:
        """Return the objects that a statement gives one by one, few of them in memory at a time."""
        # A cursor lives in a transaction, so this is never a call of its own as others are.
        async with self._connections.atomic(self._session) as outer, self._connections.joined(outer) as session:
            with translated(self.entity.model):
                result = await session.stream_scalars(statement, execution_options={"yield_per": 500})
                async for objects in result.partitions():
                    await session.run_sync(self._finish, objects, load)
                    for one in filter(session.__contains__, session.sync_session.identity_map.values()):
                        session.expunge(one)
                    for one in objects:
                        yield one

    async def _run(self, work: Callable[[Session], T]) -> T:
        async with self._connections.joined(self._session) as session:
            with translated(self.entity.model):
                return await session.run_sync(work)

    def _finish(self, session: Session, objects: Sequence[Any], load: Iterable[str]) -> None:
        for name in load:
            load_relation(session, self.entity.mapper, name, objects)
        refuse_unloaded(session)
