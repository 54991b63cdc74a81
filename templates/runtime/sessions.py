"""SQLAlchemy on the connections of the pool: its dialect, and the sessions that ``transactions`` yields."""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import sqlalchemy as sa
import sqlmodel
from sqlalchemy import event, orm
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection, PGDialect_asyncpg
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.ext.asyncio import AsyncSession as PlainSession
from sqlalchemy.pool import NullPool
from sqlalchemy.util import await_only
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import override

from .errors import TransactionError
from .pool import Connection, Source, is_ours

T = TypeVar("T")

_log = logging.getLogger(__package__)
_background = set["asyncio.Future[Any]"]()

PROBE = sa.text("SELECT 1")
"""Begins a transaction that begins with its first statement, and fails if an error ended the transaction."""
Callback: TypeAlias = Callable[[], object]
_JOIN, _PENDING, _COMMITTED = (f"{__name__}.{name}" for name in ("join", "pending", "committed"))
_CONTROLS = re.compile(
    r"(?:\s|--.*\n|/\*.*?\*/)*"
    r"(begin|start\s+transaction|commit|end|abort|prepare\s+transaction|rollback(?!\s+(?:work\s+|transaction\s+)?to\b))\b",
    re.IGNORECASE | re.DOTALL,
)


class Adapter(AsyncAdapt_asyncpg_connection):
    """A connection in the form that SQLAlchemy expects. Closing it returns it to ``source``, if it has one.

    The connection of a block has no source. ``rolled_back`` is set when a session was told to roll back the
    transaction of a block, which only the block itself can do.
    """

    source: Source | None = None
    rolled_back = False

    @override
    def rollback(self) -> None:
        driver: Connection = self.driver_connection
        self.rolled_back = self.source is None
        if not (driver.interrupted or driver.is_closed()):
            rollback: Any = super().rollback  # it has no types
            rollback()
        elif self.source is not None:  # later statements must not become part of this transaction
            driver.drop()

    @override
    def terminate(self) -> None:
        self.driver_connection.interrupted = True
        self.close()

    @override
    def close(self) -> None:
        self.rollback()
        if self.source is not None:
            driver: Connection = self.driver_connection
            await_only(self.source.give(driver, sound=not driver.interrupted))


class GuestDialect(PGDialect_asyncpg):
    """SQLAlchemy's dialect on connections of the pool, whose codecs are already set."""

    supports_statement_cache = True

    @override
    async def setup_asyncpg_json_codec(self, conn: object) -> None:
        """Keep the codec."""

    @override
    async def setup_asyncpg_jsonb_codec(self, conn: object) -> None:
        """Keep the codec."""


registry.register("postgresql.guest", __name__, "GuestDialect")


class SyncSession(sqlmodel.Session):
    """SQLModel's session with SQLAlchemy's own ``execute``, which does not warn."""

    if not TYPE_CHECKING:
        execute = orm.Session.execute


class Session(AsyncSession):
    """The session that ``db.session()`` and ``db.transaction()`` yield."""

    sync_session_class = SyncSession

    if not TYPE_CHECKING:  # type checkers keep SQLModel's advice to use `exec`
        execute = PlainSession.execute


class Joined(SyncSession):
    """The session of a transaction block, which joins the block's connection when it is first used."""

    @override
    def get_bind(self, *_: object, **__: object) -> sa.Connection:
        if not isinstance(self.info[_JOIN], sa.Connection):
            self.info[_JOIN] = self.info[_JOIN]()
        return cast("sa.Connection", self.info[_JOIN])

    @override
    def begin(self, nested: bool = False) -> orm.SessionTransaction:
        if not nested:
            raise TransactionError("the transaction of this session has begun: open a savepoint with db.transaction()")
        return super().begin(nested=nested)

    @override
    def close(self) -> None:
        raise TransactionError("a transaction block closes its session at its end: leave the block")

    invalidate = reset = close

    @override
    def commit(self) -> None:
        raise TransactionError("a transaction block commits at its end: leave the block")

    @override
    def rollback(self) -> None:
        raise TransactionError("a transaction block is rolled back by an exception: raise one out of the block")


def new_engine(lend: Callable[[], Adapter]) -> AsyncEngine:
    """Return a SQLAlchemy engine that borrows its connections from ``lend``."""
    engine = create_async_engine("postgresql+guest://", creator=lend, poolclass=NullPool, hide_parameters=True)
    event.listen(engine.sync_engine, "handle_error", _note)
    event.listen(engine.sync_engine, "before_cursor_execute", _refuse_control)
    return engine


def statement_log(slow_call: float | None, *, echo: bool) -> Callable[[str, float], None] | None:
    """Return a function that logs a statement and its time in seconds; None if nothing is to be logged."""

    def log(text: str, elapsed: float) -> None:
        text = re.sub(r"E'(?:[^'\\]|\\.|'')*'", "'...'", text)  # a value of a cursor that cannot be a parameter
        if echo:
            _log.info("%s", text)
        if slow_call is not None and elapsed >= slow_call:
            _log.warning("a statement took %.3f s: %s", elapsed, text)

    return log if echo or slow_call is not None else None


def time_statements(engine: AsyncEngine, log: Callable[[str, float], object]) -> None:
    """Call ``log`` with each statement of an engine and its time in seconds, also if it fails."""

    def begin(*arguments: Any) -> None:
        arguments[4].begun = time.perf_counter()

    def end(*arguments: Any) -> None:
        log(arguments[2], time.perf_counter() - arguments[4].begun)

    def fail(error: ExceptionContext) -> None:
        if begun := getattr(error.execution_context, "begun", None):
            log(error.statement or "", time.perf_counter() - begun)

    listeners = {"before_cursor_execute": begin, "after_cursor_execute": end, "handle_error": fail}
    for name, listener in listeners.items():
        event.listen(engine.sync_engine, name, listener)


