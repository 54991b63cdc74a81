"""Tests of `db.starboard`: written once by ctrlgen, and yours to edit."""

from __future__ import annotations

import pytest

from generated import Database, NotFoundError

from .controller_factories import new_starboard, starboard_values
from .query_plans import explained

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_create(db: Database) -> None:
    starboard = await new_starboard(db)
    assert starboard in await db.starboard.find_all()


async def test_find_all(db: Database) -> None:
    starboard = await new_starboard(db)
    assert await db.starboard.find_all(guild_id=starboard.guild_id) == [starboard]


async def test_find_one(db: Database) -> None:
    starboard = await new_starboard(db)
    assert await db.starboard.find_one(guild_id=starboard.guild_id) == starboard


async def test_count(db: Database) -> None:
    starboard = await new_starboard(db)
    assert await db.starboard.count(guild_id=starboard.guild_id) == 1


async def test_exists(db: Database) -> None:
    starboard = await new_starboard(db)
    assert await db.starboard.exists(guild_id=starboard.guild_id)


async def test_update_where(db: Database) -> None:
    starboard = await new_starboard(db)
    assert await db.starboard.update_where(db.starboard.c.guild_id == starboard.guild_id, emoji="changed") == 1


async def test_find_all_load(db: Database) -> None:
    for _ in range(2):
        await new_starboard(db)
    async with explained(db) as plans:
        await db.starboard.find_all().load("messages")
    assert len(plans) <= 2


async def test_get_by_guild_id(db: Database) -> None:
    starboard = await new_starboard(db)
    async with explained(db) as plans:
        assert await db.starboard.get_by_guild_id(starboard.guild_id) == starboard
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_guild_id(db: Database) -> None:
    starboard = await new_starboard(db)
    assert await db.starboard.get_one_by_guild_id(starboard.guild_id) == starboard
    await db.starboard.delete_by_guild_id(starboard.guild_id)
    with pytest.raises(NotFoundError):
        await db.starboard.get_one_by_guild_id(starboard.guild_id)


async def test_update_by_guild_id(db: Database) -> None:
    starboard = await new_starboard(db)
    value = "changed"
    changed = await db.starboard.update_by_guild_id(starboard.guild_id, emoji=value)
    assert changed is not None
    assert changed.emoji == value


async def test_update_one_by_guild_id(db: Database) -> None:
    starboard = await new_starboard(db)
    value = "changed"
    changed = await db.starboard.update_one_by_guild_id(starboard.guild_id, emoji=value)
    assert changed.emoji == value


async def test_delete_by_guild_id(db: Database) -> None:
    starboard = await new_starboard(db)
    assert await db.starboard.delete_by_guild_id(starboard.guild_id)
    assert not await db.starboard.delete_by_guild_id(starboard.guild_id)


async def test_get_or_create_by_guild_id(db: Database) -> None:
    values = await starboard_values(db)
    starboard, is_new = await db.starboard.get_or_create_by_guild_id(**values)
    assert is_new
    assert await db.starboard.get_or_create_by_guild_id(**values) == (starboard, False)


async def test_upsert_by_guild_id(db: Database) -> None:
    values = await starboard_values(db)
    first = await db.starboard.upsert_by_guild_id(**values)
    second = await db.starboard.upsert_by_guild_id(**values)
    assert second.guild_id == first.guild_id


async def test_create_or_update_by_guild_id(db: Database) -> None:
    values = await starboard_values(db)
    first = await db.starboard.create_or_update_by_guild_id(create=values, update={})
    second = await db.starboard.create_or_update_by_guild_id(create=values, update={})
    assert second.guild_id == first.guild_id


async def test_load_messages(db: Database) -> None:
    starboard = await new_starboard(db)
    await db.starboard.load_messages([starboard])
    assert not starboard.messages
