"""Tests of `db.levels`: written once by ctrlgen, and yours to edit."""

from __future__ import annotations

import pytest

from generated import Database, NotFoundError

from .controller_factories import levels_values, new_levels
from .query_plans import explained

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_create(db: Database) -> None:
    levels = await new_levels(db)
    assert levels in await db.levels.find_all()


async def test_find_all(db: Database) -> None:
    levels = await new_levels(db)
    assert await db.levels.find_all(guild_id=levels.guild_id, member_id=levels.member_id) == [levels]


async def test_find_one(db: Database) -> None:
    levels = await new_levels(db)
    assert await db.levels.find_one(guild_id=levels.guild_id, member_id=levels.member_id) == levels


async def test_count(db: Database) -> None:
    levels = await new_levels(db)
    assert await db.levels.count(guild_id=levels.guild_id, member_id=levels.member_id) == 1


async def test_exists(db: Database) -> None:
    levels = await new_levels(db)
    assert await db.levels.exists(guild_id=levels.guild_id, member_id=levels.member_id)


async def test_update_where(db: Database) -> None:
    levels = await new_levels(db)
    assert await db.levels.update_where(db.levels.c.guild_id == levels.guild_id, level=7) == 1


async def test_get_by_guild_id_and_member_id(db: Database) -> None:
    levels = await new_levels(db)
    async with explained(db) as plans:
        assert await db.levels.get_by_guild_id_and_member_id(levels.guild_id, levels.member_id) == levels
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_guild_id_and_member_id(db: Database) -> None:
    levels = await new_levels(db)
    assert await db.levels.get_one_by_guild_id_and_member_id(levels.guild_id, levels.member_id) == levels
    await db.levels.delete_by_guild_id_and_member_id(levels.guild_id, levels.member_id)
    with pytest.raises(NotFoundError):
        await db.levels.get_one_by_guild_id_and_member_id(levels.guild_id, levels.member_id)


async def test_update_by_guild_id_and_member_id(db: Database) -> None:
    levels = await new_levels(db)
    value = 7
    changed = await db.levels.update_by_guild_id_and_member_id(levels.guild_id, levels.member_id, level=value)
    assert changed is not None
    assert changed.level == value


async def test_update_one_by_guild_id_and_member_id(db: Database) -> None:
    levels = await new_levels(db)
    value = 7
    changed = await db.levels.update_one_by_guild_id_and_member_id(levels.guild_id, levels.member_id, level=value)
    assert changed.level == value


async def test_delete_by_guild_id_and_member_id(db: Database) -> None:
    levels = await new_levels(db)
    assert await db.levels.delete_by_guild_id_and_member_id(levels.guild_id, levels.member_id)
    assert not await db.levels.delete_by_guild_id_and_member_id(levels.guild_id, levels.member_id)


async def test_get_or_create_by_guild_id_and_member_id(db: Database) -> None:
    values = await levels_values(db)
    levels, is_new = await db.levels.get_or_create_by_guild_id_and_member_id(**values)
    assert is_new
    assert await db.levels.get_or_create_by_guild_id_and_member_id(**values) == (levels, False)


async def test_upsert_by_guild_id_and_member_id(db: Database) -> None:
    values = await levels_values(db)
    first = await db.levels.upsert_by_guild_id_and_member_id(**values)
    second = await db.levels.upsert_by_guild_id_and_member_id(**values)
    assert second.guild_id == first.guild_id
    assert second.member_id == first.member_id


async def test_create_or_update_by_guild_id_and_member_id(db: Database) -> None:
    values = await levels_values(db)
    first = await db.levels.create_or_update_by_guild_id_and_member_id(create=values, update={})
    second = await db.levels.create_or_update_by_guild_id_and_member_id(create=values, update={})
    assert second.guild_id == first.guild_id
    assert second.member_id == first.member_id


async def test_find_by_guild_id(db: Database) -> None:
    levels = await new_levels(db)
    async with explained(db) as plans:
        assert levels in await db.levels.find_by_guild_id(levels.guild_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_find_by_last_message_at(db: Database) -> None:
    levels = await new_levels(db)
    async with explained(db) as plans:
        assert levels in await db.levels.find_by_last_message_at(levels.last_message_at)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]
