"""Tests of `db.guild`: written once by ctrlgen, and yours to edit."""

from __future__ import annotations

import pytest

from generated import Database, NotFoundError

from .controller_factories import guild_values, new_guild
from .query_plans import explained

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_create(db: Database) -> None:
    guild = await new_guild(db)
    assert guild in await db.guild.find_all()


async def test_find_all(db: Database) -> None:
    guild = await new_guild(db)
    assert await db.guild.find_all(id=guild.id) == [guild]


async def test_find_one(db: Database) -> None:
    guild = await new_guild(db)
    assert await db.guild.find_one(id=guild.id) == guild


async def test_count(db: Database) -> None:
    guild = await new_guild(db)
    assert await db.guild.count(id=guild.id) == 1


async def test_exists(db: Database) -> None:
    guild = await new_guild(db)
    assert await db.guild.exists(id=guild.id)


async def test_update_where(db: Database) -> None:
    guild = await new_guild(db)
    assert await db.guild.update_where(db.guild.c.id == guild.id, name=(await guild_values(db))["name"]) == 1


async def test_find_all_load(db: Database) -> None:
    for _ in range(2):
        await new_guild(db)
    async with explained(db) as plans:
        await db.guild.find_all().load("config", "users", "cases")
    assert len(plans) <= 4


async def test_get_by_id(db: Database) -> None:
    guild = await new_guild(db)
    async with explained(db) as plans:
        assert await db.guild.get_by_id(guild.id) == guild
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_id(db: Database) -> None:
    guild = await new_guild(db)
    assert await db.guild.get_one_by_id(guild.id) == guild
    await db.guild.delete_by_id(guild.id)
    with pytest.raises(NotFoundError):
        await db.guild.get_one_by_id(guild.id)


async def test_update_by_id(db: Database) -> None:
    guild = await new_guild(db)
    value = (await guild_values(db))["name"]
    changed = await db.guild.update_by_id(guild.id, name=value)
    assert changed is not None
    assert changed.name == value


async def test_update_one_by_id(db: Database) -> None:
    guild = await new_guild(db)
    value = (await guild_values(db))["name"]
    changed = await db.guild.update_one_by_id(guild.id, name=value)
    assert changed.name == value


async def test_delete_by_id(db: Database) -> None:
    guild = await new_guild(db)
    assert await db.guild.delete_by_id(guild.id)
    assert not await db.guild.delete_by_id(guild.id)


async def test_get_or_create_by_id(db: Database) -> None:
    values = await guild_values(db)
    guild, is_new = await db.guild.get_or_create_by_id(**values)
    assert is_new
    assert await db.guild.get_or_create_by_id(**values) == (guild, False)


async def test_upsert_by_id(db: Database) -> None:
    values = await guild_values(db)
    first = await db.guild.upsert_by_id(**values)
    second = await db.guild.upsert_by_id(**values)
    assert second.id == first.id


async def test_create_or_update_by_id(db: Database) -> None:
    values = await guild_values(db)
    first = await db.guild.create_or_update_by_id(create=values, update={})
    second = await db.guild.create_or_update_by_id(create=values, update={})
    assert second.id == first.id


async def test_load_config(db: Database) -> None:
    guild = await new_guild(db)
    await db.guild.load_config([guild])
    assert not guild.config


async def test_load_users(db: Database) -> None:
    guild = await new_guild(db)
    await db.guild.load_users([guild])
    assert not guild.users


async def test_load_cases(db: Database) -> None:
    guild = await new_guild(db)
    await db.guild.load_cases([guild])
    assert not guild.cases
