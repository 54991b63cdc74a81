"""Unusual columns: types with SQL expressions, limits of list items, keys that are nullable or only in the mapper."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from guild_db import AnyOf, Database, InvalidValueError, Span, ValidationError
from guild_query_plans import explained

from tests.conftest import NewDatabase, make_tables
from tests.runtime.odd_models import OddBase


@pytest.fixture
async def db(new_database: NewDatabase) -> AsyncIterator[Database]:
    async with new_database() as url, Database(url) as db:
        await make_tables(db.engine, OddBase.metadata)
        yield db


async def test_every_write_applies_the_bind_expression(db: Database) -> None:
    created = await db.odd.create(secret="s")
    (many,) = await db.odd.create_many([{"secret": "s"}])
    (upserted,) = await db.odd.upsert_many([{"id": created.id, "secret": "s"}])
    await db.odd.bulk_update([{"id": many.id, "secret": "t"}])
    updated = await db.odd.get_one_by_id(many.id)
    assert [one.secret for one in (created, many, upserted)] == ["sealed:s"] * 3
    assert updated.secret == "sealed:t"
    assert await db.odd.find_all(secret=AnyOf(["s", "t"])).count() == 2


async def test_list_items_are_not_truncated(db: Database) -> None:
    created = await db.odd.create(words=["short"])
    for call in (
        db.odd.create(words=["too long"]),
        db.odd.update_by_id(created.id, words=["too long"]),
        db.odd.create_many([{"words": ["too long"]}]),
        db.odd.upsert_many([{"id": 7, "words": ["too long"]}]),
    ):
        with pytest.raises(InvalidValueError):
            await call
    assert await db.odd.find_all(words=["short"]).count() == 1


async def test_bits_keep_their_length(db: Database) -> None:
    bits = asyncpg.BitString("10110011")
    await db.odd.create(bits=bits)
    await db.odd.create_many([{"bits": bits}])
    assert await db.odd.find_all(bits=AnyOf([bits])).count() == 2


async def test_filter_does_not_round_to_the_columns_scale(db: Database) -> None:
    await db.odd.create(price=Decimal("1.00"))
    near = Decimal("1.004")
    filters: list[Any] = [near, AnyOf([near]), Span(ge=near), Span(lt=near)]
    assert [await db.odd.find_all(price=one).count() for one in filters] == [0, 0, 0, 1]


async def test_sum_of_no_rows_is_zero_for_a_custom_type(db: Database) -> None:
    assert await db.odd.find_all().sum(db.odd.c.points) == 0
    await db.odd.create_many([{"points": 2}, {"points": 3}])
    assert await db.odd.find_all().sum(db.odd.c.points) == 5


async def test_null_key_in_upsert_many_always_inserts(db: Database) -> None:
    rows = await db.odd.upsert_many([{"picky": "x"}, {"picky": "y"}, {"picky": "z"}])
    assert [row.picky for row in rows] == ["x", "y", "z"]
    nameless = await db.odd.upsert_many([{"email": None, "picky": "p"}, {"email": None, "picky": "q"}], key=["email"])
    assert [one.picky for one in nameless] == ["p", "q"]
    assert await db.odd.count() == 5


async def test_onupdate_functions_see_the_set_values(db: Database) -> None:
    created = await db.odd.create(picky="x")
    updated = await db.odd.update_by_id(created.id, picky="y")
    assert updated is not None
    assert "picky" in (updated.changed or "")
    await db.odd.bulk_update([{"id": created.id, "points": 4}])
    assert "points" in ((await db.odd.get_one_by_id(created.id)).changed or "")
    (many,) = await db.odd.upsert_many([{"id": created.id, "email": "e"}])
    assert "email" in (many.changed or "")


async def test_refusing_converter_raises_the_same_error_each_time(db: Database) -> None:
    for _ in range(3):
        with pytest.raises(InvalidValueError) as caught:
            await db.odd.find_all(picky="hunter2")
        assert "hunter2" not in str(caught.value)
        assert await db.odd.find_all(picky="x") == []


@pytest.mark.parametrize("unfit", [object(), b"\xff", {"deep": object()}])
async def test_value_that_json_cannot_represent_is_refused_before_any_sql(db: Database, unfit: object) -> None:
    for call in (db.odd.create(data={"x": unfit}), db.odd.create_many([{"data": {"x": unfit}}])):
        with pytest.raises(ValidationError, match="data cannot be stored as JSON"):
            await call


async def test_error_of_a_bulk_call_has_the_index_of_the_row(db: Database) -> None:
    with pytest.raises(ValidationError, match="Odd, row 1: pickky is unknown; did you mean picky") as caught:
        await db.odd.create_many([{"picky": "x"}, {"pickky": "y"}])  # type: ignore[typeddict-unknown-key]  # misspelt
    assert caught.value.row == 1


async def test_fields_are_validated_in_order_with_the_models_configuration(db: Database) -> None:
    created = await db.range.create(name="  abc ")
    assert created.name == "abc"
    with pytest.raises(ValidationError, match="start: Input should be a valid integer"):
        await db.range.create(start="5")  # type: ignore[arg-type]  # a strict model does not convert it
    for order in ({"start": 5, "stop": 1}, {"stop": 1, "start": 5}):
        with pytest.raises(ValidationError, match="stop is refused by its validator"):
            await db.range.update_by_id(created.id, **order)


async def test_orm_only_models_are_read_in_any_number(db: Database) -> None:
    pairs = await db.pair.create_many([{"a": n, "b": n, "x": n} for n in range(12_000)])
    assert [pair.twice for pair in pairs] == [2 * n for n in range(12_000)]  # type: ignore[attr-defined]


async def test_key_of_the_mapper_alone_identifies_rows(db: Database) -> None:
    await db.view.create_many([{"id": n, "n": 0} for n in (1, 2, 3)])
    assert await db.view.bulk_update([{"id": 1, "n": 9}]) == 1
    assert [one.n for one in await db.view.find_all(order_by=db.view.c.id)] == [9, 0, 0]
    assert await db.view.delete_many([1, 2]) == 2


LIMITED: dict[str, tuple[Any, Any]] = {
    "text": ("abcde", "abcdeXYZ"),
    "exact": ("abcde", "abcdeXYZ"),
    "padded": ("ab", "abcdeXYZ"),
    "national": ("ab", "abcdeXYZ"),
    "small": (0.1, 0.2),
    "real": (0.1, 0.2),
    "took": (timedelta(seconds=1), timedelta(seconds=1.3)),
    "bits": (asyncpg.BitString("101"), asyncpg.BitString("1011")),
    "words": (["abcde"], ["abcdeXYZ"]),
}


@pytest.mark.parametrize("name", LIMITED)
async def test_value_is_not_found_by_its_truncated_form(db: Database, name: str) -> None:
    limited: Any = db.limited
    right, wrong = LIMITED[name]
    await limited.create()
    await limited.create_many([{}, {name: right}])
    await limited.bulk_update([{"id": 1, name: right}])
    for _ in range(3):  # each statement decides about the type again
        for filters in ({name: right}, {name: AnyOf([right])}):
            assert await limited.find_all(**filters).count() == 3
        for filters in ({name: wrong}, {name: AnyOf([wrong])}):
            assert await limited.find_all(**filters).count() == 0


@pytest.mark.parametrize("name", ["padded", "small", "bits"])
async def test_type_with_limits_uses_its_index(db: Database, name: str) -> None:
    limited: Any = db.limited
    await limited.create()
    async with explained(db) as plans:
        await limited.find_all(**{name: LIMITED[name][0]})
    (nodes,) = plans
    assert "Seq Scan" not in nodes


async def test_padded_string_keys_find_their_rows(db: Database) -> None:
    await db.parent.create(id="ab")
    await db.child.create(parent_id="ab")
    (parent,) = await db.parent.find_all().load("children")
    (child,) = await db.child.find_all().load("parent")
    assert (len(parent.children), child.parent.id) == (1, parent.id)
    assert await db.parent.bulk_update([{"id": parent.id, "n": 5}]) == 1
    await db.child.delete_where(all_rows=True)
    assert await db.parent.delete_many([parent.id]) == 1
