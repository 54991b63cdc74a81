"""Fixtures: a database with the reference tables, which is emptied for each test instead of rolled back."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from generated import Database
from models import User
from models.base import Base
from tests.conftest import NewDatabase, make_tables

GUILD = 7


@pytest.fixture(scope="session")
async def reference_url(new_database: NewDatabase) -> AsyncIterator[str]:
    """A database with the reference tables."""
    async with new_database() as url:
        async with Database(url) as db:
            await make_tables(db.engine, Base.metadata)
        yield url


@pytest.fixture
async def db(reference_url: str) -> AsyncIterator[Database]:
    """The bot's database, empty except for one guild."""
    async with Database(reference_url, pool_size=10) as db:
        names = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
        async with db.engine.begin() as connection:
            await connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
        await db.guild.create(id=GUILD, name="home")
        yield db


@pytest.fixture
async def users(db: Database) -> list[User]:
    """Three members with a hundred points each."""
    return await db.user.create_many(
        [{"discord_id": n, "guild_id": GUILD, "username": f"u{n}", "points": 100} for n in range(1, 4)]
    )
