"""Loads the models, reads the migrations, connects to the database, and compares the three with ``comparison``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, NullPool, Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from ctrlgen.blueprint import Controller
from ctrlgen.drift.address import Address, read_address
from ctrlgen.drift.catalogue import read_catalogue, read_declared, widen_search_path
from ctrlgen.drift.comparison import Comparison, alembic_changes
from ctrlgen.drift.declared_tables import DeclaredTable, declared_tables
from ctrlgen.drift.revisions import Revisions, read_revisions
from ctrlgen.drift.version_table import CurrentRevisions, VersionTable, current_revisions
from ctrlgen.errors import DatabaseError
from ctrlgen.findings import Finding, Location
from ctrlgen.inspect import inspect
from ctrlgen.load import load
from ctrlgen.plan import plan
from ctrlgen.schema import Model
from ctrlgen.settings import Config
from ctrlgen.source_locations import Sources
from ctrlgen.toml import find_setting

_asyncpg: Any = import_module("asyncpg")  # untyped
_CONNECT = 10  # seconds
_LIMITS = ("SET LOCAL statement_timeout = '60s'", "SET LOCAL lock_timeout = '3s'")


@dataclass(frozen=True, slots=True)
class Compared:
    """The tables of the models and the migrations, which are compared with the database."""

    tables: Sequence[DeclaredTable]
    metadata: Sequence[MetaData]
    revisions: Revisions | None
    fallback: Location

    def findings(self, connection: Connection) -> list[Finding]:
        """Return the differences, sorted by location."""
        for limit in _LIMITS:
            connection.exec_driver_sql(limit)
        schemas = {declared.table.schema for declared in self.tables} | {None}
        current = self._current(connection)
        changes = alembic_changes(connection, self.metadata, schemas, current.table)
        path = widen_search_path(connection, schemas)  # from here on, both sides are read with the same search path
        catalogue = read_catalogue(connection)
        declared = read_declared(connection, [declared_table.table for declared_table in self.tables], path)
        comparison = Comparison(self.tables, catalogue, declared, self.revisions, current, self.fallback)
        return sorted({*comparison.findings(changes)})

    def _current(self, connection: Connection) -> CurrentRevisions:
        if self.revisions is None:
            return current_revisions(connection, VersionTable(), (), ())
        revisions = self.revisions
        return current_revisions(connection, revisions.version_table, revisions.parents, revisions.heads)


def address_of(url: str) -> Address:
    """Parse the address of the database, to which ``drift`` connects under its own name.

    Raises
    ------
    AddressError
        The address is not the address of a PostgreSQL database, or has an option that is not supported.
    """
    return read_address(url, {"timeout": _CONNECT, "server_settings": {"application_name": "ctrlgen drift"}})


def findings(config: Config, address: Address, alembic: Path | None, progress: Callable[[str], None]) -> list[Finding]:
    """Return all differences, and a finding for each module of models that cannot be imported.

    Raises
    ------
    CtrlgenError
        The models or the migrations cannot be read, or the database is unreachable.
    """
    sources = Sources(config.project, config.package)
    loaded = load(config.models, sources, progress)
    schema = loaded.completed(lambda: inspect(loaded.models, sources))
    package = plan(schema, config.package, config.options)
    controllers = {controller.model.reference: controller for controller in package.controllers}
    models: dict[str, tuple[Model, Controller | None]] = {}
    for model in schema.models:
        cls = next(
            mapped_class
            for mapped_class in loaded.models
            if (mapped_class.__module__, mapped_class.__qualname__) == _name(model)
        )
        table: object = getattr(cls, "__table__", None)
        if isinstance(table, Table):
            models[table.key] = (model, controllers.get(model.reference))
    metadata = [*{id(mapped_class.metadata): mapped_class.metadata for mapped_class in loaded.models}.values()]
    progress("reading the migrations")
    revisions = read_revisions(config.project, alembic, metadata)
    progress(f"comparing with {address.shown}")
    place = Location("pyproject.toml", _line_of_models(config.project))
    compared = Compared(declared_tables(metadata, models, place), metadata, revisions, place)
    return [*([schema.incomplete] if schema.incomplete else []), *asyncio.run(_in_transaction(address, compared))]


def _name(model: Model) -> tuple[str, str]:
    return model.reference.module, model.reference.name


def _line_of_models(project: Path) -> int:
    file = project / "pyproject.toml"
    return (find_setting(file.read_text("utf-8"), "models") if file.is_file() else None) or 1


async def _in_transaction(address: Address, compared: Compared) -> list[Finding]:
    """Connect, compare in one transaction, and roll it back."""

    async def connect() -> object:
        return await _asyncpg.connect(address.url, **address.arguments)

    options: dict[str, object] = {"async_creator_fn": connect}
    if not address.arguments["statement_cache_size"]:  # behind PgBouncer, which may not know a name
        options["prepared_statement_name_func"] = str
    engine = create_async_engine("postgresql+asyncpg://", connect_args=options, poolclass=NullPool)
    try:
        connection = await engine.connect()
    except (OSError, ValueError, KeyError, DBAPIError, _asyncpg.PostgresError, _asyncpg.InterfaceError) as error:
        # asyncpg looks up the name of the system's user if the address names none, and containers may have none
        reason = "it names no user" if isinstance(error, KeyError) else driver_message(error)
        reason = reason or f"no answer within {_CONNECT} seconds"
        message = address.hide(f"cannot connect to {address.shown}: {reason}")
        raise DatabaseError(
            message, hint="check the address and the credentials, and that the server is running"
        ) from error
    try:
        return await connection.run_sync(compared.findings)
    except DBAPIError as error:
        message = address.hide(f"the database at {address.shown} cannot be read: {driver_message(error)}")
        raise DatabaseError(message, hint="check the privileges of the user") from error
    finally:
        await connection.rollback()
        await connection.close()


def driver_message(error: BaseException) -> str:
    """Return the driver's message, without SQLAlchemy's statement and parameters."""
    cause = getattr(error, "orig", None) or error
    text = str(cause).partition("\n")[0]
    return text.rpartition(">: ")[2] if text.startswith("<class") else text
