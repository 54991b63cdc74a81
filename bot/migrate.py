"""Upgrades the database to the newest revision; several processes may do so at once."""

from __future__ import annotations

import asyncio

from alembic import command
from alembic.config import Config
from sqlalchemy import func, select

from bot.embedded import PROJECT
from generated import Database

LOCK = 0x62_6F_74  # any number, as long as every bot uses the same


async def migrate(db: Database, url: str) -> None:
    """Migrate the database. If several bots start at once, one migrates, and the others wait.

    The lock belongs to the connection and not to a transaction, and is polled instead of awaited inside a statement:
    CREATE INDEX CONCURRENTLY waits for every older transaction and statement.
    """
    async with db.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        while not await connection.scalar(select(func.pg_try_advisory_lock(LOCK))):  # noqa: ASYNC110 - another process holds the lock
            await asyncio.sleep(0.1)
        try:
            await asyncio.to_thread(upgrade, url)
        finally:
            await connection.execute(select(func.pg_advisory_unlock(LOCK)))


def upgrade(url: str) -> None:
    """Run Alembic, which starts its own event loop."""
    config = Config(PROJECT / "alembic.ini")
    config.attributes["url"] = url
    command.upgrade(config, "head")
