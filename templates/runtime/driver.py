"""Sends the statements that are kept straight to asyncpg, past what SQLAlchemy does anew for each execution.

The first execution of a statement is SQLAlchemy's; from the second on its text, and how its values and results are
converted, are known. Whoever listens to the engine (events, ``echo``) sees every statement: then all are SQLAlchemy's.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine.interfaces import Dialect, ExceptionContext
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.pool import AsyncAdaptedQueuePool, PoolProxiedConnection
from sqlalchemy.util import await_only, greenlet_spawn
from sqlalchemy.util.queue import AsyncAdaptedQueue, Empty
from typing_extensions import override

from .errors import UnreachableError, is_of_server, sqlstate

Convert: TypeAlias = Callable[[Any], Any]
Rows: TypeAlias = Sequence[Sequence[Any]]
Values: TypeAlias = Mapping[str, object]


@dataclass(frozen=True)
class Plan:
    """A statement ready to be sent; ``text`` is None where it can not be.

    ``parameters`` are names, what gives a value that the caller does not, and what converts it; ``results`` are the
    positions of what must be converted.
    """

    dialect: Dialect
    text: str | None = None
    parameters: tuple[tuple[str, Callable[[], Any] | None, Convert | None], ...] = ()
    results: tuple[tuple[int, Convert], ...] = ()

    def arguments(self, values: Values) -> list[Any]:
        """Return the values in the order of the parameters, as the driver wants them."""
        given = list[Any]()
        for name, default, convert in self.parameters:
            value = default() if default and name not in values else values[name]
            try:
                given.append(convert(value) if convert else value)
            except Exception as error:
                raise StatementError(name, self.text, None, error, hide_parameters=True) from error
        return given

    def error(self, error: Exception, *, lost: bool) -> BaseException:
        """Return an error of the driver's as SQLAlchemy raises it."""
        base, dialect = self.dialect.loaded_dbapi.Error, self.dialect
        return DBAPIError.instance(
            self.text, None, error, base, hide_parameters=True, connection_invalidated=lost, dialect=dialect
        )

    def converted(self, rows: Rows) -> Rows:
        """Return rows with Python's values in place of the driver's."""
        if not self.results:
            return rows
        lists = [list(row) for row in rows]
        for position, convert in self.results:
            for row in lists:
                row[position] = convert(row[position])
        return lists


class ReadyQueue(AsyncAdaptedQueue[Any]):
    """Gives what is there without a wait, as SQLAlchemy's own does since 2.0.55."""

    waiting = 0

    @override
    def get(self, block: bool = True, timeout: float | None = None) -> object:
        try:
            return self.get_nowait()
        except Empty:
            self.waiting += 1
        try:
            return super().get(block, timeout)
        finally:
            self.waiting -= 1


class ReadyPool(AsyncAdaptedQueuePool):
    """The pool whose open connections can be had without a greenlet, also while no more may be opened."""

    _queue_class = ReadyQueue

    @property
    def waiting(self) -> int:
        """How many tasks wait for a connection."""
        queue: Any = self._pool
        waiting: int = queue.waiting
        return waiting


class Connecting:
    """A connection to be made. Unlike a coroutine it may go unawaited: by a caller who finds that he can not wait."""

    def __init__(self, address: str, *arguments: object, **options: object) -> None:
        self._address, self._arguments, self._options = address, arguments, options

    def __await__(self) -> Generator[Any, None, object]:
        asyncpg: Any = import_module("asyncpg")  # which has no types
        try:
            making: Generator[Any, None, object] = asyncpg.connect(*self._arguments, **self._options).__await__()
            made = yield from making
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            reason = str(error) or type(error).__name__
            raise UnreachableError(f"can not connect to {self._address}: {reason}") from error
        return made


@dataclass(frozen=True)
class Known:
    """A statement that was executed once: the types of its results, and how to send it for each of some dialects."""

    oids: Sequence[Any]
    plans: list[Plan] = field(default_factory=list[Plan])

    def plan(self, dialect: Dialect, statement: sa.Executable) -> Plan:
        """Return how to send it, of which as many are kept as databases are likely to be open."""
        for plan in self.plans:
            if plan.dialect is dialect:
                return plan
        self.plans.insert(0, _made(dialect, statement, self.oids))
        del self.plans[4:]
        return self.plans[0]


_known: WeakKeyDictionary[sa.Executable, Known] = WeakKeyDictionary()


def fetch(connection: sa.Connection, statement: sa.Executable, values: Values | None = None) -> Rows:
    """Return the rows of a statement, inside of a greenlet."""
    if has_begun(connection) and (plan := known_plan(connection, statement)):
        return await_only(send(connection, connection.connection, plan, values or {}))
    result = connection.execute(statement, values)
    described = result.cursor.description or () if result.cursor else ()
    _known.setdefault(statement, Known([column[1] for column in described]))
    return result.all()


