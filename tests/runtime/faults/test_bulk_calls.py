"""A bulk call has the same effect as single calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from guild_db import (
    AnyOf,
    Database,
    InvalidValueError,
    Span,
    UniqueViolation,
)

from tests.runtime.fault_models import Conf, Level, Rights, Word

PAIRS: dict[str, tuple[Any, Any]] = {
    "amount": (Decimal("1.001"), Decimal("1.00")),
    "code": ("ab", "ab   "),
    "weight": (float("nan"), float("nan")),
    "at": (datetime(2020, 1, 1, 12, tzinfo=UTC), datetime(2020, 1, 1, 14, tzinfo=timezone(timedelta(hours=2)))),
}


@pytest.mark.parametrize("name", PAIRS)
async def test_rows_with_equal_keys_in_postgresql_are_written_in_order(db: Database, name: str) -> None:
    rows: list[Any] = [{"amount": Decimal(1), name: value, "v": number} for number, value in enumerate(PAIRS[name], 1)]
    created = await db.rounded.upsert_many(rows, key=[name])
    assert [row.v for row in created] == [2, 2]
    assert await db.rounded.count() == 1
    again = await db.rounded.upsert_many([{**row, "v": row["v"] + 5} for row in reversed(rows)], key=[name])
    assert [row.v for row in again] == [6, 6]
    assert (await db.rounded.find_all().one()).v == 6


async def test_rounded_keys_are_updated_and_deleted_as_by_single_calls(db: Database) -> None:
    first, second = Decimal("1.00"), Decimal(1)
    await db.rounded.create_many([{"amount": first}, {"amount": Decimal(2)}])
    assert await db.rounded.bulk_update([{"amount": first, "v": 1}, {"amount": second, "v": 2}]) == 2
    assert (await db.rounded.get_one_by_amount(first)).v == 2
    assert await db.rounded.delete_many([first, second]) == 1
    assert await db.rounded.bulk_update([{"amount": first, "v": 1}]) == 0


async def test_unhashable_key_works_in_every_call(db: Database) -> None:
    doc, other = {"a": [1, {"b": None}]}, {"a": 2}
    assert [filed.v for filed in await db.filed.upsert_many([{"doc": doc, "v": 1}, {"doc": doc, "v": 2}])][-1] == 2
    await db.filed.create(doc=other)
    assert (await db.filed.get_one_by_doc(doc)).v == 2
    assert await db.filed.bulk_update([{"doc": doc, "v": 3}, {"doc": doc, "v": 4}, {"doc": other, "v": 5}]) == 3
    assert [(await db.filed.get_one_by_doc(key)).v for key in (doc, other)] == [4, 5]
    assert await db.filed.get_or_create_by_doc(doc=doc, v=9) != ()
    assert (await db.filed.upsert_by_doc(doc=doc, v=6)).v == 6
    assert await db.filed.count(doc=AnyOf([doc, other])) == 2
    page = await db.filed.find_all().page(1)
    assert len((await db.filed.find_all().page(1, after=page.next)).items) == 1
    assert await db.filed.delete_many([doc, other, {"absent": 1}]) == 2


async def test_list_key_works_in_every_call(db: Database) -> None:
    assert [row.v for row in await db.listed.upsert_many([{"tags": ["a"], "v": 1}, {"tags": ["a"], "v": 2}])][-1] == 2
    (await db.listed.create(tags=[])).v = 1
    assert (await db.listed.get_one_by_tags(["a"])).v == 2
    assert (await db.listed.upsert_by_tags(tags=["a"], v=7)).v == 7
    assert not (await db.listed.get_or_create_by_tags(tags=["a"]))[1]
    assert await db.listed.count(tags=AnyOf([["a"], []])) == 2
    assert await db.listed.delete_many([["a"], []]) == 2


async def test_row_written_twice_is_returned_in_its_final_state(db: Database) -> None:
    """This holds even if Python considers the two keys different."""
    for created in (
        await db.filed.upsert_many([{"doc": {"a": 1}, "v": 1}, {"doc": {"a": 1}, "v": 2}]),
        await db.listed.upsert_many([{"tags": ["a"], "v": 1}, {"tags": ["a"], "v": 2}]),
        await db.counted.upsert_many([{"id": 5, "n": 1}, {"id": 5, "n": 2}]),
    ):
        assert [getattr(row, "v", None) or getattr(row, "n", None) for row in created] == [2, 2]


async def test_none_is_null_in_every_write_of_a_json_column(db: Database) -> None:
    (created,) = await db.thing.create_many([{"conf": None}])
    await db.thing.upsert_many([{"key": created.key, "conf": {"a": 1}, "typed": Conf(depth=2)}])
    await db.thing.upsert_many([{"key": created.key, "conf": None, "typed": None}])
    await db.thing.create(conf=None, typed=None)
    await db.thing.create_many([{"conf": {"a": 1}}, {"conf": None, "typed": None}])
    await db.thing.update_where(conf={"a": 1}, all_rows=True)
    await db.thing.update_where(conf=None, all_rows=True)
    await db.thing.bulk_update([{"key": created.key, "conf": None}])
    async with db.session() as session:
        nulls = await session.scalar(sa.text("SELECT count(*) FROM thing WHERE conf IS NULL AND typed IS NULL"))
    assert nulls == await db.thing.count() == 4


async def test_flags_work_in_every_call(db: Database) -> None:
    both = Rights.READ | Rights.WRITE
    created = await db.thing.create_many([{"rights": both}, {"rights": Rights.READ}, {"rights": Rights(0)}])
    assert [row.rights for row in created] == [both, Rights.READ, Rights(0)]
    assert await db.thing.bulk_update([{"key": created[2].key, "rights": both}]) == 1
    await db.thing.upsert_many([{"key": created[1].key, "rights": Rights.WRITE}])
    assert await db.thing.count(rights=AnyOf([both, Rights(0)])) == 2
    assert await db.thing.count(rights=AnyOf({Rights.WRITE})) == 1
    assert await db.thing.find_all(rights=both).update({"rights": Rights.READ}) == 2
    sought = await db.sought.upsert_many([{"rights": both}, {"rights": both, "note": "x"}], key=["rights"])
    assert [row.note for row in sought] == ["x", "x"]
    assert (await db.sought.get_one_by_rights(both)).rights == both


async def test_number_and_string_enums_work_in_every_call(db: Database) -> None:
    both = Rights.READ | Rights.WRITE
    await db.flagged.create(rights=both, level=Level.HIGH, word=Word.YES)
    rows: list[Any] = [{"rights": Rights.READ}, {"rights": Rights(0), "level": Level.HIGH}]
    assert [row.rights for row in await db.flagged.create_many(rows)] == [Rights.READ, Rights(0)]
    (again,) = await db.flagged.upsert_many([{"rights": both, "word": Word.NO}], key=["rights"])
    assert (again.id, again.rights, again.level, again.word) == (1, both, Level.HIGH, Word.NO)
    assert await db.flagged.bulk_update([{"id": 2, "level": Level.HIGH, "word": Word.YES}]) == 1
    assert (await db.flagged.get_one_by_rights(both)).id == 1
    assert (await db.flagged.upsert_by_rights(rights=both, word=Word.YES)).word == Word.YES
    assert await db.flagged.count(rights=AnyOf([both, Rights(0)])) == 2
    assert await db.flagged.count(level=AnyOf({Level.HIGH}), word=AnyOf([Word.YES])) == 2
    assert await db.flagged.count(level=Span(gt=Level.LOW), word=Word.NO) == 1


async def test_many_large_rows_are_stored_updated_and_read(db: Database) -> None:
    created = await db.thing.create_many([{"v": n, "document": chr(97 + n % 26) * 1_000_000} for n in range(64)])
    assert [(row.v, (row.document or "")[:1]) for row in created] == [(n, chr(97 + n % 26)) for n in range(64)]
    assert await db.thing.bulk_update([{"key": row.key, "document": "z" * 1_000_000} for row in created]) == 64
    again = await db.thing.upsert_many([{"key": row.key, "document": "y" * 1_000_000} for row in created])
    assert {row.document for row in again} == {"y" * 1_000_000}
    async for row in db.thing.find_all():
        assert row.document == "y" * 1_000_000


async def test_failed_bulk_call_with_rows_of_different_columns_stores_nothing(db: Database) -> None:
    with pytest.raises(UniqueViolation):
        await db.skipped.create_many([{"name": "a"}, {"id": 9, "name": "b"}, {"name": "a"}])
    await db.skipped.create(name="a")
    with pytest.raises(InvalidValueError):
        await db.counted.bulk_update([{"id": 1, "n": 1}, {"id": 1, "n": 2**40}])
    assert (await db.skipped.count(), await db.counted.count()) == (1, 0)
