"""Tests of `db.permission_command`: written once by ctrlgen, and yours to edit."""

from __future__ import annotations

import pytest

from generated import Database, NotFoundError

from .controller_factories import new_permission_command, permission_command_values
from .query_plans import explained

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_create(db: Database) -> None:
    permission_command = await new_permission_command(db)
    assert permission_command in await db.permission_command.find_all()


async def test_find_all(db: Database) -> None:
    permission_command = await new_permission_command(db)
    assert await db.permission_command.find_all(id=permission_command.id) == [permission_command]


async def test_find_one(db: Database) -> None:
    permission_command = await new_permission_command(db)
    assert await db.permission_command.find_one(id=permission_command.id) == permission_command


async def test_count(db: Database) -> None:
    permission_command = await new_permission_command(db)
    assert await db.permission_command.count(id=permission_command.id) == 1


async def test_exists(db: Database) -> None:
    permission_command = await new_permission_command(db)
    assert await db.permission_command.exists(id=permission_command.id)


async def test_update_where(db: Database) -> None:
    permission_command = await new_permission_command(db)
    assert (
        await db.permission_command.update_where(db.permission_command.c.id == permission_command.id, required_rank=7)
        == 1
    )


async def test_get_by_id(db: Database) -> None:
    permission_command = await new_permission_command(db)
    async with explained(db) as plans:
        assert await db.permission_command.get_by_id(permission_command.id) == permission_command
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_id(db: Database) -> None:
    permission_command = await new_permission_command(db)
    assert await db.permission_command.get_one_by_id(permission_command.id) == permission_command
    await db.permission_command.delete_by_id(permission_command.id)
    with pytest.raises(NotFoundError):
        await db.permission_command.get_one_by_id(permission_command.id)


async def test_update_by_id(db: Database) -> None:
    permission_command = await new_permission_command(db)
    value = 7
    changed = await db.permission_command.update_by_id(permission_command.id, required_rank=value)
    assert changed is not None
    assert changed.required_rank == value


async def test_update_one_by_id(db: Database) -> None:
    permission_command = await new_permission_command(db)
    value = 7
    changed = await db.permission_command.update_one_by_id(permission_command.id, required_rank=value)
    assert changed.required_rank == value


async def test_delete_by_id(db: Database) -> None:
    permission_command = await new_permission_command(db)
    assert await db.permission_command.delete_by_id(permission_command.id)
    assert not await db.permission_command.delete_by_id(permission_command.id)


async def test_get_by_guild_id_and_command(db: Database) -> None:
    permission_command = await new_permission_command(db)
    async with explained(db) as plans:
        assert (
            await db.permission_command.get_by_guild_id_and_command(
                permission_command.guild_id, permission_command.command
            )
            == permission_command
        )
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_guild_id_and_command(db: Database) -> None:
    permission_command = await new_permission_command(db)
    assert (
        await db.permission_command.get_one_by_guild_id_and_command(
            permission_command.guild_id, permission_command.command
        )
        == permission_command
    )
    await db.permission_command.delete_by_id(permission_command.id)
    with pytest.raises(NotFoundError):
        await db.permission_command.get_one_by_guild_id_and_command(
            permission_command.guild_id, permission_command.command
        )


async def test_update_by_guild_id_and_command(db: Database) -> None:
    permission_command = await new_permission_command(db)
    value = 7
    changed = await db.permission_command.update_by_guild_id_and_command(
        permission_command.guild_id, permission_command.command, required_rank=value
    )
    assert changed is not None
    assert changed.required_rank == value


async def test_update_one_by_guild_id_and_command(db: Database) -> None:
    permission_command = await new_permission_command(db)
    value = 7
    changed = await db.permission_command.update_one_by_guild_id_and_command(
        permission_command.guild_id, permission_command.command, required_rank=value
    )
    assert changed.required_rank == value


async def test_delete_by_guild_id_and_command(db: Database) -> None:
    permission_command = await new_permission_command(db)
    assert await db.permission_command.delete_by_guild_id_and_command(
        permission_command.guild_id, permission_command.command
    )
    assert not await db.permission_command.delete_by_guild_id_and_command(
        permission_command.guild_id, permission_command.command
    )


async def test_get_or_create_by_guild_id_and_command(db: Database) -> None:
    values = await permission_command_values(db)
    permission_command, is_new = await db.permission_command.get_or_create_by_guild_id_and_command(**values)
    assert is_new
    assert await db.permission_command.get_or_create_by_guild_id_and_command(**values) == (permission_command, False)


async def test_upsert_by_guild_id_and_command(db: Database) -> None:
    values = await permission_command_values(db)
    first = await db.permission_command.upsert_by_guild_id_and_command(**values)
    second = await db.permission_command.upsert_by_guild_id_and_command(**values)
    assert second.id == first.id


async def test_create_or_update_by_guild_id_and_command(db: Database) -> None:
    values = await permission_command_values(db)
    first = await db.permission_command.create_or_update_by_guild_id_and_command(create=values, update={})
    second = await db.permission_command.create_or_update_by_guild_id_and_command(create=values, update={})
    assert second.id == first.id


async def test_find_by_guild_id(db: Database) -> None:
    permission_command = await new_permission_command(db)
    async with explained(db) as plans:
        assert permission_command in await db.permission_command.find_by_guild_id(permission_command.guild_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]
