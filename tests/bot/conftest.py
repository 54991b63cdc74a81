"""Fixtures: the bot on a migrated database, and members who talk to it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator

import pytest
import sqlalchemy as sa

from bot.client import Bot
from bot.migrate import migrate
from bot.standin import Account, Discord, Server, World
from generated import Database
from models import Base
from tests.conftest import NewDatabase

GUILD, MEMBER = 700_000_000_000_000_000, 500_000_000_000_000_000


@pytest.fixture(scope="session")
async def bot_url(new_database: NewDatabase) -> AsyncIterator[str]:
    """A database that the bot's migrations created."""
    async with new_database() as url:
        async with Database(url) as db:
            await migrate(db, url)
        yield url


@pytest.fixture
async def db(bot_url: str) -> AsyncIterator[Database]:
    """The bot's database, empty."""
    async with Database(bot_url) as db:
        names = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
        async with db.engine.begin() as connection:
            await connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
        yield db


@pytest.fixture
def server() -> Server:
    """A server with an owner, a moderator and two members."""
    server = World().create_server(GUILD, "home", "jailed", "member", "moderator")
    server.join(MEMBER + 1, "ada", "moderator")
    server.join(MEMBER + 2, "brian", "moderator")
    server.join(MEMBER + 3, "chen", "member")
    server.join(MEMBER + 4, "dora", "member")
    return server


@pytest.fixture
async def discord(db: Database, server: Server) -> AsyncIterator[Discord]:
    """The stand-in for Discord, with the bot in the server."""
    world = World()
    world.add(server)
    async with Discord.serving(Bot(db, guild_ready_timeout=0.01), world) as discord:
        await db.permission_rank.create(guild_id=server.id, rank=50, name="moderators")
        await db.permission_assignment.assign(server.id, server.roles["moderator"], 50)
        yield discord


@pytest.fixture
def ada(server: Server) -> Account:
    """The owner."""
    return server.account(MEMBER + 1)


@pytest.fixture
def brian(server: Server) -> Account:
    """A moderator."""
    return server.account(MEMBER + 2)


@pytest.fixture
def chen(server: Server) -> Account:
    """A member."""
    return server.account(MEMBER + 3)


@pytest.fixture
def dora(server: Server) -> Account:
    """Another member."""
    return server.account(MEMBER + 4)


@pytest.fixture(autouse=True)
def _no_unexplained_errors(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test that leaves errors in the log. A test that expects errors clears the log."""
    with caplog.at_level(logging.ERROR):
        yield
        assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
