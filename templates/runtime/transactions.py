"""Where a statement runs: on a connection of its own, or in the transaction around the task.

``service`` opens these blocks, ``execution`` sends the statements of controllers.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias, TypeVar, cast

import sqlalchemy as sa
import sqlmodel
from sqlalchemy import Executable, Result, event, orm
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.ext.asyncio import AsyncSession as PlainSession
from sqlalchemy.pool import NullPool
from sqlalchemy.util import await_only
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import override

from .errors import TransactionError, aborted, is_outdated, sqlstate, translated
from .pool import Adapter, Connection, Pool, Source, is_ours

T = TypeVar("T")

Isolation: TypeAlias = Literal["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]
Callback: TypeAlias = Callable[[], object]

_log = logging.getLogger(__package__)
_CHILD_TASK = (
    "this task was started inside another task's transaction, and tasks must not share one: await the call in the task "
    "that opened the transaction, or open one here (async with db.transaction()). On Python 3.11 asyncio.wait_for runs "
    "its argument in a task of its own: use asyncio.timeout there"
)
_PROBE = sa.text("SELECT 1")  # fails where an error has ended the transaction, and makes a lazy one begin
_JOIN = f"{__name__}.join"


class GuestDialect(PGDialect_asyncpg):
    """SQLAlchemy's dialect on connections that are lent to it, whose codecs are set already."""

    supports_statement_cache = True

    @override
    async def setup_asyncpg_json_codec(self, conn: object) -> None:
        """Leave it as it is."""

    @override
    async def setup_asyncpg_jsonb_codec(self, conn: object) -> None:
        """Leave it as it is."""


registry.register("postgresql.guest", __name__, "GuestDialect")


class SyncSession(sqlmodel.Session):
    """SQLModel's, in which SQLAlchemy's own ``execute`` is as welcome as ``exec``."""

    execute: Any = orm.Session.execute


class Session(AsyncSession):
    """What ``db.session()`` and ``db.transaction()`` yield."""

    sync_session_class = SyncSession

    @override
    async def execute(self, statement: Executable, *arguments: Any, **options: Any) -> Result[Any]:
        """Execute a statement as SQLAlchemy's own session does."""
        return await PlainSession.execute(self, statement, *arguments, **options)


class Joined(SyncSession):
    """The session of a block whose transaction has begun without it: it gets the connection when it is first used."""

    @override
    def get_bind(self, *_: object, **__: object) -> sa.Connection:
        if not isinstance(self.info[_JOIN], sa.Connection):
            self.info[_JOIN] = self.info[_JOIN]()
        return cast("sa.Connection", self.info[_JOIN])

    @override
    def commit(self) -> None:
        raise TransactionError("a transaction block commits at its end: leave it")

    @override
    def rollback(self) -> None:
        raise TransactionError("a transaction block is rolled back by an exception that leaves it: raise one")


@dataclass(eq=False)
class Scope:
    """A transaction that the current context is inside of, and that calls of the same ``task`` join.

    ``callbacks`` are for when it is stored.
    """

    owner: Transactions
    connection: Connection
    session: Session
    task: asyncio.Task[object] | None = field(default_factory=asyncio.current_task)
    open: bool = True  # a task that was started inside may outlive the block
    callbacks: list[Callback] = field(default_factory=list[Callback])


_scopes: ContextVar[tuple[Scope, ...]] = ContextVar("scopes", default=())


