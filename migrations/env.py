"""Runs the migrations over asyncpg, or prints their SQL; Alembic executes this for every command."""

from __future__ import annotations

import asyncio
import logging
from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import URL, Connection, NullPool, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from bot.embedded import database_url
from models import Base


def address() -> URL:
    """Return the address from the caller, ``-x url=...`` or ``sqlalchemy.url``, or else of the bot's own database."""
    config = context.config
    given = (
        config.attributes.get("url")
        or context.get_x_argument(as_dictionary=True).get("url")
        or config.get_main_option("sqlalchemy.url")
    )
    return make_url(given or database_url()).set(drivername="postgresql+asyncpg")


async def connect_and_migrate() -> None:
    """Run the command on a new connection."""
    engine = create_async_engine(address(), poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


def migrate(connection: Connection) -> None:
    """Run the command with a transaction per revision, except for statements that must run outside of one."""
    context.configure(
        connection=connection,
        transaction_per_migration=True,
        target_metadata=Base.metadata,
        compare_server_default=True,
        render_item=render_type,
    )
    with context.begin_transaction():
        context.run_migrations()


def print_sql() -> None:
    """Print the statements (``--sql``), which needs no database."""
    context.configure(
        dialect_name="postgresql", target_metadata=Base.metadata, literal_binds=True, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()


def render_type(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """Render SQLModel's own types as SQLAlchemy's, so that migrations do not depend on the version of SQLModel."""
    if kind == "type" and isinstance(item, AutoString | UTCDateTime):
        return f"sa.{item.impl_instance!r}"
    return False


if context.config.cmd_opts:  # run from the command line, not by another program
    logging.basicConfig(format="%(message)s")
    logging.getLogger("alembic.runtime.migration").setLevel(logging.INFO)

if context.is_offline_mode():
    print_sql()
else:
    asyncio.run(connect_and_migrate())
