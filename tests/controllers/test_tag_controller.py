"""Tests of `db.tag`: written once by ctrlgen, and yours to edit."""

from __future__ import annotations

import pytest

from generated import Database, NotFoundError

from .controller_factories import new_snippet, new_tag, tag_values
from .query_plans import explained

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_create(db: Database) -> None:
    tag = await new_tag(db)
    assert tag in await db.tag.find_all()


async def test_find_all(db: Database) -> None:
    tag = await new_tag(db)
    assert await db.tag.find_all(id=tag.id) == [tag]


async def test_find_one(db: Database) -> None:
    tag = await new_tag(db)
    assert await db.tag.find_one(id=tag.id) == tag


async def test_count(db: Database) -> None:
    tag = await new_tag(db)
    assert await db.tag.count(id=tag.id) == 1


async def test_exists(db: Database) -> None:
    tag = await new_tag(db)
    assert await db.tag.exists(id=tag.id)


async def test_update_where(db: Database) -> None:
    tag = await new_tag(db)
    assert await db.tag.update_where(db.tag.c.id == tag.id, name=(await tag_values(db))["name"]) == 1


async def test_find_all_load(db: Database) -> None:
    for _ in range(2):
        await new_tag(db)
    async with explained(db) as plans:
        await db.tag.find_all().load("snippets")
    assert len(plans) <= 2


async def test_get_by_id(db: Database) -> None:
    tag = await new_tag(db)
    async with explained(db) as plans:
        assert await db.tag.get_by_id(tag.id) == tag
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_id(db: Database) -> None:
    tag = await new_tag(db)
    assert await db.tag.get_one_by_id(tag.id) == tag
    await db.tag.delete_by_id(tag.id)
    with pytest.raises(NotFoundError):
        await db.tag.get_one_by_id(tag.id)


async def test_update_by_id(db: Database) -> None:
    tag = await new_tag(db)
    value = (await tag_values(db))["name"]
    changed = await db.tag.update_by_id(tag.id, name=value)
    assert changed is not None
    assert changed.name == value


async def test_update_one_by_id(db: Database) -> None:
    tag = await new_tag(db)
    value = (await tag_values(db))["name"]
    changed = await db.tag.update_one_by_id(tag.id, name=value)
    assert changed.name == value


async def test_delete_by_id(db: Database) -> None:
    tag = await new_tag(db)
    assert await db.tag.delete_by_id(tag.id)
    assert not await db.tag.delete_by_id(tag.id)


async def test_get_by_name(db: Database) -> None:
    tag = await new_tag(db)
    async with explained(db) as plans:
        assert await db.tag.get_by_name(tag.name) == tag
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_name(db: Database) -> None:
    tag = await new_tag(db)
    assert await db.tag.get_one_by_name(tag.name) == tag
    await db.tag.delete_by_id(tag.id)
    with pytest.raises(NotFoundError):
        await db.tag.get_one_by_name(tag.name)


async def test_update_by_name(db: Database) -> None:
    tag = await new_tag(db)
    value = (await tag_values(db))["name"]
    changed = await db.tag.update_by_name(tag.name, name=value)
    assert changed is not None
    assert changed.name == value


async def test_update_one_by_name(db: Database) -> None:
    tag = await new_tag(db)
    value = (await tag_values(db))["name"]
    changed = await db.tag.update_one_by_name(tag.name, name=value)
    assert changed.name == value


async def test_delete_by_name(db: Database) -> None:
    tag = await new_tag(db)
    assert await db.tag.delete_by_name(tag.name)
    assert not await db.tag.delete_by_name(tag.name)


async def test_get_or_create_by_name(db: Database) -> None:
    values = await tag_values(db)
    tag, is_new = await db.tag.get_or_create_by_name(**values)
    assert is_new
    assert await db.tag.get_or_create_by_name(**values) == (tag, False)


async def test_upsert_by_name(db: Database) -> None:
    values = await tag_values(db)
    first = await db.tag.upsert_by_name(**values)
    second = await db.tag.upsert_by_name(**values)
    assert second.id == first.id


async def test_create_or_update_by_name(db: Database) -> None:
    values = await tag_values(db)
    first = await db.tag.create_or_update_by_name(create=values, update={})
    second = await db.tag.create_or_update_by_name(create=values, update={})
    assert second.id == first.id


async def test_load_snippets(db: Database) -> None:
    tag = await new_tag(db)
    await db.tag.load_snippets([tag])
    assert not tag.snippets


async def test_add_snippets(db: Database) -> None:
    tag = await new_tag(db)
    snippet = await new_snippet(db)
    assert await db.tag.add_snippets([tag], [snippet]) == 1
    assert await db.tag.add_snippets([tag], [snippet]) == 0
    await db.tag.load_snippets([tag])
    assert len(tag.snippets) == 1


async def test_remove_snippets(db: Database) -> None:
    tag = await new_tag(db)
    snippet = await new_snippet(db)
    await db.tag.add_snippets([tag], [snippet])
    assert await db.tag.remove_snippets([tag], [snippet]) == 1
    assert await db.tag.remove_snippets([tag], [snippet]) == 0


async def test_set_snippets(db: Database) -> None:
    tag = await new_tag(db)
    snippet = await new_snippet(db)
    assert await db.tag.set_snippets([tag], [snippet]) == 1
    assert await db.tag.set_snippets([tag], [snippet]) == 0
    assert await db.tag.set_snippets([tag], []) == 1
