"""Where a statement runs: the engine, the transactions around the current task, and the tests' sandbox.

The service opens these blocks, ``execution`` asks for what fits the one it is in.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, DisconnectionError, MissingGreenlet
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.pool import AsyncAdaptedQueuePool, PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

from .driver import (
    Plan,
    ReadyPool,
    Rows,
    Values,
    aborted_by,
    any_aborted,
    fetch,
    has_begun,
    known_plan,
    send,
    watch_errors,
)
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
_HELD = f"{__name__}.held"  # where a session keeps which connection its transaction is on


class Connections:
    """The engine of one service, and the blocks that are open on it."""

    def __init__(self, make_engine: Callable[[], AsyncEngine], slow: float | None = None) -> None:
        self._make_engine, self.slow = make_engine, slow
        self._sandbox: AsyncConnection | None = None
        self._turn = asyncio.Lock()

    @cached_property
    def engine(self) -> AsyncEngine:
        """The engine, made on first use."""
        engine = self._make_engine()
        event.listen(engine.sync_engine, "checkout", _refuse_closed)
        watch_errors(engine.sync_engine)
        return engine

    @property
    def pool(self) -> AsyncAdaptedQueuePool:
        """The engine's pool, of today: disposing makes another one."""
        return cast("AsyncAdaptedQueuePool", self.engine.pool)

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
            session = self.new_session(bind)
            async with session:
                yield session
                await _refuse_aborted(session)
                with translated(None):
                    await session.commit()

    def new_session(self, bind: AsyncEngine | AsyncConnection | None = None) -> AsyncSession:
        """Return a session that keeps what it has read, and that is done with when it is closed."""
        mode, made = "create_savepoint", bind or self.engine
        return AsyncSession(made, expire_on_commit=False, join_transaction_mode=mode, close_resets_only=False)

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
                await _refuse_aborted(ambient)
            return
        options = {"isolation_level": isolation} if isolation else {}
        async with self.session() as session:
            if not self._sandbox:  # whose transaction has begun long ago
                with translated(None):
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

    async def rows(self, given: AsyncSession | None, statement: sa.Executable, values: Values) -> Rows:
        """Return the rows of a call that is a single statement."""
        outer = given or self.ambient()
        held = self.engine.sync_engine if outer is None else _held(outer.sync_session)
        if held and not self._sandbox and (plan := known_plan(held, statement)):
            if isinstance(held, sa.Engine):
                return await _sent_alone(self.pool, plan, values)
            return await send(held, held.connection, plan, values)
        return await self.call(outer, lambda connection: fetch(connection, statement, values), atomic=False)

    @property
    def sandboxed(self) -> bool:
        """Whether a sandbox is open."""
        return self._sandbox is not None

    def ambient(self) -> AsyncSession | None:
        """Return the session of the transaction around the current task."""
        if not _scopes.get():
            return None
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
    connection = session.connection()
    done = work(connection)
    if has_begun(connection):
        session.info[_HELD] = (_innermost(session), connection)
    return done


async def failure_of(session: AsyncSession) -> str:
    """Return the code of the error that has ended a session's transaction, or savepoint; nothing if none has."""
    if not (any_aborted() and session.in_transaction()):
        return ""
    connection = (await session.connection()).sync_connection
    return aborted_by(connection) if connection else ""


async def _refuse_aborted(session: AsyncSession) -> None:
    """Refuse to commit what PostgreSQL would roll back without a word."""
    with translated(None):
        if await failure_of(session):
            await session.execute(sa.text("SELECT 1"))  # a savepoint of the caller's own may have saved it


def _held(session: Session) -> sa.Connection | None:
    """Return the connection that a session's transaction, or savepoint, was seen to have begun on."""
    transaction, (seen, connection) = _innermost(session), session.info.get(_HELD, (None, None))
    inside = transaction and transaction is seen and transaction.is_active
    known: Any = session
    # What a flush asks first: to look at `new`, `dirty` and `deleted` would cost more than all the rest.
    return connection if inside and known._is_clean() else None


def _innermost(session: Session) -> SessionTransaction | None:
    return session.get_nested_transaction() or session.get_transaction()


async def _sent_alone(pool: AsyncAdaptedQueuePool, plan: Plan, values: Values) -> Rows:
    """Send a statement that is committed as it is run, without the greenlets that nothing here needs to wait in."""
    connection = _idle(pool)
    if connection is None:
        connection = await greenlet_spawn(pool.connect)
    try:
        return await send(connection, connection, plan, values)
    except DBAPIError as error:
        if not is_of_server(error) and connection.is_valid:
            await greenlet_spawn(connection.invalidate)
        raise
    finally:
        if pool.overflow() > 0:  # there may be no room for it, and then it is closed
            await greenlet_spawn(connection.close)
        else:
            connection.close()
        if isinstance(pool, ReadyPool) and pool.waiting:
            await asyncio.sleep(0)  # who waits gets it, before this task asks again


def _idle(pool: AsyncAdaptedQueuePool) -> PoolProxiedConnection | None:
    """Return a connection of the pool, if one is there and open."""
    with suppress(MissingGreenlet):  # it was closed, and must be made anew
        return pool.connect() if pool.checkedin() else None
    return None


def _refuse_closed(connection: object, *_: object) -> None:
    """Have the pool replace a connection that was found closed while it was idle."""
    adapter: Any = connection
    if adapter.driver_connection.is_closed():
        raise DisconnectionError


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
