"""What is cached is read from the primary, and nothing older can get into a cache."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from tests.conftest import make_tables
from tests.replicas.conftest import LONG, caught_up, paused, usable
from tests.runtime.cache import conftest as cached_package  # emits the package
from tests.runtime.cache.models import Base
from tests.stress.servers import Pair

if TYPE_CHECKING:
    from cached_db import Database

__all__ = ["cached_package"]

MEMBER = (
    "INSERT INTO member (guild_id, name, discord_id, token, mood, points)"
    " VALUES (1, 'new', 1, gen_random_uuid(), 'GOOD', 0)"
)


@pytest.fixture(scope="module")
async def tables(servers: Pair) -> AsyncIterator[str]:
    """The address of a database of the two servers with the tables of ``cached_db``."""
    from cached_db import Database

    await servers.primary.execute("CREATE DATABASE cached")
    address = servers.primary.url.replace("/postgres?", "/cached?")
    async with Database(address) as db:
        await make_tables(db.engine, Base.metadata)
    await caught_up(servers)
    yield address
    await servers.standby.execute("SELECT pg_wal_replay_resume()")
    await servers.primary.execute("DROP DATABASE cached WITH (FORCE)")


@pytest.fixture
async def db(tables: str, pair: Pair) -> AsyncIterator[Database]:
    """A database with a guild, a configuration and a member, whose replica has the rows of now and no later ones."""
    from cached_db import Database

    async with Database(tables) as db:
        await db.guild.delete_where(all_rows=True)
        await db.member.delete_where(all_rows=True)
        await db.guild.create(id=1, code="a", name="old")
        await db.config.create(guild_id=1, prefix="old")
    await paused(pair)
    replica = pair.standby.url.replace("/postgres?", "/cached?")
    async with Database(tables, replicas=[replica], max_staleness=LONG) as db:
        await usable(db)
        yield db


async def by_another_process(tables: str, statement: str) -> None:
    """Write past the caches and the tasks of this process."""
    import asyncpg

    connection = await asyncpg.connect(tables)
    await connection.execute(statement)
    await connection.close()


async def test_a_miss_is_filled_from_the_primary(db: Database, tables: str) -> None:
    await by_another_process(tables, "UPDATE config SET prefix = 'new'")
    await by_another_process(tables, "UPDATE guild SET name = 'new'")
    assert (await db.guild.get_one_by_id(1)).name == "old", "the replica does not lag"
    assert (await db.config.get_one_by_guild_id(1)).prefix == "new"
    assert (await db.config.get_one_by_guild_id(1)).prefix == "new"
    assert db.cache_info()["config"].hits == 1


async def test_after_an_invalidation_the_miss_is_filled_from_the_primary(db: Database, tables: str) -> None:
    assert (await db.config.get_one_by_guild_id(1)).prefix == "old"
    await by_another_process(tables, "UPDATE config SET prefix = 'new'")
    await db.config.invalidate(1)
    assert (await db.config.get_one_by_guild_id(1)).prefix == "new"


async def test_a_cached_list_is_filled_from_the_primary(db: Database, tables: str) -> None:
    await by_another_process(tables, MEMBER)
    assert [member.name for member in await db.member.find_by_guild_id(1)] == ["new"]


async def test_what_could_be_cached_is_read_from_the_primary_past_the_cache_too(db: Database, tables: str) -> None:
    await by_another_process(tables, "UPDATE config SET prefix = 'new'")
    assert (await db.config.uncached().get_one_by_guild_id(1)).prefix == "new"
    await by_another_process(tables, MEMBER)
    assert len(await db.member.uncached().find_by_guild_id(1)) == 1


async def test_other_reads_of_a_cached_model_go_to_the_replica(db: Database, tables: str) -> None:
    await by_another_process(tables, "UPDATE config SET prefix = 'new'")
    assert [config.prefix for config in await db.config.find_all()] == ["old"]


async def test_a_cached_miss_does_not_keep_the_task_on_the_primary(db: Database, tables: str) -> None:
    await by_another_process(tables, "UPDATE guild SET name = 'new'")
    await db.config.get_one_by_guild_id(1)
    assert (await db.guild.get_one_by_id(1)).name == "old"
