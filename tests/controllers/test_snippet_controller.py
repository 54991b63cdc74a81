"""Tests of `db.snippet`: written once by ctrlgen, and yours to edit."""

from __future__ import annotations

import pytest

from generated import Database, NotFoundError

from .controller_factories import new_snippet, new_tag, snippet_values
from .query_plans import explained

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_create(db: Database) -> None:
    snippet = await new_snippet(db)
    assert snippet in await db.snippet.find_all()


async def test_find_all(db: Database) -> None:
    snippet = await new_snippet(db)
    assert await db.snippet.find_all(id=snippet.id) == [snippet]


async def test_find_one(db: Database) -> None:
    snippet = await new_snippet(db)
    assert await db.snippet.find_one(id=snippet.id) == snippet


async def test_count(db: Database) -> None:
    snippet = await new_snippet(db)
    assert await db.snippet.count(id=snippet.id) == 1


async def test_exists(db: Database) -> None:
    snippet = await new_snippet(db)
    assert await db.snippet.exists(id=snippet.id)


async def test_update_where(db: Database) -> None:
    snippet = await new_snippet(db)
    assert await db.snippet.update_where(db.snippet.c.id == snippet.id, name=(await snippet_values(db))["name"]) == 1


async def test_find_all_load(db: Database) -> None:
    for _ in range(2):
        await new_snippet(db)
    async with explained(db) as plans:
        await db.snippet.find_all().load("guild", "author", "target", "aliases", "tags")
    assert len(plans) <= 6


async def test_get_by_id(db: Database) -> None:
    snippet = await new_snippet(db)
    async with explained(db) as plans:
        assert await db.snippet.get_by_id(snippet.id) == snippet
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_id(db: Database) -> None:
    snippet = await new_snippet(db)
    assert await db.snippet.get_one_by_id(snippet.id) == snippet
    await db.snippet.delete_by_id(snippet.id)
    with pytest.raises(NotFoundError):
        await db.snippet.get_one_by_id(snippet.id)


async def test_update_by_id(db: Database) -> None:
    snippet = await new_snippet(db)
    value = (await snippet_values(db))["name"]
    changed = await db.snippet.update_by_id(snippet.id, name=value)
    assert changed is not None
    assert changed.name == value


async def test_update_one_by_id(db: Database) -> None:
    snippet = await new_snippet(db)
    value = (await snippet_values(db))["name"]
    changed = await db.snippet.update_one_by_id(snippet.id, name=value)
    assert changed.name == value


async def test_delete_by_id(db: Database) -> None:
    snippet = await new_snippet(db)
    assert await db.snippet.delete_by_id(snippet.id)
    assert not await db.snippet.delete_by_id(snippet.id)


async def test_get_by_guild_id_and_lower_name(db: Database) -> None:
    snippet = await new_snippet(db)
    async with explained(db) as plans:
        assert await db.snippet.get_by_guild_id_and_lower_name(snippet.guild_id, snippet.name.lower()) == snippet
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_guild_id_and_lower_name(db: Database) -> None:
    snippet = await new_snippet(db)
    assert await db.snippet.get_one_by_guild_id_and_lower_name(snippet.guild_id, snippet.name.lower()) == snippet
    await db.snippet.delete_by_id(snippet.id)
    with pytest.raises(NotFoundError):
        await db.snippet.get_one_by_guild_id_and_lower_name(snippet.guild_id, snippet.name.lower())


async def test_update_by_guild_id_and_lower_name(db: Database) -> None:
    snippet = await new_snippet(db)
    value = (await snippet_values(db))["name"]
    changed = await db.snippet.update_by_guild_id_and_lower_name(snippet.guild_id, snippet.name.lower(), name=value)
    assert changed is not None
    assert changed.name == value


