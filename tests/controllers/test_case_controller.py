"""Tests of `db.case`: written once by ctrlgen, and yours to edit."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from generated import Database, NotFoundError

from .controller_factories import case_values, new_case, present
from .query_plans import explained

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_create(db: Database) -> None:
    case = await new_case(db)
    assert case in await db.case.find_all()


async def test_find_all(db: Database) -> None:
    case = await new_case(db)
    assert await db.case.find_all(id=case.id) == [case]


async def test_find_one(db: Database) -> None:
    case = await new_case(db)
    assert await db.case.find_one(id=case.id) == case


async def test_count(db: Database) -> None:
    case = await new_case(db)
    assert await db.case.count(id=case.id) == 1


async def test_exists(db: Database) -> None:
    case = await new_case(db)
    assert await db.case.exists(id=case.id)


async def test_update_where(db: Database) -> None:
    case = await new_case(db)
    assert await db.case.update_where(db.case.c.id == case.id, reason="changed") == 1


async def test_find_all_load(db: Database) -> None:
    for _ in range(2):
        await new_case(db)
    async with explained(db) as plans:
        await db.case.find_all().load("guild", "moderator", "target")
    assert len(plans) <= 4


async def test_get_by_id(db: Database) -> None:
    case = await new_case(db)
    async with explained(db) as plans:
        assert await db.case.get_by_id(case.id) == case
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_id(db: Database) -> None:
    case = await new_case(db)
    assert await db.case.get_one_by_id(case.id) == case
    await db.case.delete_by_id(case.id)
    with pytest.raises(NotFoundError):
        await db.case.get_one_by_id(case.id)


async def test_update_by_id(db: Database) -> None:
    case = await new_case(db)
    value = "changed"
    changed = await db.case.update_by_id(case.id, reason=value)
    assert changed is not None
    assert changed.reason == value


async def test_update_one_by_id(db: Database) -> None:
    case = await new_case(db)
    value = "changed"
    changed = await db.case.update_one_by_id(case.id, reason=value)
    assert changed.reason == value


async def test_delete_by_id(db: Database) -> None:
    case = await new_case(db)
    assert await db.case.delete_by_id(case.id)
    assert not await db.case.delete_by_id(case.id)


async def test_get_by_guild_id_and_number(db: Database) -> None:
    case = await new_case(db)
    async with explained(db) as plans:
        assert await db.case.get_by_guild_id_and_number(case.guild_id, case.number) == case
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_guild_id_and_number(db: Database) -> None:
    case = await new_case(db)
    assert await db.case.get_one_by_guild_id_and_number(case.guild_id, case.number) == case
    await db.case.delete_by_id(case.id)
    with pytest.raises(NotFoundError):
        await db.case.get_one_by_guild_id_and_number(case.guild_id, case.number)


async def test_update_by_guild_id_and_number(db: Database) -> None:
    case = await new_case(db)
    value = "changed"
    changed = await db.case.update_by_guild_id_and_number(case.guild_id, case.number, reason=value)
    assert changed is not None
    assert changed.reason == value


async def test_update_one_by_guild_id_and_number(db: Database) -> None:
    case = await new_case(db)
    value = "changed"
    changed = await db.case.update_one_by_guild_id_and_number(case.guild_id, case.number, reason=value)
    assert changed.reason == value


async def test_delete_by_guild_id_and_number(db: Database) -> None:
    case = await new_case(db)
    assert await db.case.delete_by_guild_id_and_number(case.guild_id, case.number)
    assert not await db.case.delete_by_guild_id_and_number(case.guild_id, case.number)


async def test_get_or_create_by_guild_id_and_number(db: Database) -> None:
    values = await case_values(db)
    case, is_new = await db.case.get_or_create_by_guild_id_and_number(**values)
    assert is_new
    assert await db.case.get_or_create_by_guild_id_and_number(**values) == (case, False)


async def test_upsert_by_guild_id_and_number(db: Database) -> None:
    values = await case_values(db)
    first = await db.case.upsert_by_guild_id_and_number(**values)
    second = await db.case.upsert_by_guild_id_and_number(**values)
    assert second.id == first.id


async def test_create_or_update_by_guild_id_and_number(db: Database) -> None:
    values = await case_values(db)
    first = await db.case.create_or_update_by_guild_id_and_number(create=values, update={})
    second = await db.case.create_or_update_by_guild_id_and_number(create=values, update={})
    assert second.id == first.id


async def test_find_expiring_by_expires_at(db: Database) -> None:
    values = await case_values(db)
    values["expires_at"] = datetime.now(UTC)
    case = await db.case.create(**values)
    async with explained(db) as plans:
        assert case in await db.case.find_expiring_by_expires_at(present(case.expires_at))
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_find_by_guild_id(db: Database) -> None:
    case = await new_case(db)
    async with explained(db) as plans:
        assert case in await db.case.find_by_guild_id(case.guild_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_find_by_moderator_id(db: Database) -> None:
    case = await new_case(db)
    async with explained(db) as plans:
        assert case in await db.case.find_by_moderator_id(case.moderator_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_find_by_target_id(db: Database) -> None:
    case = await new_case(db)
    async with explained(db) as plans:
        assert case in await db.case.find_by_target_id(case.target_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_load_guild(db: Database) -> None:
    case = await new_case(db)
    await db.case.load_guild([case])
    assert case.guild


async def test_load_moderator(db: Database) -> None:
    case = await new_case(db)
    await db.case.load_moderator([case])
    assert case.moderator


async def test_load_target(db: Database) -> None:
    case = await new_case(db)
    await db.case.load_target([case])
    assert case.target
