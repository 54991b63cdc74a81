"""Tests of `db.starboard_message`: written once by ctrlgen, and yours to edit."""

from __future__ import annotations

import pytest

from generated import Database, NotFoundError

from .controller_factories import new_starboard_message, starboard_message_values
from .query_plans import explained

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_create(db: Database) -> None:
    starboard_message = await new_starboard_message(db)
    assert starboard_message in await db.starboard_message.find_all()


async def test_find_all(db: Database) -> None:
    starboard_message = await new_starboard_message(db)
    assert await db.starboard_message.find_all(message_id=starboard_message.message_id) == [starboard_message]


async def test_find_one(db: Database) -> None:
    starboard_message = await new_starboard_message(db)
    assert await db.starboard_message.find_one(message_id=starboard_message.message_id) == starboard_message


async def test_count(db: Database) -> None:
    starboard_message = await new_starboard_message(db)
    assert await db.starboard_message.count(message_id=starboard_message.message_id) == 1


async def test_exists(db: Database) -> None:
    starboard_message = await new_starboard_message(db)
    assert await db.starboard_message.exists(message_id=starboard_message.message_id)


async def test_update_where(db: Database) -> None:
    starboard_message = await new_starboard_message(db)
    assert (
        await db.starboard_message.update_where(
            db.starboard_message.c.message_id == starboard_message.message_id,
            author_id=(await starboard_message_values(db))["author_id"],
        )
        == 1
    )


async def test_find_all_load(db: Database) -> None:
    for _ in range(2):
        await new_starboard_message(db)
    async with explained(db) as plans:
        await db.starboard_message.find_all().load("board")
    assert len(plans) <= 2


async def test_get_by_message_id(db: Database) -> None:
    starboard_message = await new_starboard_message(db)
    async with explained(db) as plans:
        assert await db.starboard_message.get_by_message_id(starboard_message.message_id) == starboard_message
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_message_id(db: Database) -> None:
    starboard_message = await new_starboard_message(db)
    assert await db.starboard_message.get_one_by_message_id(starboard_message.message_id) == starboard_message
    await db.starboard_message.delete_by_message_id(starboard_message.message_id)
    with pytest.raises(NotFoundError):
        await db.starboard_message.get_one_by_message_id(starboard_message.message_id)


async def test_update_by_message_id(db: Database) -> None:
    starboard_message = await new_starboard_message(db)
    value = (await starboard_message_values(db))["author_id"]
    changed = await db.starboard_message.update_by_message_id(starboard_message.message_id, author_id=value)
    assert changed is not None
    assert changed.author_id == value


async def test_update_one_by_message_id(db: Database) -> None:
    starboard_message = await new_starboard_message(db)
    value = (await starboard_message_values(db))["author_id"]
    changed = await db.starboard_message.update_one_by_message_id(starboard_message.message_id, author_id=value)
    assert changed.author_id == value


async def test_delete_by_message_id(db: Database) -> None:
    starboard_message = await new_starboard_message(db)
    assert await db.starboard_message.delete_by_message_id(starboard_message.message_id)
    assert not await db.starboard_message.delete_by_message_id(starboard_message.message_id)


async def test_get_or_create_by_message_id(db: Database) -> None:
    values = await starboard_message_values(db)
    starboard_message, is_new = await db.starboard_message.get_or_create_by_message_id(**values)
    assert is_new
    assert await db.starboard_message.get_or_create_by_message_id(**values) == (starboard_message, False)


async def test_upsert_by_message_id(db: Database) -> None:
    values = await starboard_message_values(db)
    first = await db.starboard_message.upsert_by_message_id(**values)
    second = await db.starboard_message.upsert_by_message_id(**values)
    assert second.message_id == first.message_id


async def test_create_or_update_by_message_id(db: Database) -> None:
    values = await starboard_message_values(db)
    first = await db.starboard_message.create_or_update_by_message_id(create=values, update={})
    second = await db.starboard_message.create_or_update_by_message_id(create=values, update={})
    assert second.message_id == first.message_id


async def test_get_by_posted_id(db: Database) -> None:
    starboard_message = await new_starboard_message(db)
    async with explained(db) as plans:
        assert await db.starboard_message.get_by_posted_id(starboard_message.posted_id) == starboard_message
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_posted_id(db: Database) -> None:
    starboard_message = await new_starboard_message(db)
    assert await db.starboard_message.get_one_by_posted_id(starboard_message.posted_id) == starboard_message
    await db.starboard_message.delete_by_message_id(starboard_message.message_id)
    with pytest.raises(NotFoundError):
        await db.starboard_message.get_one_by_posted_id(starboard_message.posted_id)


async def test_update_by_posted_id(db: Database) -> None:
    starboard_message = await new_starboard_message(db)
    value = (await starboard_message_values(db))["author_id"]
    changed = await db.starboard_message.update_by_posted_id(starboard_message.posted_id, author_id=value)
    assert changed is not None
    assert changed.author_id == value


async def test_update_one_by_posted_id(db: Database) -> None:
    starboard_message = await new_starboard_message(db)
    value = (await starboard_message_values(db))["author_id"]
    changed = await db.starboard_message.update_one_by_posted_id(starboard_message.posted_id, author_id=value)
    assert changed.author_id == value


async def test_delete_by_posted_id(db: Database) -> None:
    starboard_message = await new_starboard_message(db)
    assert await db.starboard_message.delete_by_posted_id(starboard_message.posted_id)
    assert not await db.starboard_message.delete_by_posted_id(starboard_message.posted_id)


async def test_get_or_create_by_posted_id(db: Database) -> None:
    values = await starboard_message_values(db)
    starboard_message, is_new = await db.starboard_message.get_or_create_by_posted_id(**values)
    assert is_new
    assert await db.starboard_message.get_or_create_by_posted_id(**values) == (starboard_message, False)


async def test_upsert_by_posted_id(db: Database) -> None:
    values = await starboard_message_values(db)
    first = await db.starboard_message.upsert_by_posted_id(**values)
    second = await db.starboard_message.upsert_by_posted_id(**values)
    assert second.message_id == first.message_id


async def test_create_or_update_by_posted_id(db: Database) -> None:
    values = await starboard_message_values(db)
    first = await db.starboard_message.create_or_update_by_posted_id(create=values, update={})
    second = await db.starboard_message.create_or_update_by_posted_id(create=values, update={})
    assert second.message_id == first.message_id


async def test_find_by_guild_id(db: Database) -> None:
    starboard_message = await new_starboard_message(db)
    async with explained(db) as plans:
        assert starboard_message in await db.starboard_message.find_by_guild_id(starboard_message.guild_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_load_board(db: Database) -> None:
    starboard_message = await new_starboard_message(db)
    await db.starboard_message.load_board([starboard_message])
    assert starboard_message.board
