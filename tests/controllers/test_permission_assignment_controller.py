"""Tests of `db.permission_assignment`: written once by ctrlgen, and yours to edit."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from generated import Database, NotFoundError

from .controller_factories import new_permission_assignment, permission_assignment_values
from .query_plans import explained

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_create(db: Database) -> None:
    permission_assignment = await new_permission_assignment(db)
    assert permission_assignment in await db.permission_assignment.find_all()


async def test_find_all(db: Database) -> None:
    permission_assignment = await new_permission_assignment(db)
    assert await db.permission_assignment.find_all(id=permission_assignment.id) == [permission_assignment]


async def test_find_one(db: Database) -> None:
    permission_assignment = await new_permission_assignment(db)
    assert await db.permission_assignment.find_one(id=permission_assignment.id) == permission_assignment


async def test_count(db: Database) -> None:
    permission_assignment = await new_permission_assignment(db)
    assert await db.permission_assignment.count(id=permission_assignment.id) == 1


async def test_exists(db: Database) -> None:
    permission_assignment = await new_permission_assignment(db)
    assert await db.permission_assignment.exists(id=permission_assignment.id)


async def test_update_where(db: Database) -> None:
    permission_assignment = await new_permission_assignment(db)
    assert (
        await db.permission_assignment.update_where(
            db.permission_assignment.c.id == permission_assignment.id, created_at=datetime.now(UTC)
        )
        == 1
    )


async def test_find_all_load(db: Database) -> None:
    for _ in range(2):
        await new_permission_assignment(db)
    async with explained(db) as plans:
        await db.permission_assignment.find_all().load("rank")
    assert len(plans) <= 2


async def test_get_by_id(db: Database) -> None:
    permission_assignment = await new_permission_assignment(db)
    async with explained(db) as plans:
        assert await db.permission_assignment.get_by_id(permission_assignment.id) == permission_assignment
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_id(db: Database) -> None:
    permission_assignment = await new_permission_assignment(db)
    assert await db.permission_assignment.get_one_by_id(permission_assignment.id) == permission_assignment
    await db.permission_assignment.delete_by_id(permission_assignment.id)
    with pytest.raises(NotFoundError):
        await db.permission_assignment.get_one_by_id(permission_assignment.id)


async def test_update_by_id(db: Database) -> None:
    permission_assignment = await new_permission_assignment(db)
    value = datetime.now(UTC)
    changed = await db.permission_assignment.update_by_id(permission_assignment.id, created_at=value)
    assert changed is not None
    assert changed.created_at == value


async def test_update_one_by_id(db: Database) -> None:
    permission_assignment = await new_permission_assignment(db)
    value = datetime.now(UTC)
    changed = await db.permission_assignment.update_one_by_id(permission_assignment.id, created_at=value)
    assert changed.created_at == value


async def test_delete_by_id(db: Database) -> None:
    permission_assignment = await new_permission_assignment(db)
    assert await db.permission_assignment.delete_by_id(permission_assignment.id)
    assert not await db.permission_assignment.delete_by_id(permission_assignment.id)


async def test_get_by_guild_id_and_role_id(db: Database) -> None:
    permission_assignment = await new_permission_assignment(db)
    async with explained(db) as plans:
        assert (
            await db.permission_assignment.get_by_guild_id_and_role_id(
                permission_assignment.guild_id, permission_assignment.role_id
            )
            == permission_assignment
        )
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_guild_id_and_role_id(db: Database) -> None:
    permission_assignment = await new_permission_assignment(db)
    assert (
        await db.permission_assignment.get_one_by_guild_id_and_role_id(
            permission_assignment.guild_id, permission_assignment.role_id
        )
        == permission_assignment
    )
    await db.permission_assignment.delete_by_id(permission_assignment.id)
    with pytest.raises(NotFoundError):
        await db.permission_assignment.get_one_by_guild_id_and_role_id(
            permission_assignment.guild_id, permission_assignment.role_id
        )


async def test_update_by_guild_id_and_role_id(db: Database) -> None:
    permission_assignment = await new_permission_assignment(db)
    value = datetime.now(UTC)
    changed = await db.permission_assignment.update_by_guild_id_and_role_id(
        permission_assignment.guild_id, permission_assignment.role_id, created_at=value
    )
    assert changed is not None
    assert changed.created_at == value


async def test_update_one_by_guild_id_and_role_id(db: Database) -> None:
    permission_assignment = await new_permission_assignment(db)
    value = datetime.now(UTC)
    changed = await db.permission_assignment.update_one_by_guild_id_and_role_id(
        permission_assignment.guild_id, permission_assignment.role_id, created_at=value
    )
    assert changed.created_at == value


async def test_delete_by_guild_id_and_role_id(db: Database) -> None:
    permission_assignment = await new_permission_assignment(db)
    assert await db.permission_assignment.delete_by_guild_id_and_role_id(
        permission_assignment.guild_id, permission_assignment.role_id
    )
    assert not await db.permission_assignment.delete_by_guild_id_and_role_id(
        permission_assignment.guild_id, permission_assignment.role_id
    )


async def test_get_or_create_by_guild_id_and_role_id(db: Database) -> None:
    values = await permission_assignment_values(db)
    permission_assignment, is_new = await db.permission_assignment.get_or_create_by_guild_id_and_role_id(**values)
    assert is_new
    assert await db.permission_assignment.get_or_create_by_guild_id_and_role_id(**values) == (
        permission_assignment,
        False,
    )


async def test_upsert_by_guild_id_and_role_id(db: Database) -> None:
    values = await permission_assignment_values(db)
    first = await db.permission_assignment.upsert_by_guild_id_and_role_id(**values)
    second = await db.permission_assignment.upsert_by_guild_id_and_role_id(**values)
    assert second.id == first.id


async def test_create_or_update_by_guild_id_and_role_id(db: Database) -> None:
    values = await permission_assignment_values(db)
    first = await db.permission_assignment.create_or_update_by_guild_id_and_role_id(create=values, update={})
    second = await db.permission_assignment.create_or_update_by_guild_id_and_role_id(create=values, update={})
    assert second.id == first.id


async def test_find_by_rank_id(db: Database) -> None:
    permission_assignment = await new_permission_assignment(db)
    async with explained(db) as plans:
        assert permission_assignment in await db.permission_assignment.find_by_rank_id(permission_assignment.rank_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_find_by_guild_id(db: Database) -> None:
    permission_assignment = await new_permission_assignment(db)
    async with explained(db) as plans:
        assert permission_assignment in await db.permission_assignment.find_by_guild_id(permission_assignment.guild_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_load_rank(db: Database) -> None:
    permission_assignment = await new_permission_assignment(db)
    await db.permission_assignment.load_rank([permission_assignment])
    assert permission_assignment.rank