class Transactions:
    """The connections of one service, and the transactions that are open on them.

    There is a pool for each event loop, and for each process: a forked one must not answer on its parent's connections.
    """

    source: Source | None = None  # of a test, in place of the pools
    watcher: Callable[[str, Sequence[Any]], None] | None = None  # of a test, too

    def __init__(self, make_pool: Callable[[], Pool], *, echo: bool) -> None:
        self._make_pool, self._echo = make_pool, echo
        self._pools: dict[asyncio.AbstractEventLoop, Pool] = {}
        self._pid, self._abandoned = os.getpid(), list[object]()
        self._joining: Connection | None = None

    @property
    def pool(self) -> Pool:
        """The pool of this event loop, in this process."""
        loop = asyncio.get_running_loop()
        if self._pid != (pid := os.getpid()):
            self._abandoned.append(self._pools)  # for ever: to finalize them would end the parent's sessions
            self._pid, self._pools = pid, dict[asyncio.AbstractEventLoop, Pool]()
        if (pool := self._pools.get(loop)) is None:
            for closed in [other for other in self._pools if other.is_closed()]:
                self._pools.pop(closed).abandon()
            pool = self._pools[loop] = self._make_pool()
        return pool

    @cached_property
    def engine(self) -> AsyncEngine:
        """SQLAlchemy's engine over the same connections."""
        options: dict[str, Any] = {"poolclass": NullPool, "echo": self._echo, "hide_parameters": True}
        engine = create_async_engine("postgresql+guest://", creator=self._lent, **options)
        event.listen(engine.sync_engine, "handle_error", _note)
        return engine

    async def dispose(self) -> None:
        """Close the connections of this event loop, waiting a second for those still in use."""
        pool = self._pools.pop(asyncio.get_running_loop(), None) if self._pid == os.getpid() else None
        if pool is not None:
            for _ in range(100):  # a stream that was left half-way gives its connection back a moment later
                if not pool.used:
                    break
                await asyncio.sleep(0.01)
            await pool.close()

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[Session, None]:
        """Open a session of its own: commit at the end, roll back on error."""
        async with self.new_session() as session:
            yield session
            with translated(None):
                await session.commit()

    def new_session(self) -> Session:
        """Return a session that keeps what it has read, and that is done with when it is closed."""
        return Session(self.engine, expire_on_commit=False, close_resets_only=False)

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
        source = self.source or self.pool
        if self.engine.dialect.server_version_info is None:  # what SQLAlchemy asks first does not belong into the block
            async with self.engine.connect():
                pass
        options = {"isolation": isolation and isolation.lower().replace(" ", "_"), "readonly": read_only}
        connection, sound = await source.take(), False
        try:
            with translated(None):
                begun = await connection.begin(**({} if source.shared else options))
            session = Session(sync_session_class=Joined, expire_on_commit=False, close_resets_only=False)
            session.info[_JOIN] = lambda: self._joined(connection)
            try:
                with self._inside(connection, session) as scope:
                    try:
                        yield session
                        with translated(None):
                            if session.in_transaction():
                                await session.run_sync(orm.Session.commit)  # which flushes into the block's own
                    finally:
                        if session.in_transaction() or isinstance(session.info[_JOIN], sa.Connection):
                            await session.run_sync(_leave)
                        session.info[_JOIN] = _over  # SQLAlchemy asks a closed session, too
                with translated(None):
                    await begun.commit()
            except Exception:
                with suppress(Exception):  # the one that ends the block is what the caller must see
                    await begun.rollback()
                    sound = True
                raise
            sound = True
        finally:  # whoever is cancelled loses the connection: what it is at, nobody knows
            connection.stale = connection.stale and not read_only  # where a refused write says nothing of the server
            await source.give(connection, sound=sound)
        await _call_back(scope.callbacks)

    def after_commit(self, callback: Callback) -> None:
        """Call back once the outermost transaction around the call is stored; at once if there is none."""
        if scope := self.scope():
            _check_task(scope)
            scope.callbacks.append(callback)
        else:
            awaitable = callback()
            if inspect.isawaitable(awaitable):
                _background.add(task := asyncio.ensure_future(awaitable))
                task.add_done_callback(_background.discard)

    async def send(self, given: PlainSession | None, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do the work of a call where the task is: in the transaction around it, else on its own."""
        session = given
        if session is None and (scope := self.ambient()):
            session = scope.session
        if session is not None:
            connection = await self.driver(session)
            try:
                return await work(connection)
            except Exception as error:
                if is_ours(connection):
                    connection.note(error)
                if is_outdated(error):
                    await connection.reload_schema_state()
                if sqlstate(error) == "25P02":
                    raise aborted(None, getattr(connection, "failure", "")) from None
                raise
        try:
            return await self._alone(work)
        except Exception as error:
            if not (is_outdated(error) or _UNSENT in str(error)):
                raise
            return await self._alone(work)  # nothing has happened yet

    async def driver(self, session: PlainSession) -> Connection:
        """Return the driver's connection of a session's transaction, which has begun."""
        scope = next((one for one in _scopes.get() if one.session is session and one.open), None)
        if scope and not session.in_transaction():
            return scope.connection
        with translated(None):
            return cast("Connection", await session.run_sync(_driver))

    def scope(self) -> Scope | None:
        """Return the innermost transaction of this service around the current context, whichever task opened it."""
        return next((one for one in reversed(_scopes.get()) if one.owner is self and one.open), None)

    def ambient(self) -> Scope | None:
        """Return the transaction that a call must join."""
        if scope := self.scope():
            _check_task(scope)
        return scope

    async def _alone(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        source, sound = self.source or self.pool, True
        connection = await source.take()
        try:
            return await work(connection)
        except BaseException as error:
            sound = connection.note(error)
            if is_outdated(error):
                await connection.reload_schema_state()
            raise
        finally:
            await source.give(connection, sound=sound)

    def _lent(self) -> Adapter:
        """Give SQLAlchemy the connection it asks for."""
        joining, self._joining = self._joining, None
        source = None if joining else self.source or self.pool
        connection = joining or await_only(cast("Source", source).take())
        adapter = connection.adapter
        adapter.source, adapter.autocommit = source, joining is not None
        return adapter

    def _joined(self, connection: Connection) -> sa.Connection:
        self._joining = connection
        return self.engine.sync_engine.connect()

    @contextmanager
    def _inside(self, connection: Connection, session: Session) -> Generator[Scope, None, None]:
        scope = Scope(self, connection, session)
        _scopes.set((*_scopes.get(), scope))
        try:
            yield scope
        finally:
            scope.open = False
            # Not by token: a block that a fixture opened may be closed in another context.
            _scopes.set(tuple(other for other in _scopes.get() if other is not scope))


_UNSENT = "cannot switch to state"
_background = set["asyncio.Future[object]"]()


@asynccontextmanager
async def _savepoint(scope: Scope) -> AsyncGenerator[Session, None]:
    session, before = scope.session, len(scope.callbacks)
    with translated(None):
        await session.flush()
    try:
        async with session.begin_nested():
            yield session
            with translated(None):
                await session.execute(_PROBE)  # to release a savepoint that has failed would confuse SQLAlchemy
    except BaseException:
        del scope.callbacks[before:]
        raise


async def _call_back(callbacks: list[Callback]) -> None:
    for callback in callbacks:
        (outcome,) = await asyncio.gather(_called(callback), return_exceptions=True)
        if isinstance(outcome, Exception):  # the transaction is stored, whatever happens now
            _log.error("a callback of after_commit has failed", exc_info=outcome)


async def _called(callback: Callback) -> None:
    if inspect.isawaitable(awaitable := callback()):
        await awaitable


def _check_task(scope: Scope) -> None:
    if scope.task is not asyncio.current_task():
        raise TransactionError(_CHILD_TASK)


def _driver(session: orm.Session) -> Any:
    session.flush()
    connection = session.connection()
    if "schema_translate_map" in (options := connection.get_execution_options()):
        raise TypeError("controllers know no schema_translate_map: set the search_path of the session instead")
    driver: Any = connection.connection.driver_connection
    shared = is_ours(driver) and driver.adapter.source is not None and driver.adapter.source.shared
    if (shared or not driver.is_in_transaction()) and options.get("isolation_level") != "AUTOCOMMIT":
        connection.execute(_PROBE)  # so that it has begun
    return driver


def _leave(session: orm.Session) -> None:
    session.close()
    if isinstance(joined := session.info[_JOIN], sa.Connection):
        joined.close()


def _over() -> sa.Connection:
    raise TransactionError("the transaction block of this session is over")


def _note(context: ExceptionContext) -> None:
    """Have a connection take note of what fails in statements that SQLAlchemy runs."""
    driver = context.connection.connection.driver_connection if context.connection else None
    if is_ours(driver) and isinstance(context.original_exception, Exception):
        driver.note(context.original_exception)
