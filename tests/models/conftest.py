"""One database with the tables of the reference models; every test works in its own transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import NullPool, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from models import Base, Guild, User
from tests.conftest import NewDatabase


@pytest.fixture(scope="session")
async def engine(new_database: NewDatabase) -> AsyncIterator[AsyncEngine]:
    async with new_database() as url:
        engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        yield engine
        await engine.dispose()


@pytest.fixture
async def session(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """A session whose work is rolled back."""
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session


@pytest.fixture
async def guild(session: AsyncSession) -> Guild:
    guild = Guild(id=1 << 60, name="Analytical Engines")
    session.add(guild)
    await session.flush()
    return guild


@pytest.fixture
async def ada(session: AsyncSession, guild: Guild) -> User:
    return await member(session, guild, discord_id=1, username="ada")


@pytest.fixture
async def grace(session: AsyncSession, guild: Guild) -> User:
    return await member(session, guild, discord_id=2, username="grace")


async def member(session: AsyncSession, guild: Guild, *, discord_id: int, username: str) -> User:
    user = User(guild_id=guild.id, discord_id=discord_id, username=username)
    session.add(user)
    await session.flush()
    return user
