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
from typing import Literal, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from .errors import TransactionError, translated

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

    def __init__(self, make_engine: Callable[[], AsyncEngine]) -> None:
        self._make_engine = make_engine
        self._sandbox: AsyncConnection | None = None
        self._turn = asyncio.Lock()

    @cached_property
    def engine(self) -> AsyncEngine:
        """The engine, made on first use."""
        return self._make_engine()

    @cached_property
    def autocommit(self) -> AsyncEngine:
        """The same pool, each statement its own transaction: one round trip instead of three."""
        return self.engine.execution_options(isolation_level="AUTOCOMMIT")

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
        async with self._bind() as bind, _new_session(bind, "create_savepoint") as session:
            yield session
            with translated(None):
                await session.commit()

    @asynccontextmanager
    async def transaction(self, isolation: Isolation | None, read_only: bool) -> AsyncGenerator[AsyncSession, None]:
        """Open a transaction that calls of this task join; inside another one, a savepoint."""
        if ambient := self.ambient():
            if isolation or read_only:
                raise TransactionError("isolation and read_only are for the outermost transaction")
            async with ambient.begin_nested():
                yield ambient
            return
        options = {"isolation_level": isolation} if isolation else {}
        async with self.session() as session:
            if not self._sandbox:  # whose transaction has begun long ago
                await session.connection(execution_options={**options, "postgresql_readonly": read_only})
            with self._inside(session):
                yield session

    @asynccontextmanager
    async def joined(self, given: AsyncSession | None) -> AsyncGenerator[AsyncSession, None]:
        """Open the session for one call, in the transaction around it if there is one.

        It never is the caller's own session: what comes out of it is detached, and what goes wrong in it leaves the
        caller's objects alone.
        """
        if outer := given or self.ambient():
            await outer.flush()
            async with _new_session(await outer.connection(), "rollback_only") as session:
                yield session
        else:
            alone = self.session() if self._sandbox else _new_session(self.autocommit, "rollback_only")
            async with alone as session:
                yield session

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
        around = next(self._open_scopes(), None)
        async with around.turn if around else self._turn:
            with self._inside(None):
                yield self._sandbox

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


def _new_session(
    bind: AsyncEngine | AsyncConnection, join: Literal["rollback_only", "create_savepoint"]
) -> AsyncSession:
    return AsyncSession(bind, expire_on_commit=False, join_transaction_mode=join)
