"""Unique keys over expressions: upserts and get-or-create, for which the server computes the key of a new row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import pytest
from guild_db import Database, UniqueViolation, ValidationError
from guild_query_plans import explained

from tests.conftest import NewDatabase
from tests.runtime.declared_models import Account, DeclaredBase

MORNING, EVENING, NEXT_DAY = map(datetime.fromisoformat, ("2020-05-01T08:00", "2020-05-01T20:00", "2020-05-02T08:00"))
TABLES = [DeclaredBase.metadata.tables[name] for name in ("crm.account", "person", "booking")]


@pytest.fixture
async def db(new_database: NewDatabase) -> AsyncIterator[Database]:
    async with new_database() as url, Database(url) as db:
        async with db.engine.begin() as connection:
            await connection.exec_driver_sql("CREATE SCHEMA crm")
            await connection.run_sync(lambda sync: DeclaredBase.metadata.create_all(sync, TABLES))
        yield db


async def test_get_or_create_finds_the_row_with_the_same_expression(db: Database) -> None:
    created, is_new = await db.account.get_or_create_by_lower_email(email="Ada@x.org")
    same, is_new_again = await db.account.get_or_create_by_lower_email(email="aDA@X.ORG", logins=7)
    assert (is_new, is_new_again) == (True, False)
    assert same == created
    assert same.email == "Ada@x.org"


async def test_fifty_concurrent_get_or_create_calls_create_one_row(db: Database) -> None:
    spellings = [f"{'Ada'.upper() if number % 2 else 'ada'}@x.org" for number in range(50)]
    results = await asyncio.gather(*(db.account.get_or_create_by_lower_email(email=email) for email in spellings))
    assert sum(is_new for _, is_new in results) == 1
    assert len({account.id for account, _ in results}) == 1


async def test_get_or_create_uses_the_index(db: Database) -> None:
    await db.account.create(email="ada@x.org")
    async with explained(db) as plans:
        await db.account.get_or_create_by_lower_email(email="ADA@x.org")
    assert plans == [{"Index Scan", "Result"}]  # computes the key of the new row first, and only once


async def test_upsert_sets_all_passed_columns_including_those_of_the_expression(db: Database) -> None:
    created = await db.account.create(email="ada@x.org", logins=3)
    changed = await db.account.upsert_by_lower_email(email="Ada@X.org")
    assert (changed.id, changed.email, changed.logins) == (created.id, "Ada@X.org", 3)


async def test_create_or_update_does_not_set_the_columns_of_the_expression(db: Database) -> None:
    created = await db.account.create_or_update_by_lower_email({"email": "ada@x.org"}, {"logins": 5})
    same = await db.account.create_or_update_by_lower_email({"email": "ADA@x.org"}, {})
    assert same == created
    more = db.account.c.logins + 5
    changed = await db.account.create_or_update_by_lower_email({"email": "ADA@x.org"}, {"logins": more})
    assert (changed.id, changed.email, changed.logins) == (created.id, "ada@x.org", 5)


async def test_upsert_many_takes_the_name_of_the_expression_as_key(db: Database) -> None:
    created = await db.account.create(email="ada@x.org", logins=3)
    rows = await db.account.upsert_many([{"email": "ADA@x.org"}, {"email": "bob@x.org"}], key=["lower_email"])
    assert [row.email for row in rows] == ["ADA@x.org", "bob@x.org"]
    assert (rows[0].id, rows[0].logins) == (created.id, 3)


async def test_key_is_computed_from_the_stored_values_of_several_columns(db: Database) -> None:
    created, _ = await db.person.get_or_create_by_full_name(given="Ada", family="Byron")
    same, is_new = await db.person.get_or_create_by_full_name(given="Ada", family="Byron   ")  # the column is CHAR(8)
    assert not is_new
    assert same == created
    assert (await db.person.upsert_by_full_name(given="Ada", family="Byron", age=36)).age == 36
    _, is_new = await db.person.get_or_create_by_full_name(given="Ada", family="B.")
    assert is_new


async def test_partial_key_works_with_a_generic_plan(db: Database) -> None:
    async with db.transaction():
        for number in range(8):
            booking = await db.booking.upsert_active_by_room_and_date_begins(room=1, begins=MORNING, guests=number)
            same, is_new = await db.booking.get_or_create_active_by_room_and_date_begins(room=1, begins=EVENING)
            assert not is_new
            assert same == booking
            await db.booking.create_or_update_active_by_room_and_date_begins(
                {"room": 1, "begins": EVENING}, {"guests": db.booking.c.guests + 1}
            )
    assert await db.booking.count() == 1
    assert (await db.booking.get_one_active_by_room_and_date_begins(1, MORNING.date())).guests == 8


async def test_partial_key_ignores_rows_outside_its_predicate(db: Database) -> None:
    cancelled = await db.booking.create(room=1, begins=MORNING, cancelled=True)
    created, is_new = await db.booking.get_or_create_active_by_room_and_date_begins(room=1, begins=MORNING)
    other, is_other_new = await db.booking.get_or_create_active_by_room_and_date_begins(room=1, begins=NEXT_DAY)
    assert (is_new, is_other_new) == (True, True)
    assert len({cancelled.id, created.id, other.id}) == 3
    with pytest.raises(ValidationError, match="uq_booking_active"):
        await db.booking.upsert_active_by_room_and_date_begins(room=1, begins=MORNING, cancelled=True)


async def test_invalid_value_is_refused_before_the_lookup(db: Database) -> None:
    with pytest.raises(ValidationError, match="email"):
        await db.account.get_or_create_by_lower_email(email=5)  # type: ignore[typeddict-item]  # the tested mistake
    with pytest.raises(UniqueViolation) as caught:
        await db.account.create_many([{"email": "ada@x.org"}, {"email": "ADA@x.org"}])
    assert caught.value.model is Account
