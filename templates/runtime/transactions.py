"""Where a statement runs: on a connection of its own, or in the transaction around the task.

``service`` opens these blocks, ``execution`` sends the statements of controllers.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
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
from .errors import TransactionError, UnreachableError, aborted, is_lost, is_outdated, is_unsent, sqlstate, translated
from .pool import Connection, Pools, Source, noted
from .sessions import PROBE, Adapter, Callback, Session

T = TypeVar("T")

Isolation: TypeAlias = Literal["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]

_CHILD_TASK = (
    "this task was started inside another task's transaction, and tasks must not share one: await the call in the task "
    "that opened the transaction, or open one here (async with db.transaction()). On Python 3.11 asyncio.wait_for runs "
    "its argument in a task of its own: use asyncio.timeout there"
)


@dataclass(eq=False)
class Scope:
    """A block that the current context is inside of.

    Calls of the same ``task`` join the transaction of a block with a ``connection``; without one it is a session's.
    """

    owner: Transactions
    connection: Connection | None
    session: Session
    task: asyncio.Task[object] | None = field(default_factory=asyncio.current_task)
    open: bool = True  # a task that was started inside may outlive the block


_scopes: ContextVar[tuple[Scope, ...]] = ContextVar("scopes", default=())


class Transactions:
    """The transactions that are open on the connections of one service."""

    source: Source | None = None  # of a test, in place of the pools
    watcher: Callable[[str, Sequence[Any]], None] | None = None  # of a test, too

    def __init__(self, pools: Pools, *, echo: bool) -> None:
        self.pools, self._echo = pools, echo
        self._joining, self._introducing = local(), Lock()

    @cached_property
    def engine(self) -> AsyncEngine:
        """SQLAlchemy's engine over the same connections."""
        return sessions.new_engine(self._lent, echo=self._echo)

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[Session, None]:
        """Open a session of its own: commit at the end, roll back on error."""
        async with sessions.new_session(self.engine) as session:
            try:
                with self._inside(None, session):
                    yield session
                    with translated(None):
                        await session.commit()
            finally:
                if called := sessions.begin_callbacks(session):
                    await called

    @asynccontextmanager
    async def transaction(
        self, isolation: Isolation | None = None, *, read_only: bool = False
    ) -> AsyncGenerator[Session, None]:
        """Open a transaction that calls of this task join; inside another one, a savepoint."""
        if (scope := self.scope()) and scope.task is asyncio.current_task():
            if isolation or read_only:
                raise TransactionError("isolation and read_only are for the outermost transaction")
            async with _savepoint(scope) as session:
                yield session
            return
        source = self.source or self.pools.current
        options = {"isolation": isolation and isolation.lower().replace(" ", "_"), "readonly": read_only}
        with translated(None):
            connection, begun = await _begun(source, {} if source.shared else options)
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
                    await begun.commit()
                called = sessions.begin_callbacks(session)
            except Exception as error:
                with suppress(Exception):  # the one that ends the block is what the caller must see
                    await begun.rollback()
                    sound = True
                if isinstance(error, TransactionError) and connection.is_closed():  # what had ended it was caught
                    raise UnreachableError.of("transaction: the connection to the server was lost") from None
                raise
            sound = True
        finally:  # whoever is cancelled loses the connection: what it is at, nobody knows
            connection.stale = connection.stale and not read_only  # where a refused write says nothing of the server
            await source.give(connection, sound=sound)
        if called:
            await called

    def after_commit(self, callback: Callback) -> None:
        """Call back once the outermost transaction around the call is stored; at once if there is none."""
        if not callable(callback):
            raise TypeError(f"after_commit takes a function, which it calls: not a {type(callback).__name__}")
        if scope := self.enclosing():
            sessions.call_after_commit(scope.session, callback)
        else:
            awaitable = callback()
            if inspect.isawaitable(awaitable):
                sessions.in_background(awaitable)

    async def send(self, given: PlainSession | None, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do the work of a call where the task is: in the transaction around it, else on its own."""
        session = given
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
        """Return the driver's connection of a session's transaction, which has begun."""
        scope = self._innermost(lambda scope: scope.session is session)
        if scope and scope.connection and not session.in_transaction():
            return scope.connection
        with translated(None):
            return cast("Connection", await session.run_sync(sessions.driver_of))

    def scope(self) -> Scope | None:
        """Return the innermost transaction of this service around the current context, whichever task opened it."""
        return self._innermost(lambda scope: scope.connection is not None)

    def ambient(self) -> Scope | None:
        """Return the transaction that a call must join."""
        if scope := self.scope():
            _check_task(scope)
        return scope

    def enclosing(self) -> Scope | None:
        """Return the transaction, or the session, that a call is made inside of."""
        return self.ambient() or self._innermost(lambda scope: scope.task is asyncio.current_task())

    async def introduce(self, connection: Connection) -> None:
        """Let SQLAlchemy ask the first connection what it asks each server once, outside of any block."""
        while self.engine.dialect.server_version_info is None:
            if not self._introducing.acquire(blocking=False):  # by an event loop in another thread
                await asyncio.sleep(0.01)
                continue
            try:
                self._joining.connection = connection
                async with self.engine.connect():
                    pass
            finally:
                self._introducing.release()

    def _innermost(self, fits: Callable[[Scope], bool]) -> Scope | None:
        return next((one for one in reversed(_scopes.get()) if one.owner is self and one.open and fits(one)), None)

    async def _alone(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        source, outdated = self.source or self.pools.current, False
        while True:
            connection, sound = await source.take(), True
            try:
                return await work(connection)
            except BaseException as error:
                sound, again = connection.note(error), is_unsent(error) and not connection.fresh
                if is_outdated(error) and not outdated:
                    outdated = again = True
                    await connection.reload_schema_state()
                if not again:  # else nothing has happened yet
                    raise
            finally:
                await source.give(connection, sound=sound)

    def _lent(self) -> Adapter:
        """Give SQLAlchemy the connection it asks for."""
        joining: Connection | None = vars(self._joining).pop("connection", None)
        source = None if joining else self.source or self.pools.current
        connection = joining or await_only(cast("Source", source).take())
        adapter = connection.adapter
        adapter.source, adapter.autocommit, adapter.undone = source, joining is not None, False
        return adapter

    def _joined(self, connection: Connection) -> sa.Connection:
        self._joining.connection = connection
        return self.engine.sync_engine.connect()

    @contextmanager
    def _inside(self, connection: Connection | None, session: Session) -> Generator[Scope, None, None]:
        scope = Scope(self, connection, session)
        _scopes.set((*_scopes.get(), scope))
        try:
            yield scope
        finally:
            scope.open = False
            # Not by token: a block that a fixture opened may be closed in another context.
            _scopes.set(tuple(other for other in _scopes.get() if other is not scope))


async def _begun(source: Source, options: Mapping[str, Any]) -> tuple[Connection, Any]:
    """Return a connection with a transaction; one that proves to be lost is replaced, as nothing has happened yet."""
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
        await nested.start()  # which flushes first
    try:
        yield session
        with translated(None):
            await (await session.connection()).execute(PROBE)  # to release one that has failed confuses SQLAlchemy
            await nested.commit()
    except BaseException:
        with suppress(SQLAlchemyError):  # of a connection that is lost
            await nested.rollback()
        raise


def _check_task(scope: Scope) -> None:
    if scope.task is not asyncio.current_task():
        raise TransactionError(_CHILD_TASK)