async def test_update_one_by_guild_id_and_lower_name(db: Database) -> None:
    snippet = await new_snippet(db)
    value = (await snippet_values(db))["name"]
    changed = await db.snippet.update_one_by_guild_id_and_lower_name(snippet.guild_id, snippet.name.lower(), name=value)
    assert changed.name == value


async def test_delete_by_guild_id_and_lower_name(db: Database) -> None:
    snippet = await new_snippet(db)
    assert await db.snippet.delete_by_guild_id_and_lower_name(snippet.guild_id, snippet.name.lower())
    assert not await db.snippet.delete_by_guild_id_and_lower_name(snippet.guild_id, snippet.name.lower())


async def test_get_or_create_by_guild_id_and_lower_name(db: Database) -> None:
    values = await snippet_values(db)
    snippet, is_new = await db.snippet.get_or_create_by_guild_id_and_lower_name(**values)
    assert is_new
    assert await db.snippet.get_or_create_by_guild_id_and_lower_name(**values) == (snippet, False)


async def test_upsert_by_guild_id_and_lower_name(db: Database) -> None:
    values = await snippet_values(db)
    first = await db.snippet.upsert_by_guild_id_and_lower_name(**values)
    second = await db.snippet.upsert_by_guild_id_and_lower_name(**values)
    assert second.id == first.id


async def test_create_or_update_by_guild_id_and_lower_name(db: Database) -> None:
    values = await snippet_values(db)
    first = await db.snippet.create_or_update_by_guild_id_and_lower_name(create=values, update={})
    second = await db.snippet.create_or_update_by_guild_id_and_lower_name(create=values, update={})
    assert second.id == first.id


async def test_find_by_author_id(db: Database) -> None:
    snippet = await new_snippet(db)
    async with explained(db) as plans:
        assert snippet in await db.snippet.find_by_author_id(snippet.author_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_find_by_target_id(db: Database) -> None:
    snippet = await new_snippet(db)
    async with explained(db) as plans:
        assert snippet in await db.snippet.find_by_target_id(snippet.target_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_find_by_guild_id(db: Database) -> None:
    snippet = await new_snippet(db)
    async with explained(db) as plans:
        assert snippet in await db.snippet.find_by_guild_id(snippet.guild_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_load_guild(db: Database) -> None:
    snippet = await new_snippet(db)
    await db.snippet.load_guild([snippet])
    assert snippet.guild


async def test_load_author(db: Database) -> None:
    snippet = await new_snippet(db)
    await db.snippet.load_author([snippet])
    assert not snippet.author


async def test_load_target(db: Database) -> None:
    snippet = await new_snippet(db)
    await db.snippet.load_target([snippet])
    assert not snippet.target


async def test_load_aliases(db: Database) -> None:
    snippet = await new_snippet(db)
    await db.snippet.load_aliases([snippet])
    assert not snippet.aliases


async def test_load_tags(db: Database) -> None:
    snippet = await new_snippet(db)
    await db.snippet.load_tags([snippet])
    assert not snippet.tags


async def test_add_tags(db: Database) -> None:
    snippet = await new_snippet(db)
    tag = await new_tag(db)
    assert await db.snippet.add_tags([snippet], [tag]) == 1
    assert await db.snippet.add_tags([snippet], [tag]) == 0
    await db.snippet.load_tags([snippet])
    assert len(snippet.tags) == 1


async def test_remove_tags(db: Database) -> None:
    snippet = await new_snippet(db)
    tag = await new_tag(db)
    await db.snippet.add_tags([snippet], [tag])
    assert await db.snippet.remove_tags([snippet], [tag]) == 1
    assert await db.snippet.remove_tags([snippet], [tag]) == 0


async def test_set_tags(db: Database) -> None:
    snippet = await new_snippet(db)
    tag = await new_tag(db)
    assert await db.snippet.set_tags([snippet], [tag]) == 1
    assert await db.snippet.set_tags([snippet], [tag]) == 0
    assert await db.snippet.set_tags([snippet], []) == 1
