"""Runs the migrations over asyncpg; Alembic imports this for every command.

The address is ``-x url=...``, or a connection handed over in ``config.attributes`` (tests), or ``DATABASE_URL``, or
the embedded server.
"""

from __future__ import annotations

import asyncio
from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, make_url, pool
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.sql.sqltypes import AutoString

from bot.embedded import database_url
from models.base import Base


def migrate(connection: Connection) -> None:
    """Run the command on this connection, in one transaction."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        compare_server_default=True,
        render_item=render_item,
    )
    with context.begin_transaction():
        context.run_migrations()


def render_item(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """Write SQLModel's string type as SQLAlchemy's, so that a migration needs nothing of SQLModel."""
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    return False


async def migrate_online(url: str) -> None:
    """Connect through asyncpg and run the command."""
    address = make_url(url).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(address, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
        await connection.commit()
    await engine.dispose()


def migrate_offline() -> None:
    """Print the SQL instead of running it (``alembic upgrade head --sql``)."""
    context.configure(dialect_name="postgresql", target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    migrate_offline()
elif isinstance(given := context.config.attributes.get("connection"), Connection):
    migrate(given)
else:
    asyncio.run(migrate_online(context.get_x_argument(as_dictionary=True).get("url") or database_url()))
