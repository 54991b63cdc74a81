"""Tests of `db.guild_config`: written once by ctrlgen, and yours to edit."""

from __future__ import annotations

import pytest

from generated import Database, NotFoundError

from .controller_factories import guild_config_values, new_guild_config
from .query_plans import explained

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_create(db: Database) -> None:
    guild_config = await new_guild_config(db)
    assert guild_config in await db.guild_config.find_all()


async def test_find_all(db: Database) -> None:
    guild_config = await new_guild_config(db)
    assert await db.guild_config.find_all(guild_id=guild_config.guild_id) == [guild_config]


async def test_find_one(db: Database) -> None:
    guild_config = await new_guild_config(db)
    assert await db.guild_config.find_one(guild_id=guild_config.guild_id) == guild_config


async def test_count(db: Database) -> None:
    guild_config = await new_guild_config(db)
    assert await db.guild_config.count(guild_id=guild_config.guild_id) == 1


async def test_exists(db: Database) -> None:
    guild_config = await new_guild_config(db)
    assert await db.guild_config.exists(guild_id=guild_config.guild_id)


async def test_update_where(db: Database) -> None:
    guild_config = await new_guild_config(db)
    assert await db.guild_config.update_where(db.guild_config.c.guild_id == guild_config.guild_id, prefix="chang") == 1


async def test_find_all_load(db: Database) -> None:
    for _ in range(2):
        await new_guild_config(db)
    async with explained(db) as plans:
        await db.guild_config.find_all().load("guild")
    assert len(plans) <= 2


async def test_get_by_guild_id(db: Database) -> None:
    guild_config = await new_guild_config(db)
    async with explained(db) as plans:
        assert await db.guild_config.get_by_guild_id(guild_config.guild_id) == guild_config
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_guild_id(db: Database) -> None:
    guild_config = await new_guild_config(db)
    assert await db.guild_config.get_one_by_guild_id(guild_config.guild_id) == guild_config
    await db.guild_config.delete_by_guild_id(guild_config.guild_id)
    with pytest.raises(NotFoundError):
        await db.guild_config.get_one_by_guild_id(guild_config.guild_id)


async def test_update_by_guild_id(db: Database) -> None:
    guild_config = await new_guild_config(db)
    value = "chang"
    changed = await db.guild_config.update_by_guild_id(guild_config.guild_id, prefix=value)
    assert changed is not None
    assert changed.prefix == value


async def test_update_one_by_guild_id(db: Database) -> None:
    guild_config = await new_guild_config(db)
    value = "chang"
    changed = await db.guild_config.update_one_by_guild_id(guild_config.guild_id, prefix=value)
    assert changed.prefix == value


async def test_delete_by_guild_id(db: Database) -> None:
    guild_config = await new_guild_config(db)
    assert await db.guild_config.delete_by_guild_id(guild_config.guild_id)
    assert not await db.guild_config.delete_by_guild_id(guild_config.guild_id)


async def test_get_or_create_by_guild_id(db: Database) -> None:
    values = await guild_config_values(db)
    guild_config, is_new = await db.guild_config.get_or_create_by_guild_id(**values)
    assert is_new
    assert await db.guild_config.get_or_create_by_guild_id(**values) == (guild_config, False)


async def test_upsert_by_guild_id(db: Database) -> None:
    values = await guild_config_values(db)
    first = await db.guild_config.upsert_by_guild_id(**values)
    second = await db.guild_config.upsert_by_guild_id(**values)
    assert second.guild_id == first.guild_id


async def test_create_or_update_by_guild_id(db: Database) -> None:
    values = await guild_config_values(db)
    first = await db.guild_config.create_or_update_by_guild_id(create=values, update={})
    second = await db.guild_config.create_or_update_by_guild_id(create=values, update={})
    assert second.guild_id == first.guild_id


async def test_load_guild(db: Database) -> None:
    guild_config = await new_guild_config(db)
    await db.guild_config.load_guild([guild_config])
    assert guild_config.guild
