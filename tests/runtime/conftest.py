"""The runtime, imported as ``runtime`` from where it is written, over one database with a few tables."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

sys.path.append(str(Path(__file__).resolve().parent.parent.parent / "templates"))

if TYPE_CHECKING:
    from tests.conftest import NewDatabase
    from tests.runtime.guild import Database


@pytest.fixture(scope="session")
async def url(new_database: NewDatabase) -> AsyncIterator[str]:
    from tests.runtime.guild import Base, Database

    async with new_database() as url:
        async with Database(url) as db, db.engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        yield url


@pytest.fixture
async def db(url: str) -> AsyncIterator[Database]:
    """An empty database with one guild in it."""
    from tests.runtime.guild import Base, Database

    async with Database(url) as db:
        names = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
        async with db.engine.begin() as connection:
            await connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
        await db.guild.create(id=1, name="home")
        yield db


class Statements(list[str]):
    """The statements sent to the server, transaction control included."""


@contextmanager
def statements(db: Database) -> Iterator[Statements]:
    """Record what is sent."""
    sent = Statements()

    def record(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    engine = db.engine.sync_engine
    control = {name: lambda *_, name=name: sent.append(name) for name in ("begin", "savepoint")}
    sa.event.listen(engine, "before_cursor_execute", record)
    for name, listener in control.items():
        sa.event.listen(engine, name, listener)
    try:
        yield sent
    finally:
        sa.event.remove(engine, "before_cursor_execute", record)
        for name, listener in control.items():
            sa.event.remove(engine, name, listener)
