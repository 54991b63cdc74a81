"""What the tests of migrations do with a database: run Alembic on it, and SQL."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest
from alembic import command
from alembic.config import Config


@pytest.fixture
def config(project: Path) -> Config:
    return Config(project / "alembic.ini")


async def alembic(config: Config, url: str, action: str, *arguments: str) -> None:
    """Run a command of Alembic as a program would; it starts an event loop of its own."""
    config.attributes["url"] = url
    await asyncio.to_thread(getattr(command, action), config, *arguments)


async def execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def fetch(url: str, query: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()
