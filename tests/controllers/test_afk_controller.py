"""Tests of `db.afk`: written once by ctrlgen, and yours to edit."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from generated import Database, NotFoundError

from .controller_factories import afk_values, new_afk, present
from .query_plans import explained

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_create(db: Database) -> None:
    afk = await new_afk(db)
    assert afk in await db.afk.find_all()


async def test_find_all(db: Database) -> None:
    afk = await new_afk(db)
    assert await db.afk.find_all(guild_id=afk.guild_id, member_id=afk.member_id) == [afk]


async def test_find_one(db: Database) -> None:
    afk = await new_afk(db)
    assert await db.afk.find_one(guild_id=afk.guild_id, member_id=afk.member_id) == afk


async def test_count(db: Database) -> None:
    afk = await new_afk(db)
    assert await db.afk.count(guild_id=afk.guild_id, member_id=afk.member_id) == 1


async def test_exists(db: Database) -> None:
    afk = await new_afk(db)
    assert await db.afk.exists(guild_id=afk.guild_id, member_id=afk.member_id)


async def test_update_where(db: Database) -> None:
    afk = await new_afk(db)
    assert await db.afk.update_where(db.afk.c.guild_id == afk.guild_id, reason=(await afk_values(db))["reason"]) == 1


async def test_get_by_guild_id_and_member_id(db: Database) -> None:
    afk = await new_afk(db)
    async with explained(db) as plans:
        assert await db.afk.get_by_guild_id_and_member_id(afk.guild_id, afk.member_id) == afk
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_guild_id_and_member_id(db: Database) -> None:
    afk = await new_afk(db)
    assert await db.afk.get_one_by_guild_id_and_member_id(afk.guild_id, afk.member_id) == afk
    await db.afk.delete_by_guild_id_and_member_id(afk.guild_id, afk.member_id)
    with pytest.raises(NotFoundError):
        await db.afk.get_one_by_guild_id_and_member_id(afk.guild_id, afk.member_id)


async def test_update_by_guild_id_and_member_id(db: Database) -> None:
    afk = await new_afk(db)
    value = (await afk_values(db))["reason"]
    changed = await db.afk.update_by_guild_id_and_member_id(afk.guild_id, afk.member_id, reason=value)
    assert changed is not None
    assert changed.reason == value


async def test_update_one_by_guild_id_and_member_id(db: Database) -> None:
    afk = await new_afk(db)
    value = (await afk_values(db))["reason"]
    changed = await db.afk.update_one_by_guild_id_and_member_id(afk.guild_id, afk.member_id, reason=value)
    assert changed.reason == value


async def test_delete_by_guild_id_and_member_id(db: Database) -> None:
    afk = await new_afk(db)
    assert await db.afk.delete_by_guild_id_and_member_id(afk.guild_id, afk.member_id)
    assert not await db.afk.delete_by_guild_id_and_member_id(afk.guild_id, afk.member_id)


async def test_get_or_create_by_guild_id_and_member_id(db: Database) -> None:
    values = await afk_values(db)
    afk, is_new = await db.afk.get_or_create_by_guild_id_and_member_id(**values)
    assert is_new
    assert await db.afk.get_or_create_by_guild_id_and_member_id(**values) == (afk, False)


async def test_upsert_by_guild_id_and_member_id(db: Database) -> None:
    values = await afk_values(db)
    first = await db.afk.upsert_by_guild_id_and_member_id(**values)
    second = await db.afk.upsert_by_guild_id_and_member_id(**values)
    assert second.guild_id == first.guild_id
    assert second.member_id == first.member_id


async def test_create_or_update_by_guild_id_and_member_id(db: Database) -> None:
    values = await afk_values(db)
    first = await db.afk.create_or_update_by_guild_id_and_member_id(create=values, update={})
    second = await db.afk.create_or_update_by_guild_id_and_member_id(create=values, update={})
    assert second.guild_id == first.guild_id
    assert second.member_id == first.member_id


async def test_find_by_guild_id(db: Database) -> None:
    afk = await new_afk(db)
    async with explained(db) as plans:
        assert afk in await db.afk.find_by_guild_id(afk.guild_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_find_by_until(db: Database) -> None:
    values = await afk_values(db)
    values["until"] = datetime.now(UTC)
    afk = await db.afk.create(**values)
    async with explained(db) as plans:
        assert afk in await db.afk.find_by_until(present(afk.until))
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_find_by_member_id(db: Database) -> None:
    afk = await new_afk(db)
    async with explained(db) as plans:
        assert afk in await db.afk.find_by_member_id(afk.member_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]
