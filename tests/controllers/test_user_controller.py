"""Tests of `db.user`: written once by ctrlgen, and yours to edit."""

from __future__ import annotations

import pytest

from generated import Database, NotFoundError

from .controller_factories import new_user, user_values
from .query_plans import explained

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_create(db: Database) -> None:
    user = await new_user(db)
    assert user in await db.user.find_all()


async def test_find_all(db: Database) -> None:
    user = await new_user(db)
    assert await db.user.find_all(id=user.id) == [user]


async def test_find_one(db: Database) -> None:
    user = await new_user(db)
    assert await db.user.find_one(id=user.id) == user


async def test_count(db: Database) -> None:
    user = await new_user(db)
    assert await db.user.count(id=user.id) == 1


async def test_exists(db: Database) -> None:
    user = await new_user(db)
    assert await db.user.exists(id=user.id)


async def test_update_where(db: Database) -> None:
    user = await new_user(db)
    assert await db.user.update_where(db.user.c.id == user.id, username=(await user_values(db))["username"]) == 1


async def test_find_all_load(db: Database) -> None:
    for _ in range(2):
        await new_user(db)
    async with explained(db) as plans:
        await db.user.find_all().load("guild", "cases", "moderated_cases", "reminders")
    assert len(plans) <= 5


async def test_get_by_id(db: Database) -> None:
    user = await new_user(db)
    async with explained(db) as plans:
        assert await db.user.get_by_id(user.id) == user
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_id(db: Database) -> None:
    user = await new_user(db)
    assert await db.user.get_one_by_id(user.id) == user
    await db.user.delete_by_id(user.id)
    with pytest.raises(NotFoundError):
        await db.user.get_one_by_id(user.id)


async def test_update_by_id(db: Database) -> None:
    user = await new_user(db)
    value = (await user_values(db))["username"]
    changed = await db.user.update_by_id(user.id, username=value)
    assert changed is not None
    assert changed.username == value


async def test_update_one_by_id(db: Database) -> None:
    user = await new_user(db)
    value = (await user_values(db))["username"]
    changed = await db.user.update_one_by_id(user.id, username=value)
    assert changed.username == value


async def test_delete_by_id(db: Database) -> None:
    user = await new_user(db)
    assert await db.user.delete_by_id(user.id)
    assert not await db.user.delete_by_id(user.id)


async def test_get_by_discord_id(db: Database) -> None:
    user = await new_user(db)
    async with explained(db) as plans:
        assert await db.user.get_by_discord_id(user.discord_id) == user
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_discord_id(db: Database) -> None:
    user = await new_user(db)
    assert await db.user.get_one_by_discord_id(user.discord_id) == user
    await db.user.delete_by_id(user.id)
    with pytest.raises(NotFoundError):
        await db.user.get_one_by_discord_id(user.discord_id)


async def test_update_by_discord_id(db: Database) -> None:
    user = await new_user(db)
    value = (await user_values(db))["username"]
    changed = await db.user.update_by_discord_id(user.discord_id, username=value)
    assert changed is not None
    assert changed.username == value


async def test_update_one_by_discord_id(db: Database) -> None:
    user = await new_user(db)
    value = (await user_values(db))["username"]
    changed = await db.user.update_one_by_discord_id(user.discord_id, username=value)
    assert changed.username == value


async def test_delete_by_discord_id(db: Database) -> None:
    user = await new_user(db)
    assert await db.user.delete_by_discord_id(user.discord_id)
    assert not await db.user.delete_by_discord_id(user.discord_id)


async def test_get_or_create_by_discord_id(db: Database) -> None:
    values = await user_values(db)
    user, is_new = await db.user.get_or_create_by_discord_id(**values)
    assert is_new
    assert await db.user.get_or_create_by_discord_id(**values) == (user, False)


async def test_upsert_by_discord_id(db: Database) -> None:
    values = await user_values(db)
    first = await db.user.upsert_by_discord_id(**values)
    second = await db.user.upsert_by_discord_id(**values)
    assert second.id == first.id


async def test_create_or_update_by_discord_id(db: Database) -> None:
    values = await user_values(db)
    first = await db.user.create_or_update_by_discord_id(create=values, update={})
    second = await db.user.create_or_update_by_discord_id(create=values, update={})
    assert second.id == first.id


async def test_find_by_guild_id(db: Database) -> None:
    user = await new_user(db)
    async with explained(db) as plans:
        assert user in await db.user.find_by_guild_id(user.guild_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_load_guild(db: Database) -> None:
    user = await new_user(db)
    await db.user.load_guild([user])
    assert user.guild


async def test_load_cases(db: Database) -> None:
    user = await new_user(db)
    await db.user.load_cases([user])
    assert not user.cases


async def test_load_moderated_cases(db: Database) -> None:
    user = await new_user(db)
    await db.user.load_moderated_cases([user])
    assert not user.moderated_cases


async def test_load_reminders(db: Database) -> None:
    user = await new_user(db)
    await db.user.load_reminders([user])
    assert not user.reminders
