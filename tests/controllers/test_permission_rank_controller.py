"""Tests of `db.permission_rank`: written once by ctrlgen, and yours to edit."""

from __future__ import annotations

import pytest

from generated import Database, NotFoundError

from .controller_factories import new_permission_rank, permission_rank_values
from .query_plans import explained

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_create(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    assert permission_rank in await db.permission_rank.find_all()


async def test_find_all(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    assert await db.permission_rank.find_all(id=permission_rank.id) == [permission_rank]


async def test_find_one(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    assert await db.permission_rank.find_one(id=permission_rank.id) == permission_rank


async def test_count(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    assert await db.permission_rank.count(id=permission_rank.id) == 1


async def test_exists(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    assert await db.permission_rank.exists(id=permission_rank.id)


async def test_update_where(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    assert (
        await db.permission_rank.update_where(db.permission_rank.c.id == permission_rank.id, description="changed") == 1
    )


async def test_find_all_load(db: Database) -> None:
    for _ in range(2):
        await new_permission_rank(db)
    async with explained(db) as plans:
        await db.permission_rank.find_all().load("assignments")
    assert len(plans) <= 2


async def test_get_by_id(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    async with explained(db) as plans:
        assert await db.permission_rank.get_by_id(permission_rank.id) == permission_rank
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_id(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    assert await db.permission_rank.get_one_by_id(permission_rank.id) == permission_rank
    await db.permission_rank.delete_by_id(permission_rank.id)
    with pytest.raises(NotFoundError):
        await db.permission_rank.get_one_by_id(permission_rank.id)


async def test_update_by_id(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    value = "changed"
    changed = await db.permission_rank.update_by_id(permission_rank.id, description=value)
    assert changed is not None
    assert changed.description == value


async def test_update_one_by_id(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    value = "changed"
    changed = await db.permission_rank.update_one_by_id(permission_rank.id, description=value)
    assert changed.description == value


async def test_delete_by_id(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    assert await db.permission_rank.delete_by_id(permission_rank.id)
    assert not await db.permission_rank.delete_by_id(permission_rank.id)


async def test_get_by_guild_id_and_name(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    async with explained(db) as plans:
        assert (
            await db.permission_rank.get_by_guild_id_and_name(permission_rank.guild_id, permission_rank.name)
            == permission_rank
        )
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_guild_id_and_name(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    assert (
        await db.permission_rank.get_one_by_guild_id_and_name(permission_rank.guild_id, permission_rank.name)
        == permission_rank
    )
    await db.permission_rank.delete_by_id(permission_rank.id)
    with pytest.raises(NotFoundError):
        await db.permission_rank.get_one_by_guild_id_and_name(permission_rank.guild_id, permission_rank.name)


async def test_update_by_guild_id_and_name(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    value = "changed"
    changed = await db.permission_rank.update_by_guild_id_and_name(
        permission_rank.guild_id, permission_rank.name, description=value
    )
    assert changed is not None
    assert changed.description == value


async def test_update_one_by_guild_id_and_name(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    value = "changed"
    changed = await db.permission_rank.update_one_by_guild_id_and_name(
        permission_rank.guild_id, permission_rank.name, description=value
    )
    assert changed.description == value


async def test_delete_by_guild_id_and_name(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    assert await db.permission_rank.delete_by_guild_id_and_name(permission_rank.guild_id, permission_rank.name)
    assert not await db.permission_rank.delete_by_guild_id_and_name(permission_rank.guild_id, permission_rank.name)


async def test_get_or_create_by_guild_id_and_name(db: Database) -> None:
    values = await permission_rank_values(db)
    permission_rank, is_new = await db.permission_rank.get_or_create_by_guild_id_and_name(**values)
    assert is_new
    assert await db.permission_rank.get_or_create_by_guild_id_and_name(**values) == (permission_rank, False)


async def test_upsert_by_guild_id_and_name(db: Database) -> None:
    values = await permission_rank_values(db)
    first = await db.permission_rank.upsert_by_guild_id_and_name(**values)
    second = await db.permission_rank.upsert_by_guild_id_and_name(**values)
    assert second.id == first.id


async def test_create_or_update_by_guild_id_and_name(db: Database) -> None:
    values = await permission_rank_values(db)
    first = await db.permission_rank.create_or_update_by_guild_id_and_name(create=values, update={})
    second = await db.permission_rank.create_or_update_by_guild_id_and_name(create=values, update={})
    assert second.id == first.id


async def test_get_by_guild_id_and_rank(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    async with explained(db) as plans:
        assert (
            await db.permission_rank.get_by_guild_id_and_rank(permission_rank.guild_id, permission_rank.rank)
            == permission_rank
        )
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_guild_id_and_rank(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    assert (
        await db.permission_rank.get_one_by_guild_id_and_rank(permission_rank.guild_id, permission_rank.rank)
        == permission_rank
    )
    await db.permission_rank.delete_by_id(permission_rank.id)
    with pytest.raises(NotFoundError):
        await db.permission_rank.get_one_by_guild_id_and_rank(permission_rank.guild_id, permission_rank.rank)


async def test_update_by_guild_id_and_rank(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    value = "changed"
    changed = await db.permission_rank.update_by_guild_id_and_rank(
        permission_rank.guild_id, permission_rank.rank, description=value
    )
    assert changed is not None
    assert changed.description == value


async def test_update_one_by_guild_id_and_rank(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    value = "changed"
    changed = await db.permission_rank.update_one_by_guild_id_and_rank(
        permission_rank.guild_id, permission_rank.rank, description=value
    )
    assert changed.description == value


async def test_delete_by_guild_id_and_rank(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    assert await db.permission_rank.delete_by_guild_id_and_rank(permission_rank.guild_id, permission_rank.rank)
    assert not await db.permission_rank.delete_by_guild_id_and_rank(permission_rank.guild_id, permission_rank.rank)


async def test_get_or_create_by_guild_id_and_rank(db: Database) -> None:
    values = await permission_rank_values(db)
    permission_rank, is_new = await db.permission_rank.get_or_create_by_guild_id_and_rank(**values)
    assert is_new
    assert await db.permission_rank.get_or_create_by_guild_id_and_rank(**values) == (permission_rank, False)


async def test_upsert_by_guild_id_and_rank(db: Database) -> None:
    values = await permission_rank_values(db)
    first = await db.permission_rank.upsert_by_guild_id_and_rank(**values)
    second = await db.permission_rank.upsert_by_guild_id_and_rank(**values)
    assert second.id == first.id


async def test_create_or_update_by_guild_id_and_rank(db: Database) -> None:
    values = await permission_rank_values(db)
    first = await db.permission_rank.create_or_update_by_guild_id_and_rank(create=values, update={})
    second = await db.permission_rank.create_or_update_by_guild_id_and_rank(create=values, update={})
    assert second.id == first.id


async def test_find_by_guild_id(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    async with explained(db) as plans:
        assert permission_rank in await db.permission_rank.find_by_guild_id(permission_rank.guild_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_load_assignments(db: Database) -> None:
    permission_rank = await new_permission_rank(db)
    await db.permission_rank.load_assignments([permission_rank])
    assert not permission_rank.assignments
