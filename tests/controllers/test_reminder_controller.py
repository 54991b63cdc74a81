"""Tests of `db.reminder`: written once by ctrlgen, and yours to edit."""

from __future__ import annotations

import pytest

from generated import Database, NotFoundError

from .controller_factories import new_reminder, reminder_values
from .query_plans import explained

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_create(db: Database) -> None:
    reminder = await new_reminder(db)
    assert reminder in await db.reminder.find_all()


async def test_find_all(db: Database) -> None:
    reminder = await new_reminder(db)
    assert await db.reminder.find_all(id=reminder.id) == [reminder]


async def test_find_one(db: Database) -> None:
    reminder = await new_reminder(db)
    assert await db.reminder.find_one(id=reminder.id) == reminder


async def test_count(db: Database) -> None:
    reminder = await new_reminder(db)
    assert await db.reminder.count(id=reminder.id) == 1


async def test_exists(db: Database) -> None:
    reminder = await new_reminder(db)
    assert await db.reminder.exists(id=reminder.id)


async def test_update_where(db: Database) -> None:
    reminder = await new_reminder(db)
    assert (
        await db.reminder.update_where(db.reminder.c.id == reminder.id, content=(await reminder_values(db))["content"])
        == 1
    )


async def test_find_all_load(db: Database) -> None:
    for _ in range(2):
        await new_reminder(db)
    async with explained(db) as plans:
        await db.reminder.find_all().load("user")
    assert len(plans) <= 2


async def test_get_by_id(db: Database) -> None:
    reminder = await new_reminder(db)
    async with explained(db) as plans:
        assert await db.reminder.get_by_id(reminder.id) == reminder
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_id(db: Database) -> None:
    reminder = await new_reminder(db)
    assert await db.reminder.get_one_by_id(reminder.id) == reminder
    await db.reminder.delete_by_id(reminder.id)
    with pytest.raises(NotFoundError):
        await db.reminder.get_one_by_id(reminder.id)


async def test_update_by_id(db: Database) -> None:
    reminder = await new_reminder(db)
    value = (await reminder_values(db))["content"]
    changed = await db.reminder.update_by_id(reminder.id, content=value)
    assert changed is not None
    assert changed.content == value


async def test_update_one_by_id(db: Database) -> None:
    reminder = await new_reminder(db)
    value = (await reminder_values(db))["content"]
    changed = await db.reminder.update_one_by_id(reminder.id, content=value)
    assert changed.content == value


async def test_delete_by_id(db: Database) -> None:
    reminder = await new_reminder(db)
    assert await db.reminder.delete_by_id(reminder.id)
    assert not await db.reminder.delete_by_id(reminder.id)


async def test_get_pending_by_user_id_and_key(db: Database) -> None:
    reminder = await new_reminder(db)
    async with explained(db) as plans:
        assert await db.reminder.get_pending_by_user_id_and_key(reminder.user_id, reminder.key) == reminder
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_pending_by_user_id_and_key(db: Database) -> None:
    reminder = await new_reminder(db)
    assert await db.reminder.get_one_pending_by_user_id_and_key(reminder.user_id, reminder.key) == reminder
    await db.reminder.delete_by_id(reminder.id)
    with pytest.raises(NotFoundError):
        await db.reminder.get_one_pending_by_user_id_and_key(reminder.user_id, reminder.key)


async def test_update_pending_by_user_id_and_key(db: Database) -> None:
    reminder = await new_reminder(db)
    value = (await reminder_values(db))["content"]
    changed = await db.reminder.update_pending_by_user_id_and_key(reminder.user_id, reminder.key, content=value)
    assert changed is not None
    assert changed.content == value


async def test_update_one_pending_by_user_id_and_key(db: Database) -> None:
    reminder = await new_reminder(db)
    value = (await reminder_values(db))["content"]
    changed = await db.reminder.update_one_pending_by_user_id_and_key(reminder.user_id, reminder.key, content=value)
    assert changed.content == value


async def test_delete_pending_by_user_id_and_key(db: Database) -> None:
    reminder = await new_reminder(db)
    assert await db.reminder.delete_pending_by_user_id_and_key(reminder.user_id, reminder.key)
    assert not await db.reminder.delete_pending_by_user_id_and_key(reminder.user_id, reminder.key)


async def test_get_or_create_pending_by_user_id_and_key(db: Database) -> None:
    values = await reminder_values(db)
    reminder, is_new = await db.reminder.get_or_create_pending_by_user_id_and_key(**values)
    assert is_new
    assert await db.reminder.get_or_create_pending_by_user_id_and_key(**values) == (reminder, False)


async def test_upsert_pending_by_user_id_and_key(db: Database) -> None:
    values = await reminder_values(db)
    first = await db.reminder.upsert_pending_by_user_id_and_key(**values)
    second = await db.reminder.upsert_pending_by_user_id_and_key(**values)
    assert second.id == first.id


async def test_create_or_update_pending_by_user_id_and_key(db: Database) -> None:
    values = await reminder_values(db)
    first = await db.reminder.create_or_update_pending_by_user_id_and_key(create=values, update={})
    second = await db.reminder.create_or_update_pending_by_user_id_and_key(create=values, update={})
    assert second.id == first.id


async def test_find_pending_by_expires_at(db: Database) -> None:
    reminder = await new_reminder(db)
    async with explained(db) as plans:
        assert reminder in await db.reminder.find_pending_by_expires_at(reminder.expires_at)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_find_pending_by_user_id(db: Database) -> None:
    reminder = await new_reminder(db)
    async with explained(db) as plans:
        assert reminder in await db.reminder.find_pending_by_user_id(reminder.user_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_find_by_user_id(db: Database) -> None:
    reminder = await new_reminder(db)
    async with explained(db) as plans:
        assert reminder in await db.reminder.find_by_user_id(reminder.user_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_load_user(db: Database) -> None:
    reminder = await new_reminder(db)
    await db.reminder.load_user([reminder])
    assert reminder.user
