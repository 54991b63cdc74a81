"""Bulk calls with any number of rows: in order, all or nothing, with few statements."""

from __future__ import annotations

import pytest

from generated import Database, UniqueViolation
from generated.user import UserCreate
from tests.scenarios.conftest import GUILD


def row(n: int) -> UserCreate:
    return {"discord_id": n, "guild_id": GUILD, "username": f"u{n}"}


@pytest.mark.parametrize("few", [True, False])
async def test_bulk_calls_keep_the_order_of_any_number_of_rows(db: Database, few: bool, whole: bool) -> None:
    count = 10 if few else 100_000 if whole else 12_000
    users = await db.user.create_many(map(row, range(count, 0, -1)))
    assert [user.discord_id for user in users] == list(range(count, 0, -1))
    assert await db.user.bulk_update({"id": user.id, "points": user.discord_id} for user in users) == count
    again = await db.user.upsert_many((row(n) for n in range(1, count + 1)), key=["discord_id"])
    assert [user.points for user in again] == list(range(1, count + 1))
    assert await db.user.delete_many(user.id for user in users) == count
    assert await db.user.count() == 0


async def test_bulk_calls_are_all_or_nothing(db: Database, whole: bool) -> None:
    count = 100_000 if whole else 12_000
    with pytest.raises(UniqueViolation):
        await db.user.create_many([*map(row, range(count)), row(5)])
    assert await db.user.count() == 0


async def test_flags_are_toggled_atomically_by_key_filter_and_selection(db: Database) -> None:
    users = await db.user.create_many(map(row, range(3)))
    c = db.user.c
    await db.user.update_by_id(users[0].id, is_active=~c.is_active)
    await db.user.update_where(c.id == users[1].id, is_active=~c.is_active, points=c.points + 1)
    await db.user.find_all(id=users[2].id).update({"is_active": ~c.is_active, "points": c.points + 2})
    users = await db.user.find_all().order_by(c.id)
    assert [(user.is_active, user.points) for user in users] == [(False, 0), (False, 1), (False, 2)]


async def test_partial_upsert_works_for_a_hundred_executions_on_one_connection(
    reference_url: str, db: Database
) -> None:
    (user,) = await db.user.create_many([row(1)])
    async with Database(reference_url, pool_size=1, max_overflow=0) as one:
        for number in range(100):
            reminder = await one.reminder.upsert_pending_by_user_id_and_key(
                user_id=user.id, key="tea", channel_id=1, content=f"c{number}", expires_at=user.created_at
            )
        assert reminder.content == "c99"
        assert await one.reminder.count(sent=False) == 1
