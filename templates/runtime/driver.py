"""Sends the statements that are kept straight to asyncpg, past what SQLAlchemy does anew for each execution.

The first execution of a statement is SQLAlchemy's; from the second on its text, and how its values and results are
converted, are known. Whoever listens to the engine (events, ``echo``) sees every statement: then all are SQLAlchemy's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.util import await_only

Convert: TypeAlias = Callable[[Any], Any] | None


@dataclass(frozen=True)
class Plan:
    """A statement ready to be sent; ``compiled`` is None where it can not be."""

    dialect: Dialect
    compiled: Any = None
    text: str = ""
    parameters: tuple[tuple[str, Convert], ...] = ()
    results: tuple[Convert, ...] = ()


_plans: WeakKeyDictionary[sa.Executable, Plan | Sequence[Any]] = WeakKeyDictionary()


def fetch(
    connection: sa.Connection, statement: sa.Executable, values: Mapping[str, object] | None = None
) -> Sequence[Sequence[Any]]:
    """Return the rows of a statement."""
    plan = _plan(connection, statement)
    if plan is None:
        result = connection.execute(statement, values)
        _plans.setdefault(statement, [column[1] for column in result.cursor.description or ()] if result.cursor else [])
        return result.all()
    driver: Any = connection.connection.dbapi_connection
    given = plan.compiled.construct_params(values or {}, escape_names=False)
    arguments = [convert(given[name]) if convert else given[name] for name, convert in plan.parameters]
    try:
        rows: Sequence[Sequence[Any]] = await_only(driver.driver_connection.fetch(plan.text, *arguments))
    except Exception as error:
        raise _wrapped(connection, plan, error) from error
    except BaseException:  # cancelled: what the connection is at, nobody knows
        connection.invalidate()
        raise
    if not any(plan.results):
        return rows
    return [[convert(one) if convert else one for convert, one in zip(plan.results, row, strict=True)] for row in rows]


def _plan(connection: sa.Connection, statement: sa.Executable) -> Plan | None:
    """Return how to send a statement; None if SQLAlchemy is to do it."""
    engine, driver = connection.engine, connection.connection.dbapi_connection
    listeners: Any = engine.dispatch
    begun = getattr(driver, "_transaction", None) is not None or getattr(driver, "isolation_level", "") == "autocommit"
    if not begun or engine.echo or listeners.before_cursor_execute or listeners.after_cursor_execute:
        return None
    known = _plans.get(statement)
    if known is None:
        return None
    if not isinstance(known, Plan) or known.dialect is not engine.dialect:
        known = _plans[statement] = _made(engine.dialect, statement, known)
    return known if known.compiled is not None else None


def _made(dialect: Dialect, statement: sa.Executable, known: Plan | Sequence[Any]) -> Plan:
    source: Any = statement
    compiled: Any = source.compile(dialect=dialect)
    special = compiled.post_compile_params or compiled.literal_execute_params
    if isinstance(known, Plan) or special or compiled.insert_prefetch or compiled.update_prefetch:
        return Plan(dialect)
    kinds = [column.type for column in getattr(source, "selected_columns", None) or source.exported_columns]
    return Plan(
        dialect,
        compiled,
        str(compiled),
        tuple([(name, _bind(dialect, compiled.binds[name].type)) for name in compiled.positiontup or ()]),
        tuple([_result(dialect, kind, oid) for kind, oid in zip(kinds, known, strict=True)]),
    )


def _bind(dialect: Dialect, kind: sa.types.TypeEngine[Any]) -> Convert:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _result(dialect: Dialect, kind: sa.types.TypeEngine[Any], oid: object) -> Convert:
    return kind.dialect_impl(dialect).result_processor(dialect, oid)


def _wrapped(connection: sa.Connection, plan: Plan, error: Exception) -> BaseException:
    """Return the driver's error as SQLAlchemy would raise it."""
    driver: Any = connection.connection.dbapi_connection
    if driver.driver_connection.is_closed():
        connection.invalidate(error)
    try:
        driver._handle_exception(error)
    except plan.dialect.loaded_dbapi.Error as translated:
        base = plan.dialect.loaded_dbapi.Error
        return DBAPIError.instance(plan.text, None, translated, base, hide_parameters=True, dialect=plan.dialect)
    return error
