"""Tests of `db.points_transaction`: written once by ctrlgen, and yours to edit."""

from __future__ import annotations

import pytest

from generated import Database, NotFoundError

from .controller_factories import new_points_transaction, points_transaction_values
from .query_plans import explained

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_create(db: Database) -> None:
    points_transaction = await new_points_transaction(db)
    assert points_transaction in await db.points_transaction.find_all()


async def test_find_all(db: Database) -> None:
    points_transaction = await new_points_transaction(db)
    assert await db.points_transaction.find_all(id=points_transaction.id) == [points_transaction]


async def test_find_one(db: Database) -> None:
    points_transaction = await new_points_transaction(db)
    assert await db.points_transaction.find_one(id=points_transaction.id) == points_transaction


async def test_count(db: Database) -> None:
    points_transaction = await new_points_transaction(db)
    assert await db.points_transaction.count(id=points_transaction.id) == 1


async def test_exists(db: Database) -> None:
    points_transaction = await new_points_transaction(db)
    assert await db.points_transaction.exists(id=points_transaction.id)


async def test_update_where(db: Database) -> None:
    points_transaction = await new_points_transaction(db)
    assert (
        await db.points_transaction.update_where(
            db.points_transaction.c.id == points_transaction.id, amount=(await points_transaction_values(db))["amount"]
        )
        == 1
    )


async def test_find_all_load(db: Database) -> None:
    for _ in range(2):
        await new_points_transaction(db)
    async with explained(db) as plans:
        await db.points_transaction.find_all().load("sender", "receiver")
    assert len(plans) <= 3


async def test_get_by_id(db: Database) -> None:
    points_transaction = await new_points_transaction(db)
    async with explained(db) as plans:
        assert await db.points_transaction.get_by_id(points_transaction.id) == points_transaction
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_id(db: Database) -> None:
    points_transaction = await new_points_transaction(db)
    assert await db.points_transaction.get_one_by_id(points_transaction.id) == points_transaction
    await db.points_transaction.delete_by_id(points_transaction.id)
    with pytest.raises(NotFoundError):
        await db.points_transaction.get_one_by_id(points_transaction.id)


async def test_update_by_id(db: Database) -> None:
    points_transaction = await new_points_transaction(db)
    value = (await points_transaction_values(db))["amount"]
    changed = await db.points_transaction.update_by_id(points_transaction.id, amount=value)
    assert changed is not None
    assert changed.amount == value


async def test_update_one_by_id(db: Database) -> None:
    points_transaction = await new_points_transaction(db)
    value = (await points_transaction_values(db))["amount"]
    changed = await db.points_transaction.update_one_by_id(points_transaction.id, amount=value)
    assert changed.amount == value


async def test_delete_by_id(db: Database) -> None:
    points_transaction = await new_points_transaction(db)
    assert await db.points_transaction.delete_by_id(points_transaction.id)
    assert not await db.points_transaction.delete_by_id(points_transaction.id)


async def test_find_by_receiver_id(db: Database) -> None:
    points_transaction = await new_points_transaction(db)
    async with explained(db) as plans:
        assert points_transaction in await db.points_transaction.find_by_receiver_id(points_transaction.receiver_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_find_by_sender_id(db: Database) -> None:
    points_transaction = await new_points_transaction(db)
    async with explained(db) as plans:
        assert points_transaction in await db.points_transaction.find_by_sender_id(points_transaction.sender_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_load_sender(db: Database) -> None:
    points_transaction = await new_points_transaction(db)
    await db.points_transaction.load_sender([points_transaction])
    assert points_transaction.sender


async def test_load_receiver(db: Database) -> None:
    points_transaction = await new_points_transaction(db)
    await db.points_transaction.load_receiver([points_transaction])
    assert points_transaction.receiver
