"""Where a statement runs: the engine, the transactions around the current task, and the tests' sandbox.

The service opens these blocks, ``execution`` asks for a session that fits the one it is in.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.util import greenlet_spawn

from .errors import TransactionError, is_of_server, translated

T = TypeVar("T")

Isolation: TypeAlias = Literal["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]


@dataclass(eq=False)
class Scope:
    """A block that the current context is inside of.

    ``session`` is set for a transaction, which calls of the same ``task`` join. In a sandbox, calls inside the block
    take turns on ``turn``, because they share one connection.
    """

    owner: Connections
    session: AsyncSession | None
    task: asyncio.Task[object] | None = field(default_factory=asyncio.current_task)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    open: bool = True  # a task that was started inside may outlive the block


_scopes: ContextVar[tuple[Scope, ...]] = ContextVar("scopes", default=())


class Connections:
    """The engine of one service, and the blocks that are open on it."""

    def __init__(self, make_engine: Callable[[], AsyncEngine], slow: float | None = None) -> None:
        self._make_engine, self.slow = make_engine, slow
        self._sandbox: AsyncConnection | None = None
        self._turn = asyncio.Lock()

    @cached_property
    def engine(self) -> AsyncEngine:
        """The engine, made on first use."""
        return self._make_engine()

    @asynccontextmanager
    async def sandbox(self) -> AsyncGenerator[None, None]:
        """Run everything, from any task, on one connection, and roll it back at the end."""
        if self._sandbox:
            raise TransactionError("a sandbox is open already")
        async with self.engine.connect() as connection, connection.begin() as transaction:
            self._sandbox, self._turn = connection, asyncio.Lock()
            try:
                yield
            finally:
                self._sandbox = None
                await transaction.rollback()

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncSession, None]:
        """Open a session of its own: commit at the end, roll back on error."""
        async with self._bind() as bind:
            session = AsyncSession(bind, expire_on_commit=False, join_transaction_mode="create_savepoint")
            async with session:
                yield session
                with translated(None):
                    await session.commit()

    @asynccontextmanager
    async def transaction(self, isolation: Isolation | None, read_only: bool) -> AsyncGenerator[AsyncSession, None]:
        """Open a transaction that calls of this task join; inside another one, a savepoint."""
        if ambient := self.ambient():
            if isolation or read_only:
                raise TransactionError("isolation and read_only are for the outermost transaction")
            with translated(None):
                await ambient.flush()
            async with ambient.begin_nested():
                yield ambient
                with translated(None):
                    await ambient.flush()
            return
        options = {"isolation_level": isolation} if isolation else {}
        async with self.session() as session:
            if not self._sandbox:  # whose transaction has begun long ago
                await session.connection(execution_options={**options, "postgresql_readonly": read_only})
            with self._inside(session):
                yield session

    async def call(self, given: AsyncSession | None, work: Callable[[sa.Connection], T], *, atomic: bool) -> T:
        """Do the work of one call, in the transaction around it if there is one.

        Otherwise its statements have one of their own if ``atomic``, else each is committed as it is run.
        """
        if outer := given or self.ambient():
            return await greenlet_spawn(_inside_session, outer.sync_session, work)
        if self._sandbox:
            async with self._turn_on(self._sandbox) as connection:
                return await greenlet_spawn(_inside_savepoint, connection.sync_connection, work)
        alone = _inside_transaction if atomic else _committed_at_once
        return await greenlet_spawn(alone, self.engine.sync_engine, work)

    @asynccontextmanager
    async def atomic(self, given: AsyncSession | None) -> AsyncGenerator[AsyncSession, None]:
        """Give the session whose transaction several calls share: the one around them, or a new one."""
        if outer := given or self.ambient():
            yield outer
        else:
            async with self.session() as session:
                yield session

    def ambient(self) -> AsyncSession | None:
        """Return the session of the transaction around the current task."""
        scope = next((scope for scope in self._open_scopes() if scope.session), None)
        if scope and scope.task is not asyncio.current_task():
            raise TransactionError(
                "this task was started inside another task's transaction, and tasks must not share a session: await "
                "the call in the task that opened the transaction, or give this one a session of its own "
                "(async with db.session() as session) and call db.<model>.using(session)"
            )
        return scope.session if scope else None

    @asynccontextmanager
    async def _bind(self) -> AsyncGenerator[AsyncEngine | AsyncConnection, None]:
        if self._sandbox is None:
            yield self.engine
            return
        async with self._turn_on(self._sandbox) as connection:
            yield connection

    @asynccontextmanager
    async def _turn_on(self, connection: AsyncConnection) -> AsyncGenerator[AsyncConnection, None]:
        around = next(self._open_scopes(), None)
        async with around.turn if around else self._turn:
            with self._inside(None):
                yield connection

    @contextmanager
    def _inside(self, session: AsyncSession | None) -> Generator[None, None, None]:
        scope = Scope(self, session)
        _scopes.set((*_scopes.get(), scope))
        try:
            yield
        finally:
            scope.open = False
            # Not by token: a block that a fixture opened may be closed in another context.
            _scopes.set(tuple(other for other in _scopes.get() if other is not scope))

    def _open_scopes(self) -> Iterator[Scope]:
        return (scope for scope in reversed(_scopes.get()) if scope.owner is self and scope.open)


def _inside_session(session: Session, work: Callable[[sa.Connection], T]) -> T:
    session.flush()
    return work(session.connection())


def _inside_savepoint(connection: sa.Connection | None, work: Callable[[sa.Connection], T]) -> T:
    if connection is None:
        raise TransactionError("the sandbox is closed")
    with connection.begin_nested():
        return work(connection)


def _inside_transaction(engine: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
    with engine.begin() as connection:
        return work(connection)


def _committed_at_once(engine: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
    """Work without BEGIN and COMMIT, which would be two round trips more."""
    with engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        engine.dialect.set_isolation_level(driver, "AUTOCOMMIT")
        try:
            return work(connection)
        except DBAPIError as error:
            if not is_of_server(error):  # the driver refused a value half-way through the protocol
                connection.invalidate()
            raise
        finally:
            engine.dialect.reset_isolation_level(driver)
