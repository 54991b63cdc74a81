"""Helpers that run Alembic and SQL on a database."""

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
    """Run a command of Alembic as a program would; it starts its own event loop."""
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