def new_session(engine: AsyncEngine) -> Session:
    """Return a session whose objects do not expire, and which cannot be used again after it is closed."""
    return Session(engine, expire_on_commit=False, close_resets_only=False)


def joined_session(connect: Callable[[], sa.Connection]) -> Session:
    """Return the session of a transaction block, which calls ``connect`` when it is first used."""
    session = Session(sync_session_class=Joined, expire_on_commit=False, close_resets_only=False)
    session.info[_JOIN] = connect
    return session


async def finish(session: Session) -> None:
    """Flush the session of a block, and raise if the block's transaction was rolled back through the session."""
    if session.in_transaction():
        await session.run_sync(orm.Session.commit)  # flushes, and leaves the commit to the block
    joined = session.info[_JOIN]
    if isinstance(joined, sa.Connection) and cast("Any", joined.connection.dbapi_connection).rolled_back:
        raise TransactionError("the transaction of this block was rolled back through its session: nothing is stored")


async def leave(session: Session) -> None:
    """Close the session of a block, so that each later use of it raises."""
    if session.in_transaction() or isinstance(session.info[_JOIN], sa.Connection):
        await session.run_sync(_leave)
    session.info[_JOIN] = _over


def driver_of(session: orm.Session) -> Any:
    """Flush a session, begin its transaction if necessary, and return its asyncpg connection."""
    session.flush()
    connection = session.connection()
    if "schema_translate_map" in (options := connection.get_execution_options()):
        raise TypeError("controllers do not support schema_translate_map: set the search_path of the session instead")
    driver: Any = connection.connection.driver_connection
    shared = is_ours(driver) and driver.adapter.source is not None and driver.adapter.source.shared
    if (shared or not driver.is_in_transaction()) and options.get("isolation_level") != "AUTOCOMMIT":
        connection.execute(PROBE)  # begins the transaction
    return driver


def _leave(session: orm.Session) -> None:
    orm.Session.close(session)
    if isinstance(joined := session.info[_JOIN], sa.Connection):
        joined.close()


def _over() -> sa.Connection:
    raise TransactionError("the transaction block of this session is over")


def call_after_commit(session: Session, callback: Callback) -> None:
    """Run ``callback`` after the session's transaction commits, unless a savepoint around this call is rolled back."""
    sync = session.sync_session
    callbacks: list[tuple[orm.SessionTransaction | None, Callback]] = sync.info.setdefault(_PENDING, [])
    callbacks.append((sync.get_nested_transaction() or sync.get_transaction(), callback))


def start_callbacks(session: Session) -> asyncio.Future[None] | None:
    """Start the callbacks of committed transactions of a session; they complete even if the caller is cancelled."""
    callbacks = _committed_callbacks(session)
    return in_background(_run_callbacks(callbacks)) if callbacks else None


def in_background(work: Awaitable[T]) -> asyncio.Future[T]:
    """Start work that continues if the task that awaits it is cancelled."""
    future = asyncio.ensure_future(work)
    _background.add(future)
    future.add_done_callback(_background.discard)
    return asyncio.shield(future)


async def _run_callbacks(callbacks: list[Callback]) -> None:
    for callback in callbacks:
        (outcome,) = await asyncio.gather(_run_callback(callback), return_exceptions=True)
        if isinstance(outcome, Exception):  # the transaction is committed in any case
            _log.error("a callback of after_commit failed", exc_info=outcome)


async def _run_callback(callback: Callback) -> None:
    if inspect.isawaitable(awaitable := callback()):
        await awaitable


def _committed_callbacks(session: Session) -> list[Callback]:
    """Return the callbacks to run now. A block is committed when this is called, another session may be."""
    if isinstance(session.sync_session, Joined):
        _mark_committed(session.sync_session)
    callbacks: list[Callback] = session.info.pop(_COMMITTED, [])
    return callbacks


@event.listens_for(SyncSession, "after_soft_rollback")
def _drop_callbacks(session: orm.Session, rolled_back: orm.SessionTransaction) -> None:
    pending = session.info.get(_PENDING, [])
    session.info[_PENDING] = [entry for entry in pending if not is_undone_by(entry[0], rolled_back)]


def is_undone_by(transaction: orm.SessionTransaction | None, rolled_back: orm.SessionTransaction) -> bool:
    """Return whether the rollback of a transaction or savepoint undoes the work of ``transaction``."""
    while transaction is not rolled_back and transaction is not None:
        transaction = transaction.parent
    return transaction is rolled_back or rolled_back.parent is None


@event.listens_for(SyncSession, "after_commit")
def _note_commit(session: orm.Session) -> None:
    if not (isinstance(session, Joined) or session.in_nested_transaction()):
        _mark_committed(session)


def _mark_committed(session: orm.Session) -> None:
    session.info.setdefault(_COMMITTED, []).extend(callback for _, callback in session.info.pop(_PENDING, []))


def _refuse_control(_connection: object, _cursor: object, statement: str, *_: object) -> None:
    """Refuse statements that end a transaction without the knowledge of the block or session that began it."""
    if control := _CONTROLS.match(statement):
        raise TransactionError(
            f"{control[1].upper()} cannot be a statement of a session: blocks begin and end transactions "
            "(async with db.transaction()), sessions have commit() and rollback()"
        )


def _note(context: ExceptionContext) -> None:
    """Record errors of statements that SQLAlchemy runs on their connection."""
    driver = context.connection.connection.driver_connection if context.connection else None
    if is_ours(driver):
        driver.note(context.original_exception)
