"""Rows that Python cannot represent, and infinite times."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from guild_db import (
    AnyOf,
    Database,
    Span,
    UnreadableRowError,
)

from tests.runtime.faults.conftest import execute

UNREADABLE = {
    "a date before Christ": ("day", "'0044-03-15 BC'"),
    "a time before Christ": ("at", "'0044-03-15 12:00+00 BC'"),
    "a naive time before Christ": ("naive", "'0044-03-15 12:00 BC'"),
    "a time after the year 9999": ("at", "'12345-01-01 12:00+00'"),
    "a date after the year 9999": ("day", "'12345-01-01'"),
    "an interval of ages": ("took", "'100000000 years'"),
    "a label of tomorrow": ("mood", "'TOMORROW'"),
    "labels of tomorrow": ("moods", "ARRAY['GOOD', 'TOMORROW']::fault_mood[]"),
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_unreadable_row_is_named_by_every_call(db: Database, name: str) -> None:
    column, value = UNREADABLE[name]
    await execute(db, "ALTER TYPE fault_mood ADD VALUE IF NOT EXISTS 'TOMORROW'")
    await execute(db, f"INSERT INTO dated (id, {column}) VALUES (1, {value})")

    async def streamed() -> Any:
        return [row async for row in db.dated.find_all()]

    async def in_a_block() -> Any:
        async with db.transaction():
            return await db.dated.find_all()

    for call in (
        lambda: db.dated.find_all(),
        lambda: db.dated.get_by_id(1),
        lambda: db.dated.find_all().page(),
        lambda: db.dated.upsert_by_id(id=1),
        lambda: db.dated.upsert_many([{"id": 1}]),
        streamed,
        in_a_block,
    ):
        with pytest.raises(UnreadableRowError, match="Dated: a row has a value that Python cannot") as caught:
            await call()  # type: ignore[misc]
        assert "TOMORROW" not in str(caught.value)
        assert "12345" not in str(caught.value)
    assert db.pool_status()["in_use"] == 0
    assert await db.dated.count() == 1
    assert await db.dated.update_where(all_rows=True, **{column: None}) == 1
    assert len(await db.dated.find_all()) == 1


ENDS: dict[str, tuple[Any, Any]] = {
    "at": (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
    "naive": (datetime.min, datetime.max),  # noqa: DTZ901 - naive, like the column
    "day": (date.min, date.max),
}


@pytest.mark.parametrize("name", ENDS)
async def test_infinite_times_round_trip_in_every_call(db: Database, name: str) -> None:
    dated: Any = db.dated
    first, last = ENDS[name]
    await dated.create(id=1, **{name: first})
    await dated.create_many([{"id": 2, name: last}, {"id": 3}])
    assert await dated.bulk_update([{"id": 3, name: last}]) == 1
    await dated.upsert_by_id(id=4, **{name: first})
    await dated.upsert_many([{"id": 4, name: last}])
    async with db.session() as session:
        stored = (await session.scalars(sa.text(f"SELECT {name}::text FROM dated ORDER BY id"))).all()
    assert stored == ["-infinity", "infinity", "infinity", "infinity"]
    assert [getattr(row, name) for row in await dated.find_all(order_by=dated.c.id)] == [first, last, last, last]
    assert [getattr(row, name) async for row in dated.find_all(id=1)] == [first]
    assert await dated.count(**{name: last}) == 3
    assert await dated.count(**{name: AnyOf([first, last])}) == 4
    assert await dated.count(**{name: Span(gt=first, le=last)}) == 3
    assert await dated.count(getattr(dated.c, name) == last) == 3
    for row in await dated.find_all():
        assert await dated.update_by_id(row.id, **{name: getattr(row, name)}) == row
    order = dated.find_all().order_by(getattr(dated.c, name))
    page = await order.page(1)
    rest = await order.page(9, after=page.next)
    assert [row.id for row in [*page.items, *rest.items]] == [1, 2, 3, 4]


async def test_infinite_times_match_those_of_other_clients(db: Database) -> None:
    await execute(db, "INSERT INTO dated (id, at, naive, day) VALUES (1, 'infinity', 'infinity', 'infinity')")
    await execute(db, "INSERT INTO dated (id, at, naive, day) VALUES (2, '-infinity', '-infinity', '-infinity')")
    last, first = await db.dated.find_all(order_by=db.dated.c.id)
    assert [(getattr(first, name), getattr(last, name)) for name in ENDS] == [ENDS[name] for name in ENDS]
    stored = await db.dated.upsert_many([row.model_dump() for row in (first, last)])  # type: ignore[arg-type]
    assert stored == [first, last]
