"""What is answered from memory: which reads, with which objects."""

from __future__ import annotations

from cached_db import Database

from tests.runtime.cache.conftest import statements


async def test_a_row_is_read_once(db: Database) -> None:
    await db.config.create(guild_id=1, prefix="?")
    with statements(db) as sent:
        assert [(await db.config.get_one_by_guild_id(1)).prefix for _ in range(3)] == ["?", "?", "?"]
    assert len(sent) == 1
    assert db.cache_info()["config"].hits == 2
    assert db.cache_info()["config"].misses == 1
