"""Transactions and sessions as blocks, and the choice of the connection on which a statement runs.

``service`` opens the blocks; ``execution`` sends the statements of controllers.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock, local
from typing import Any, Literal, TypeAlias, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.ext.asyncio import AsyncSession as PlainSession
from sqlalchemy.util import await_only

from . import sessions
from .contracts import ReplicaStatus
from .errors import TransactionError, UnreachableError, aborted, is_lost, is_outdated, is_unsent, sqlstate, translated
from .pool import Connection, Pools, Source, noted
from .sessions import PROBE, Adapter, Callback, Session

T = TypeVar("T")

Isolation: TypeAlias = Literal["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]

_CHILD_TASK = (
    "this task was started inside another task's transaction, and tasks must not share one: await the call in the task "
    "that opened the transaction, or open one here (async with db.transaction()). On Python 3.11 asyncio.wait_for runs "
    "its argument in a new task: use asyncio.timeout there"
)


@dataclass(eq=False)
class Scope:
    """A block around the current context: a transaction with its ``connection``, or a session without one.

    Calls of the same ``task`` join the transaction of the block.
    """

    owner: Transactions
    connection: Connection | None
    session: Session
    task: asyncio.Task[object] | None = field(default_factory=asyncio.current_task)
    open: bool = True  # a task that was started inside may outlive the block


_scopes: ContextVar[tuple[Scope, ...]] = ContextVar("scopes", default=())


class Transactions:
    """The transactions on the connections of one service."""

    source: Source | None = None  # set by tests in place of the pools
    watcher: Callable[[str, Sequence[Any]], None] | None = None  # set by tests, called with each statement

    def __init__(self, pools: Pools) -> None:
        self.pools, self._joining, self._initializing = pools, local(), Lock()

    @cached_property
    def engine(self) -> AsyncEngine:
        """A SQLAlchemy engine on the same connections."""
        return sessions.new_engine(self._lent)

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[Session, None]:
        """Open a session, which commits at the end of the block and rolls back on an error."""
        async with sessions.new_session(self.engine) as session:
            try:
                with self._inside(None, session):
                    yield session
                    with translated(None):
                        await session.commit()
            finally:
                if callbacks := sessions.start_callbacks(session):
                    await callbacks

    @asynccontextmanager
    async def transaction(
        self, isolation: Isolation | None = None, *, read_only: bool = False
    ) -> AsyncGenerator[Session, None]:
        """Open a transaction that calls of this task join; inside another transaction, a savepoint."""
        if (scope := self.scope()) and scope.task is asyncio.current_task():
            if isolation or read_only:
                raise TransactionError("isolation and read_only are for the outermost transaction")
            async with _savepoint(scope) as session:
                yield session
            return
        source = self.source or self.pools.current
        options = {"isolation": isolation and isolation.lower().replace(" ", "_"), "readonly": read_only}
        with translated(None):
            connection, transaction = await _begin(source, {} if source.shared else options)
        sound = False
        try:
            session = sessions.joined_session(lambda: self._joined(connection))
            try:
                with self._inside(connection, session):
                    try:
                        yield session
                        with translated(None):
                            await sessions.finish(session)
                    finally:
                        await sessions.leave(session)
                with translated(None):
                    await transaction.commit()
                callbacks = sessions.start_callbacks(session)
            except Exception as error:
                with suppress(Exception):  # the caller must see the error that ended the block
                    await transaction.rollback()
                    sound = True
                if isinstance(error, TransactionError) and connection.is_closed():  # the caller caught its error
                    raise UnreachableError.of("transaction: the connection to the server was lost") from None
                raise
            sound = True
        finally:  # after a cancellation the state of the connection is unknown, so it is not sound
            connection.stale = connection.stale and not read_only  # a refused write was then the block's own fault
            await source.give(connection, sound=sound)
        if callbacks:
            await callbacks

    def after_commit(self, callback: Callback) -> None:
        """Run ``callback`` after the outermost transaction around the call commits; at once if there is none."""
        if not callable(callback):
            raise TypeError(f"after_commit takes a function to call, not {type(callback).__name__}")
        if scope := self.enclosing():
            sessions.call_after_commit(scope.session, callback)
        elif inspect.isawaitable(awaitable := callback()):
            sessions.in_background(awaitable)

    async def ready(self) -> None:
        """Wait until it is known which replicas can be used. Only ``ReplicatedTransactions`` has any."""

    def primary(self) -> AbstractContextManager[None]:
        """Force the reads inside the block to the primary."""
        return nullcontext()

    def replica_status(self) -> list[ReplicaStatus]:
        """Return the state of each replica."""
        return []

    async def send(
        self, session: PlainSession | None, work: Callable[[Connection], Awaitable[T]], statement: str = ""
    ) -> T:
        """Run the work of a call in the session, else in the transaction around it, else on its own connection."""
        if session is None and (scope := self.ambient()):
            session = scope.session
        if session is not None:
            connection = await self.driver(session)
            try:
                return await noted(connection, work(connection))
            except Exception as error:
                if sqlstate(error) == "25P02":
                    raise aborted(None, getattr(connection, "failure", "")) from None
                raise
        return await self._alone(work)

    async def driver(self, session: PlainSession) -> Connection:
        """Return asyncpg's connection of a session, whose transaction this begins if necessary."""
        scope = self._innermost(lambda scope: scope.session is session)
        if scope and scope.connection and not session.in_transaction():
            return scope.connection
        with translated(None):
            return cast("Connection", await session.run_sync(sessions.driver_of))

    def scope(self) -> Scope | None:
        """Return the innermost transaction around the current context, whichever task opened it."""
        return self._innermost(lambda scope: scope.connection is not None)

    def ambient(self) -> Scope | None:
        """Return the transaction that a call must join, if there is one."""
        if (scope := self.scope()) and scope.task is not asyncio.current_task():
            raise TransactionError(_CHILD_TASK)
        return scope

    def enclosing(self) -> Scope | None:
        """Return the transaction or session that encloses a call."""
        return self.ambient() or self._innermost(lambda scope: scope.task is asyncio.current_task())

    async def initialize_dialect(self, connection: Connection) -> None:
        """Let SQLAlchemy run its queries about the server, once, on the first connection."""
        while self.engine.dialect.server_version_info is None:
            if not self._initializing.acquire(blocking=False):  # an event loop in another thread is doing it
                await asyncio.sleep(0.01)
                continue
            try:
                self._joining.connection = connection
                async with self.engine.connect():
                    pass
            finally:
                self._initializing.release()

    def _innermost(self, matches: Callable[[Scope], bool]) -> Scope | None:
        scopes = (scope for scope in reversed(_scopes.get()) if scope.owner is self and scope.open)
        return next(filter(matches, scopes), None)

    async def _alone(self, work: Callable[[Connection], Awaitable[T]], source: Source | None = None) -> T:
        source, reloaded = source or self.source or self.pools.current, False
        while True:
            connection, sound = await source.take(), True
            try:
                return await work(connection)
            except BaseException as error:
                sound, retry = connection.note(error), is_unsent(error) and not connection.fresh
                if is_outdated(error) and not reloaded:
                    reloaded = retry = True
                    await connection.reload_schema_state()
                if not retry:
                    raise
            finally:
                await source.give(connection, sound=sound)

    def _lent(self) -> Adapter:
        """Return a connection to SQLAlchemy, which calls this when it needs one."""
        joining: Connection | None = vars(self._joining).pop("connection", None)
        source = None if joining else self.source or self.pools.current
        connection = joining or await_only(cast("Source", source).take())
        adapter = connection.adapter
        adapter.source, adapter.autocommit, adapter.rolled_back = source, joining is not None, False
        return adapter

    def _joined(self, connection: Connection) -> sa.Connection:
        self._joining.connection = connection
        return self.engine.sync_engine.connect()

    @contextmanager
    def _inside(self, connection: Connection | None, session: Session) -> Generator[None, None, None]:
        scope = Scope(self, connection, session)
        _scopes.set((*_scopes.get(), scope))
        try:
            yield
        finally:
            scope.open = False
            # Not by token, because a block that a fixture opened may be closed in another context.
            _scopes.set(tuple(other for other in _scopes.get() if other is not scope))


async def _begin(source: Source, options: Mapping[str, Any]) -> tuple[Connection, Any]:
    """Begin a transaction on a connection, replacing connections that were lost while they were idle."""
    while True:
        connection = await source.take()
        try:
            return connection, await connection.begin(**options)
        except BaseException as error:
            await source.give(connection, sound=False)
            if connection.fresh or isinstance(error, TimeoutError) or not is_lost(error):
                raise


@asynccontextmanager
async def _savepoint(scope: Scope) -> AsyncGenerator[Session, None]:
    session = scope.session
    nested = session.begin_nested()
    with translated(None):
        await nested.start()  # flushes first
    try:
        yield session
        with translated(None):
            await (await session.connection()).execute(PROBE)  # fails here rather than within SQLAlchemy's RELEASE
            await nested.commit()
    except BaseException:
        with suppress(SQLAlchemyError):  # the connection may be lost
            await nested.rollback()
        raise
