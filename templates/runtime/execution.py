"""How statements reach the database: the one place that runs any.

Controllers and selections build statements and hand them in here; objects come out detached. A faster way to run
them replaces this class, and nothing else needs to know.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, Generic, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.exc import PendingRollbackError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.util import greenlet_spawn
from sqlmodel import SQLModel

from .connections import Connections
from .driver import Rows, argument_of
from .entity import Entity
from .errors import translated
from .relations import load_relations

M = TypeVar("M", bound=SQLModel)
T = TypeVar("T")

_log = logging.getLogger(__package__)
_BATCH = 500  # rows of a stream that are in memory at a time


class Execution(Generic[M]):
    """Runs the statements of one model, in ``session`` when one is given, else where the current task is."""

    def __init__(self, connections: Connections, entity: Entity[M], session: AsyncSession | None) -> None:
        self._connections, self.entity, self._session = connections, entity, session

    @property
    def in_transaction(self) -> bool:
        """Whether locks are held until the end of a transaction around the call."""
        return self._session is not None or self._connections.ambient() is not None

    @property
    def streams(self) -> bool:
        """Whether rows can be read while other calls go on: not in a sandbox, which has one connection for all."""
        return self.in_transaction or not self._connections.sandboxed

    async def run(self, work: Callable[[sa.Connection], T], *, atomic: bool = False) -> T:
        """Do what needs a connection; several statements are all or nothing if ``atomic``."""
        with translated(self.entity.model):
            return await self._timed(self._connections.call(self._session, work, atomic=atomic))

    async def rows(self, statement: sa.Executable, values: Mapping[str, object]) -> Rows:
        """Return the rows of a statement."""
        call = self._connections.rows(self._session, statement, values)
        try:
            return await (call if self._connections.slow is None else self._timed(call))
        except (StatementError, PendingRollbackError, PoolTimeoutError):
            engine = self._connections.engine.sync_engine
            with translated(self.entity.model, partial(argument_of, engine, statement)):
                raise

    async def objects(
        self, statement: sa.Executable, values: Mapping[str, object], load: Collection[str] = ()
    ) -> list[M]:
        """Return the objects that a statement gives, with these relationships."""
        if self.entity.hydrator.plain and not load:
            return self.entity.hydrator.of_rows(await self.rows(statement, values))

        def work(connection: sa.Connection) -> list[M]:
            found = self.entity.hydrator.objects(connection, statement, values)
            self.load_into(connection, found, load)
            return found

        return await self.run(work)

    async def first(
        self, statement: sa.Executable, values: Mapping[str, object], load: Collection[str] = ()
    ) -> M | None:
        """Return the first object that a statement gives, if it gives any."""
        found = await self.objects(statement, values, load)
        return found[0] if found else None

    async def scalar(self, statement: sa.Executable, values: Mapping[str, object]) -> object:
        """Return the one value that a statement gives."""
        return (await self.rows(statement, values))[0][0]

    async def affected(self, statement: sa.Executable, values: Mapping[str, object]) -> int:
        """Return how many rows a statement has changed."""
        return await self.run(lambda connection: connection.execute(statement, values).rowcount)

    async def stream(
        self, statement: sa.Executable, values: Mapping[str, object], load: Sequence[str], *, by_orm: bool
    ) -> AsyncGenerator[M, None]:
        """Return the objects that a statement gives one by one, few of them in memory at a time.

        A cursor lives in a transaction, so this is never a call of its own as others are.
        """
        outer = self._session or self._connections.ambient()
        # No other async generator in here, not even as a context manager: of a stream that is left half-way, the
        # event loop closes all of them at the same time.
        async with nullcontext(outer) if outer else self._connections.new_session() as around:
            with translated(self.entity.model):
                await around.flush()
                connection = await around.connection()
                async with AsyncSession(connection, join_transaction_mode="rollback_only") as session:
                    source: Any = session if by_orm else connection
                    result = await source.stream(statement, values, execution_options={"yield_per": _BATCH})
                    while rows := await result.fetchmany(_BATCH):
                        for one in await greenlet_spawn(self._batch, session, rows, load, by_orm):
                            yield one

    async def _timed(self, call: Awaitable[T]) -> T:
        slow, begin = self._connections.slow, time.perf_counter()
        try:
            return await call
        finally:
            if slow is not None and (took := time.perf_counter() - begin) >= slow:
                _log.warning("a call on %s took %.3f s", self.entity.model.__name__, took)

    def load_into(self, connection: sa.Connection, objects: Sequence[M], load: Collection[str]) -> None:
        """Load relationships of objects that are here already, each with one statement."""
        load_relations(connection, self.entity.mapper, load, objects)

    def _batch(self, session: AsyncSession, rows: Sequence[Any], load: Sequence[str], by_orm: bool) -> list[M]:
        hydrator, sync = self.entity.hydrator, session.sync_session
        found = cast("list[M]", [row[0] for row in rows]) if by_orm else hydrator.of_rows(rows)
        hydrator.release(sync)
        self.load_into(sync.connection(), found, load)
        return found
