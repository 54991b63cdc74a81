"""SQLAlchemy as a guest on the pool's connections: its dialect, and the sessions that ``transactions`` yields."""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
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
"""Fails where an error has ended the transaction, and makes begin what begins with its first statement."""
Callback: TypeAlias = Callable[[], object]
_JOIN, _CALLBACKS, _STORED = (f"{__name__}.{name}" for name in ("join", "callbacks", "stored"))
_CONTROLS = re.compile(
    r"(?:\s|--.*\n|/\*.*?\*/)*"
    r"(begin|start\s+transaction|commit|end|abort|prepare\s+transaction|rollback(?!\s+(?:work\s+|transaction\s+)?to\b))\b",
    re.IGNORECASE | re.DOTALL,
)


class Adapter(AsyncAdapt_asyncpg_connection):
    """A connection as SQLAlchemy wants it: closing gives it back to ``source``, None while a block has it.

    ``undone`` tells that a session was to roll back the transaction of the block, which only the block itself can.
    """

    source: Source | None = None
    undone = False

    @override
    def rollback(self) -> None:
        driver: Connection = self.driver_connection
        self.undone = self.source is None
        if not (driver.interrupted or driver.is_closed()):
            undo: Any = super().rollback  # which has no types
            undo()
        elif self.source is not None:  # whatever comes next must not be part of what was to be rolled back
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

    if not TYPE_CHECKING:
        execute = orm.Session.execute


class Session(AsyncSession):
    """What ``db.session()`` and ``db.transaction()`` yield."""

    sync_session_class = SyncSession

    if not TYPE_CHECKING:  # to which SQLModel's advice to use `exec` stays visible
        execute = PlainSession.execute


class Joined(SyncSession):
    """The session of a block whose transaction has begun without it: it gets the connection when it is first used."""

    @override
    def get_bind(self, *_: object, **__: object) -> sa.Connection:
        if not isinstance(self.info[_JOIN], sa.Connection):
            self.info[_JOIN] = self.info[_JOIN]()
        return cast("sa.Connection", self.info[_JOIN])

    @override
    def begin(self, nested: bool = False) -> orm.SessionTransaction:
        if not nested:
            raise TransactionError("the transaction of this session has begun: a block in it is db.transaction()")
        return super().begin(nested=nested)

    @override
    def close(self) -> None:
        raise TransactionError("a transaction block closes its session at its end: leave it")

    invalidate = reset = close

    @override
    def commit(self) -> None:
        raise TransactionError("a transaction block commits at its end: leave it")

    @override
    def rollback(self) -> None:
        raise TransactionError("a transaction block is rolled back by an exception that leaves it: raise one")


def new_engine(lend: Callable[[], Adapter], *, echo: bool) -> AsyncEngine:
    """Return SQLAlchemy's engine over connections that are lent to it."""
    options: dict[str, Any] = {"poolclass": NullPool, "echo": echo, "hide_parameters": True}
    engine = create_async_engine("postgresql+guest://", creator=lend, **options)
    event.listen(engine.sync_engine, "handle_error", _note)
    event.listen(engine.sync_engine, "before_cursor_execute", _refuse_control)
    return engine


def new_session(engine: AsyncEngine) -> Session:
    """Return a session that keeps what it has read, and that is done with when it is closed."""
    return Session(engine, expire_on_commit=False, close_resets_only=False)


def joined_session(connect: Callable[[], sa.Connection]) -> Session:
    """Return the session of a block, which connects when it is first used."""
    session = Session(sync_session_class=Joined, expire_on_commit=False, close_resets_only=False)
    session.info[_JOIN] = connect
    return session


async def finish(session: Session) -> None:
    """Write what is pending in the session of a block, whose transaction must still be the one that it began with."""
    if session.in_transaction():
        await session.run_sync(orm.Session.commit)  # which flushes into the block's own
    joined = session.info[_JOIN]
    if isinstance(joined, sa.Connection) and cast("Any", joined.connection.dbapi_connection).undone:
        raise TransactionError("the transaction of this block was rolled back through its session: nothing is stored")


async def leave(session: Session) -> None:
    """Close the session of a block, and have it refuse what comes after: SQLAlchemy asks a closed one, too."""
    if session.in_transaction() or isinstance(session.info[_JOIN], sa.Connection):
        await session.run_sync(_leave)
    session.info[_JOIN] = _over