async def send(
    owner: sa.Connection | PoolProxiedConnection, connection: PoolProxiedConnection, plan: Plan, values: Values
) -> Rows:
    """Return the rows of a statement; ``owner`` is told when its connection is of no more use."""
    adapter: Any = connection.dbapi_connection
    arguments = plan.arguments(values)
    try:
        rows: Rows = await adapter.driver_connection.fetch(plan.text, *arguments)
    except Exception as error:
        if lost := adapter.driver_connection.is_closed():
            await greenlet_spawn(owner.invalidate, error)
        try:
            adapter._handle_exception(error)
        except plan.dialect.loaded_dbapi.Error as translated:
            wrapped = plan.error(translated, lost=lost)
            if isinstance(owner, sa.Connection) and isinstance(wrapped, DBAPIError) and is_of_server(wrapped):
                note_error(owner, wrapped)
            raise wrapped from error
        raise
    except BaseException:  # cancelled: what the connection is at, nobody knows
        await greenlet_spawn(owner.invalidate)
        raise
    return plan.converted(rows)


def has_begun(connection: sa.Connection) -> bool:
    """Whether the driver is inside a transaction already, or is to be in none."""
    driver: Any = connection.connection.dbapi_connection
    return getattr(driver, "_transaction", None) is not None or getattr(driver, "isolation_level", "") == "autocommit"


def known_plan(connection: sa.Connection | sa.Engine, statement: sa.Executable) -> Plan | None:
    """Return how to send a statement; None if SQLAlchemy is to do it."""
    known = _known.get(statement)
    if known is None or _is_watched(connection) or "schema_translate_map" in connection.get_execution_options():
        return None
    plan = known.plan(connection.engine.dialect, statement)
    return plan if plan.text is not None else None


def argument_of(engine: sa.Engine, statement: sa.Executable, number: int) -> str | None:
    """Return what a parameter is for, counted from 1: the attribute that it is called after."""
    source: Any = statement
    names = source.compile(dialect=engine.dialect).positiontup or ()
    return str(names[number - 1]).partition("__")[0] if number <= len(names) else None


def note_error(connection: sa.Connection, error: DBAPIError) -> None:
    """Remember that PostgreSQL has given up the transaction, or the savepoint, that a connection is in."""
    if transaction := _innermost(connection):
        _aborted.setdefault(transaction, sqlstate(error))


def any_aborted() -> bool:
    """Whether it is worth asking ``aborted_by``."""
    return bool(_aborted)


def aborted_by(connection: sa.Connection) -> str:
    """Return the code of the error because of which a commit now would be a rollback; nothing if there was none."""
    transaction = _innermost(connection)
    return _aborted.get(transaction, "") if transaction else ""


def watch_errors(engine: sa.Engine) -> None:
    """See what fails in statements that SQLAlchemy runs."""
    event.listen(engine, "handle_error", _on_error)


_aborted: WeakKeyDictionary[sa.Transaction, str] = WeakKeyDictionary()


def _on_error(context: ExceptionContext) -> None:
    error = context.sqlalchemy_exception
    if context.connection is not None and isinstance(error, DBAPIError) and is_of_server(error):
        note_error(context.connection, error)


def _innermost(connection: sa.Connection) -> sa.Transaction | None:
    return connection.get_nested_transaction() or connection.get_transaction()


def _is_watched(connection: sa.Connection | sa.Engine) -> bool:
    """Whether somebody wants to see every statement: by ``echo``, logging, or an event that is not our own."""
    engine: Any = connection.engine
    on: Any = connection.dispatch
    heard = (getattr(connection, "_has_events", True) or engine._has_events) and (
        on.before_cursor_execute or on.after_cursor_execute or on.before_execute or on.after_execute
    )
    return bool(heard or engine._should_log_info() or len(engine.dialect.dispatch.handle_error) > 1)


def _made(dialect: Dialect, statement: sa.Executable, oids: Sequence[Any]) -> Plan:
    source: Any = statement
    compiled: Any = source.compile(dialect=dialect)
    special = compiled.post_compile_params or compiled.literal_execute_params
    if special or compiled.insert_prefetch or compiled.update_prefetch:
        return Plan(dialect)
    kinds = [column.type for column in getattr(source, "selected_columns", None) or source.exported_columns]
    binds = [(name, compiled.binds[name]) for name in compiled.positiontup or ()]
    results = [_result(dialect, kind, oid) for kind, oid in zip(kinds, oids, strict=True)]
    return Plan(
        dialect,
        str(compiled),
        tuple([(name, _default(bind), _bind(dialect, bind.type)) for name, bind in binds]),
        tuple([(position, convert) for position, convert in enumerate(results) if convert]),
    )


def _default(bind: sa.BindParameter[Any]) -> Callable[[], Any] | None:
    return None if bind.required else lambda: bind.effective_value


def _bind(dialect: Dialect, kind: sa.types.TypeEngine[Any]) -> Convert | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _result(dialect: Dialect, kind: sa.types.TypeEngine[Any], oid: object) -> Convert | None:
    return kind.dialect_impl(dialect).result_processor(dialect, oid)
