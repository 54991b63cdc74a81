"""Brings the database to the newest revision, whoever else is about to."""

from __future__ import annotations

import asyncio

from alembic import command
from alembic.config import Config
from sqlalchemy import func, select

from bot.embedded import PROJECT
from generated import Database

LOCK = 0x62_6F_74  # any number will do, as long as every bot takes the same


async def migrate(db: Database, url: str) -> None:
    """Migrate; of several bots that start at once, one does, and the others wait.

    The lock is the connection's and not a transaction's, and nobody waits for it inside a statement: an index that is
    built concurrently waits for every transaction and statement that is older.
    """
    async with db.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        while not await connection.scalar(select(func.pg_try_advisory_lock(LOCK))):  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.1)
        try:
            await asyncio.to_thread(upgrade, url)
        finally:
            await connection.execute(select(func.pg_advisory_unlock(LOCK)))


def upgrade(url: str) -> None:
    """Run Alembic, which starts an event loop of its own."""
    config = Config(PROJECT / "alembic.ini")
    config.attributes["url"] = url
    command.upgrade(config, "head")