def driver_of(session: orm.Session) -> Any:
    """Return the driver's connection of a session's transaction, which has begun; what is pending is flushed."""
    session.flush()
    connection = session.connection()
    if "schema_translate_map" in (options := connection.get_execution_options()):
        raise TypeError("controllers know no schema_translate_map: set the search_path of the session instead")
    driver: Any = connection.connection.driver_connection
    shared = is_ours(driver) and driver.adapter.source is not None and driver.adapter.source.shared
    if (shared or not driver.is_in_transaction()) and options.get("isolation_level") != "AUTOCOMMIT":
        connection.execute(PROBE)  # so that it has begun
    return driver


def _leave(session: orm.Session) -> None:
    orm.Session.close(session)
    if isinstance(joined := session.info[_JOIN], sa.Connection):
        joined.close()


def _over() -> sa.Connection:
    raise TransactionError("the transaction block of this session is over")


def call_after_commit(session: Session, callback: Callback) -> None:
    """Remember what to call once the transaction of a session is stored, unless a savepoint around it is undone."""
    sync = session.sync_session
    callbacks: list[tuple[orm.SessionTransaction | None, Callback]] = sync.info.setdefault(_CALLBACKS, [])
    callbacks.append((sync.get_nested_transaction() or sync.get_transaction(), callback))


def begin_callbacks(session: Session) -> asyncio.Future[None] | None:
    """Call what waited for the transaction of a session, which is stored, whether or not the caller is cancelled."""
    callbacks = _stored_callbacks(session)
    return in_background(_call_back(callbacks)) if callbacks else None


def in_background(work: Awaitable[T]) -> asyncio.Future[T]:
    """Do work that goes on if whoever waits for it is cancelled."""
    future = asyncio.ensure_future(work)
    _background.add(future)
    future.add_done_callback(_background.discard)
    return asyncio.shield(future)


async def _call_back(callbacks: list[Callback]) -> None:
    for callback in callbacks:
        (outcome,) = await asyncio.gather(_called(callback), return_exceptions=True)
        if isinstance(outcome, Exception):  # the transaction is stored, whatever happens now
            _log.error("a callback of after_commit has failed", exc_info=outcome)


async def _called(callback: Callback) -> None:
    if inspect.isawaitable(awaitable := callback()):
        await awaitable


def _stored_callbacks(session: Session) -> list[Callback]:
    """Return what to call now that the transaction of a block is stored; of other sessions, what they have stored."""
    if isinstance(session.sync_session, Joined):
        _mark_stored(session.sync_session)
    stored: list[Callback] = session.info.pop(_STORED, [])
    return stored


@event.listens_for(SyncSession, "after_soft_rollback")
def _forget_callbacks(session: orm.Session, undone: orm.SessionTransaction) -> None:
    def is_inside(transaction: orm.SessionTransaction | None) -> bool:
        while transaction is not undone and transaction is not None:
            transaction = transaction.parent
        return transaction is undone or undone.parent is None

    session.info[_CALLBACKS] = [entry for entry in session.info.get(_CALLBACKS, []) if not is_inside(entry[0])]


@event.listens_for(SyncSession, "after_commit")
def _note_commit(session: orm.Session) -> None:
    if not (isinstance(session, Joined) or session.in_nested_transaction()):
        _mark_stored(session)


def _mark_stored(session: orm.Session) -> None:
    session.info.setdefault(_STORED, []).extend(callback for _, callback in session.info.pop(_CALLBACKS, []))


def _refuse_control(_connection: object, _cursor: object, statement: str, *_: object) -> None:
    """Refuse to end a transaction behind the back of whoever has begun it."""
    if control := _CONTROLS.match(statement):
        raise TransactionError(
            f"{control[1].upper()} is not for a statement of a session: blocks begin and end transactions "
            "(async with db.transaction()), sessions have commit() and rollback()"
        )


def _note(context: ExceptionContext) -> None:
    """Have a connection take note of what fails in statements that SQLAlchemy runs."""
    driver = context.connection.connection.driver_connection if context.connection else None
    if is_ours(driver):
        driver.note(context.original_exception)
