"""Fixtures: a database with triggers and special types, and helpers that break connections from outside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa
from guild_db import (
    Database,
)

from tests.conftest import NewDatabase, make_tables
from tests.runtime.fault_models import FaultBase

TRIGGERS = (
    """CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN IF NEW.name = 'skip' THEN RETURN NULL; END IF; RETURN NEW; END $$""",
    "CREATE TRIGGER skip BEFORE INSERT ON skipped FOR EACH ROW EXECUTE FUNCTION skip()",
    """CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN IF OLD.name = 'keep' THEN RETURN NULL; ELSIF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
          RETURN NEW; END $$""",
    "CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON guarded FOR EACH ROW EXECUTE FUNCTION keep()",
)
TABLES = ", ".join(table.name for table in FaultBase.metadata.sorted_tables)
ENDED = "ended the transaction"


@pytest.fixture(scope="module")
async def address(new_database: NewDatabase) -> AsyncIterator[str]:
    async with new_database() as url:
        async with Database(url) as db:
            await make_tables(db.engine, FaultBase.metadata, *TRIGGERS)
        yield url


@pytest.fixture
async def db(address: str) -> AsyncIterator[Database]:
    async with Database(address) as db:
        await execute(db, f"TRUNCATE {TABLES} RESTART IDENTITY")
        yield db


@pytest.fixture
async def single(db: Database, address: str) -> AsyncIterator[Database]:
    """The database with a pool of a single connection."""
    async with Database(address, pool_size=1, max_overflow=0, pool_timeout=5) as single:
        yield single


async def execute(db: Database, *sql: str) -> None:
    for statement in sql:
        async with db.engine.begin() as connection:
            await connection.exec_driver_sql(statement)


async def backend(db: Database) -> int:
    """Return the backend of the connection that the next call gets."""
    async with db.session() as session:
        return int(str(await session.scalar(sa.text("SELECT pg_backend_pid()"))))


async def terminate(admin: Database, pid: int) -> None:
    """Terminate a backend from another connection, and wait until it is gone."""
    async with admin.session() as session:
        await session.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    await asyncio.sleep(0.05)  # time for the client to notice


async def fails(awaitable: Any, kind: type[Exception] = Exception) -> None:
    with pytest.raises(kind):
        await awaitable


async def lose(db: Database, admin: Database) -> None:
    scope: Any = db.transactions.scope()
    await terminate(admin, scope.connection.get_server_pid())
