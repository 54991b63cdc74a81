"""Sends the statements that are kept straight to asyncpg, past what SQLAlchemy does anew for each execution.

The first execution of a statement is SQLAlchemy's; from the second on its text, and how its values and results are
converted, are known. Whoever listens to the engine (events, ``echo``) sees every statement: then all are SQLAlchemy's.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import await_only, greenlet_spawn

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
            given.append(convert(value) if convert else value)
        return given

    def error(self, error: Exception) -> BaseException:
        """Return an error of the driver's as SQLAlchemy raises it."""
        base, dialect = self.dialect.loaded_dbapi.Error, self.dialect
        return DBAPIError.instance(self.text, None, error, base, hide_parameters=True, dialect=dialect)

    def converted(self, rows: Rows) -> Rows:
        """Return rows with Python's values in place of the driver's."""
        if not self.results:
            return rows
        lists = [list(row) for row in rows]
        for position, convert in self.results:
            for row in lists:
                row[position] = convert(row[position])
        return lists


class Connecting:
    """A connection to be made. Unlike a coroutine it may go unawaited: by a caller who finds that he can not wait."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - those of asyncpg.connect
        self._arguments, self._options = arguments, options

    def __await__(self) -> Generator[Any, None, object]:
        connect: Any = import_module("asyncpg").connect  # which has no types
        made: Generator[Any, None, object] = connect(*self._arguments, **self._options).__await__()
        return made


_plans: WeakKeyDictionary[sa.Executable, Plan | Sequence[Any]] = WeakKeyDictionary()


def fetch(connection: sa.Connection, statement: sa.Executable, values: Values | None = None) -> Rows:
    """Return the rows of a statement, inside of a greenlet."""
    if has_begun(connection) and (plan := known_plan(connection.engine, statement)):
        return await_only(send(connection, connection.connection, plan, values or {}))
    result = connection.execute(statement, values)
    _plans.setdefault(statement, [column[1] for column in result.cursor.description or ()] if result.cursor else [])
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
        if adapter.driver_connection.is_closed():
            await greenlet_spawn(owner.invalidate, error)
        try:
            adapter._handle_exception(error)
        except plan.dialect.loaded_dbapi.Error as translated:
            raise plan.error(translated) from error
        raise
    except BaseException:  # cancelled: what the connection is at, nobody knows
        await greenlet_spawn(owner.invalidate)
        raise
    return plan.converted(rows)


def has_begun(connection: sa.Connection) -> bool:
    """Whether the driver is inside a transaction already, or is to be in none."""
    driver: Any = connection.connection.dbapi_connection
    return getattr(driver, "_transaction", None) is not None or getattr(driver, "isolation_level", "") == "autocommit"


def known_plan(engine: sa.Engine, statement: sa.Executable) -> Plan | None:
    """Return how to send a statement; None if SQLAlchemy is to do it."""
    known = _plans.get(statement)
    if known is None or engine.echo or _is_watched(engine):
        return None
    if not isinstance(known, Plan) or known.dialect is not engine.dialect:
        known = _plans[statement] = _made(engine.dialect, statement, known)
    return known if known.text is not None else None


def _is_watched(engine: sa.Engine) -> bool:
    on: Any = engine.dispatch
    return bool(on.before_cursor_execute or on.after_cursor_execute or on.before_execute or on.after_execute)


def _made(dialect: Dialect, statement: sa.Executable, known: Plan | Sequence[Any]) -> Plan:
    source: Any = statement
    compiled: Any = source.compile(dialect=dialect)
    special = compiled.post_compile_params or compiled.literal_execute_params
    if isinstance(known, Plan) or special or compiled.insert_prefetch or compiled.update_prefetch:
        return Plan(dialect)
    kinds = [column.type for column in getattr(source, "selected_columns", None) or source.exported_columns]
    binds = [(name, compiled.binds[name]) for name in compiled.positiontup or ()]
    results = [_result(dialect, kind, oid) for kind, oid in zip(kinds, known, strict=True)]
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
