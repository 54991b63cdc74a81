"""Rows that a trigger skips."""

from __future__ import annotations

import pytest
from guild_db import (
    Database,
    NotStoredError,
)

from tests.runtime.faults.conftest import fails


async def test_skipped_row_does_not_abort_the_transaction(db: Database) -> None:
    async with db.transaction():
        await db.skipped.create(name="a")
        await fails(db.skipped.create(name="skip"), NotStoredError)
        await fails(db.skipped.get_or_create_by_name(name="skip"), NotStoredError)
        await fails(db.skipped.upsert_by_name(name="skip"), NotStoredError)
    assert [row.name for row in await db.skipped.find_all()] == ["a"]


@pytest.mark.parametrize("method", ["create_many", "upsert_many"])
async def test_bulk_call_with_a_skipped_row_stores_nothing(db: Database, method: str) -> None:
    rows = [{"name": "a"}, {"name": "skip"}, {"id": 50, "name": "b"}, {"id": 51, "name": "skip"}]
    call = getattr(db.skipped, method)
    with pytest.raises(NotStoredError, match="2 of the rows"):
        await call(rows)
    assert await db.skipped.count() == 0


async def test_update_skipped_by_a_trigger_is_not_reported_as_done(db: Database) -> None:
    await db.guarded.create_many([{"id": 1, "name": "keep"}, {"id": 2, "name": "free"}])
    assert await db.guarded.update_by_id(1, v=5) is None
    assert await db.guarded.delete_by_id(1) is False
    assert await db.guarded.bulk_update([{"id": 1, "v": 5}, {"id": 2, "v": 5}]) == 1
    assert await db.guarded.update_where(all_rows=True, v=6) == 1
    with pytest.raises(NotStoredError):
        await db.guarded.upsert_by_name(id=3, name="keep", v=7)
    with pytest.raises(NotStoredError, match="1 of the rows"):
        await db.guarded.upsert_many([{"id": 2, "name": "free", "v": 7}, {"id": 1, "name": "keep", "v": 7}])
    assert await db.guarded.get_or_create_by_name(id=9, name="keep") == (await db.guarded.get_one_by_id(1), False)
    assert await db.guarded.delete_many([1, 2]) == 1
    assert [(row.name, row.v) for row in await db.guarded.find_all()] == [("keep", 0)]
