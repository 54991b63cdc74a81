"""Tests of `db.snippet_tag`: written once by ctrlgen, and yours to edit."""

from __future__ import annotations

import pytest

from generated import Database, NotFoundError

from .controller_factories import new_snippet_tag, snippet_tag_values
from .query_plans import explained

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_create(db: Database) -> None:
    snippet_tag = await new_snippet_tag(db)
    assert snippet_tag in await db.snippet_tag.find_all()


async def test_find_all(db: Database) -> None:
    snippet_tag = await new_snippet_tag(db)
    assert await db.snippet_tag.find_all(snippet_id=snippet_tag.snippet_id, tag_id=snippet_tag.tag_id) == [snippet_tag]


async def test_find_one(db: Database) -> None:
    snippet_tag = await new_snippet_tag(db)
    assert await db.snippet_tag.find_one(snippet_id=snippet_tag.snippet_id, tag_id=snippet_tag.tag_id) == snippet_tag


async def test_count(db: Database) -> None:
    snippet_tag = await new_snippet_tag(db)
    assert await db.snippet_tag.count(snippet_id=snippet_tag.snippet_id, tag_id=snippet_tag.tag_id) == 1


async def test_exists(db: Database) -> None:
    snippet_tag = await new_snippet_tag(db)
    assert await db.snippet_tag.exists(snippet_id=snippet_tag.snippet_id, tag_id=snippet_tag.tag_id)


async def test_get_by_snippet_id_and_tag_id(db: Database) -> None:
    snippet_tag = await new_snippet_tag(db)
    async with explained(db) as plans:
        assert (
            await db.snippet_tag.get_by_snippet_id_and_tag_id(snippet_tag.snippet_id, snippet_tag.tag_id) == snippet_tag
        )
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_get_one_by_snippet_id_and_tag_id(db: Database) -> None:
    snippet_tag = await new_snippet_tag(db)
    assert (
        await db.snippet_tag.get_one_by_snippet_id_and_tag_id(snippet_tag.snippet_id, snippet_tag.tag_id) == snippet_tag
    )
    await db.snippet_tag.delete_by_snippet_id_and_tag_id(snippet_tag.snippet_id, snippet_tag.tag_id)
    with pytest.raises(NotFoundError):
        await db.snippet_tag.get_one_by_snippet_id_and_tag_id(snippet_tag.snippet_id, snippet_tag.tag_id)


async def test_delete_by_snippet_id_and_tag_id(db: Database) -> None:
    snippet_tag = await new_snippet_tag(db)
    assert await db.snippet_tag.delete_by_snippet_id_and_tag_id(snippet_tag.snippet_id, snippet_tag.tag_id)
    assert not await db.snippet_tag.delete_by_snippet_id_and_tag_id(snippet_tag.snippet_id, snippet_tag.tag_id)


async def test_get_or_create_by_snippet_id_and_tag_id(db: Database) -> None:
    values = await snippet_tag_values(db)
    snippet_tag, is_new = await db.snippet_tag.get_or_create_by_snippet_id_and_tag_id(**values)
    assert is_new
    assert await db.snippet_tag.get_or_create_by_snippet_id_and_tag_id(**values) == (snippet_tag, False)


async def test_upsert_by_snippet_id_and_tag_id(db: Database) -> None:
    values = await snippet_tag_values(db)
    first = await db.snippet_tag.upsert_by_snippet_id_and_tag_id(**values)
    second = await db.snippet_tag.upsert_by_snippet_id_and_tag_id(**values)
    assert second.snippet_id == first.snippet_id
    assert second.tag_id == first.tag_id


async def test_find_by_snippet_id(db: Database) -> None:
    snippet_tag = await new_snippet_tag(db)
    async with explained(db) as plans:
        assert snippet_tag in await db.snippet_tag.find_by_snippet_id(snippet_tag.snippet_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_find_by_tag_id(db: Database) -> None:
    snippet_tag = await new_snippet_tag(db)
    async with explained(db) as plans:
        assert snippet_tag in await db.snippet_tag.find_by_tag_id(snippet_tag.tag_id)
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]
