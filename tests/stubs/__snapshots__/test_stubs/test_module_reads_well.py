"""Tests of `db.post`: written once by ctrlgen, and yours to edit."""

from __future__ import annotations

import pytest
from controller_factories import new_post, new_tag, post_values, present
from query_plans import explained

from db import Database, NotFoundError

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_create(db: Database) -> None:
    post = await new_post(db)
    assert post in await db.post.find_all()


async def test_find_all(db: Database) -> None:
    post = await new_post(db)
    assert await db.post.find_all(id=present(post.id)) == [post]


async def test_find_one(db: Database) -> None:
    post = await new_post(db)
    assert await db.post.find_one(id=present(post.id)) == post


async def test_count(db: Database) -> None:
    post = await new_post(db)
    assert await db.post.count(id=present(post.id)) == 1


async def test_exists(db: Database) -> None:
    post = await new_post(db)
    assert await db.post.exists(id=present(post.id))


async def test_update_where(db: Database) -> None:
    post = await new_post(db)
    assert (
        await db.post.update_where(
            db.post.c.id == present(post.id), title=(await post_values(db))["title"]
        )
        == 1
    )


async def test_find_all_load(db: Database) -> None:
    for _ in range(2):
        await new_post(db)
    async with explained(db) as plans:
        await db.post.find_all().load("tag", "labels")
    assert len(plans) <= 3


async def test_get_by_id(db: Database) -> None:
    post = await new_post(db)
    async with explained(db) as plans:
        assert await db.post.get_by_id(present(post.id)) == post
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_id(db: Database) -> None:
    post = await new_post(db)
    assert await db.post.get_one_by_id(present(post.id)) == post
    await db.post.delete_by_id(present(post.id))
    with pytest.raises(NotFoundError):
        await db.post.get_one_by_id(present(post.id))


async def test_update_by_id(db: Database) -> None:
    post = await new_post(db)
    value = (await post_values(db))["title"]
    changed = await db.post.update_by_id(present(post.id), title=value)
    assert changed is not None
    assert changed.title == value


async def test_update_one_by_id(db: Database) -> None:
    post = await new_post(db)
    value = (await post_values(db))["title"]
    changed = await db.post.update_one_by_id(present(post.id), title=value)
    assert changed.title == value


async def test_delete_by_id(db: Database) -> None:
    post = await new_post(db)
    assert await db.post.delete_by_id(present(post.id))
    assert not await db.post.delete_by_id(present(post.id))


async def test_find_live_by_title(db: Database) -> None:
    values = await post_values(db)
    values["live"] = True
    post = await db.post.create(**values)
    async with explained(db) as plans:
        assert post in await db.post.find_live_by_title(post.title)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_find_by_tag_id(db: Database) -> None:
    post = await new_post(db)
    async with explained(db) as plans:
        assert post in await db.post.find_by_tag_id(post.tag_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_load_tag(db: Database) -> None:
    post = await new_post(db)
    await db.post.load_tag([post])
    assert post.tag


async def test_load_labels(db: Database) -> None:
    post = await new_post(db)
    await db.post.load_labels([post])
    assert not post.labels


async def test_add_labels(db: Database) -> None:
    post = await new_post(db)
    tag = await new_tag(db)
    assert await db.post.add_labels([post], [tag]) == 1
    assert await db.post.add_labels([post], [tag]) == 0
    await db.post.load_labels([post])
    assert len(post.labels) == 1


async def test_remove_labels(db: Database) -> None:
    post = await new_post(db)
    tag = await new_tag(db)
    await db.post.add_labels([post], [tag])
    assert await db.post.remove_labels([post], [tag]) == 1
    assert await db.post.remove_labels([post], [tag]) == 0


async def test_set_labels(db: Database) -> None:
    post = await new_post(db)
    tag = await new_tag(db)
    assert await db.post.set_labels([post], [tag]) == 1
    assert await db.post.set_labels([post], [tag]) == 0
    assert await db.post.set_labels([post], []) == 1
