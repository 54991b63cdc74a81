"""Models whose declaration differs from the behaviour of the database."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import asyncpg
import pytest
import sqlalchemy as sa
from guild_db import AnyOf, CheckViolation, ConstraintError, Database, PartitionViolation, Span, ValidationError
from guild_db.runtime.relations import by_columns, by_orm
from guild_db.shelf import ShelfController
from guild_query_plans import explained

from tests.conftest import NewDatabase
from tests.runtime.declared_models import DeclaredBase, Event, Event2020, State

IN_2020, IN_2021 = datetime(2020, 5, 1, tzinfo=UTC), datetime(2021, 5, 1, tzinfo=UTC)
BY_HAND = (
    "CREATE TABLE event_2020 PARTITION OF event FOR VALUES FROM ('2020-01-01 0:00Z') TO ('2021-01-01 0:00Z')",
    """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN IF NEW.name = 'refused' THEN RAISE check_violation; END IF; RETURN NEW; END $$""",
    "CREATE TRIGGER refuse BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION refuse()",
)
TABLES = [table for table in DeclaredBase.metadata.sorted_tables if not table.info.get("is_partition")]


@pytest.fixture(scope="module")
async def address(new_database: NewDatabase) -> AsyncIterator[str]:
    async with new_database() as url:
        async with Database(url) as db, db.engine.begin() as connection:
            await connection.exec_driver_sql("CREATE SCHEMA crm")
            await connection.run_sync(lambda sync: DeclaredBase.metadata.create_all(sync, TABLES))
            for statement in BY_HAND:
                await connection.exec_driver_sql(statement)
        yield url


@pytest.fixture
async def db(address: str) -> AsyncIterator[Database]:
    async with Database(address) as db:
        names = ", ".join(table.fullname for table in TABLES)
        async with db.engine.begin() as connection:
            await connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
        yield db


async def test_row_without_a_partition_raises_partition_violation(db: Database) -> None:
    await db.event.create(id=1, at=IN_2020)
    with pytest.raises(PartitionViolation) as caught:
        await db.event.create(id=1, at=IN_2021)
    error = caught.value
    assert str(error) == "Event: table event has no partition for the row's at"
    assert (error.model, error.constraint, error.columns) == (Event, None, ("at",))
    assert isinstance(error, ConstraintError)
    assert not isinstance(error, CheckViolation)


async def test_every_write_raises_partition_violation(db: Database) -> None:
    with pytest.raises(PartitionViolation):
        await db.event.create_many([{"id": 2, "at": IN_2020}, {"id": 2, "at": IN_2021}])
    with pytest.raises(PartitionViolation):
        await db.event.upsert_by_id_and_at(id=2, at=IN_2021)
    assert await db.event.count(id=2) == 0


async def test_mapped_partition_refuses_rows_of_other_partitions(db: Database) -> None:
    with pytest.raises(
        PartitionViolation, match=r"^Event2020: partition event_2020 does not accept the row$"
    ) as caught:
        await db.event2020.create(id=3, at=IN_2021)
    assert caught.value.model is Event2020


async def test_unnamed_check_violation_is_not_a_partition_violation(db: Database) -> None:
    """A trigger raises the same error code."""
    with pytest.raises(CheckViolation, match=r"^Event: check constraint is violated$"):
        await db.event.create(id=4, at=IN_2020, name="refused")


async def test_partial_finder_filters_by_the_leading_column(db: Database) -> None:
    for guild in (1, 1, 2):
        await db.ticket.create(guild_id=guild, owner_id=guild)
    await db.ticket.create(guild_id=1, status="closed")
    async with explained(db) as plans:
        tickets = await db.ticket.find_active_by_guild_id(1, at=Span(ge=0)).order_by(db.ticket.c.id)
    assert [ticket.id for ticket in tickets] == [1, 2]
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_partial_finder_takes_no_implied_columns(db: Database) -> None:
    await db.ticket.create_many([{"guild_id": guild, "urgent": guild > 1} for guild in (1, 2, 3)])
    assert [ticket.id for ticket in await db.ticket.find_urgent_by_guild_id(2)] == [2]
    assert await db.ticket.find_unowned().count() == 2


async def test_partial_finder_accepts_none_and_anyof(db: Database) -> None:
    await db.ticket.create_many([{"guild_id": 1, "owner_id": owner} for owner in (None, 7, 8, 9)])
    await db.ticket.create(guild_id=1, status="closed")
    assert await db.ticket.find_owned_by_owner_id(None).count() == 1
    assert await db.ticket.find_owned_by_owner_id(AnyOf([7, 9])).count() == 2
    with pytest.raises(TypeError, match="owner_id"):
        db.ticket.find_owned_by_owner_id(7, owner_id=8)


async def test_nullable_columns_can_be_omitted(db: Database) -> None:
    note = await db.note.create(title="a", author="ada")
    assert (note.body, note.at, note.ticket_id, note.tags, note.kept) == (None, None, None, None, "so")
    (other,) = await db.note.create_many([{"title": "b", "author": "ada", "body": None, "tags": ["x"]}])
    assert (other.body, other.tags) == (None, ["x"])


async def test_column_annotated_without_none_is_required_even_if_nullable(db: Database) -> None:
    with pytest.raises(ValidationError) as caught:
        await db.note.create()  # type: ignore[call-arg]
    assert caught.value.reasons == {"author": "is required", "title": "is required"}
    note = await db.note.create(title="a", author=None)
    assert note.author is None


async def test_optional_primary_key_is_generated_and_never_none(db: Database) -> None:
    job = await db.job.create(name="a")
    assert job.id == 1
    with pytest.raises(ValidationError, match="id must not be None"):
        await db.job.create(id=None, name="a")  # type: ignore[typeddict-item]


async def test_upsert_sets_the_renamed_enum_of_its_predicate(db: Database) -> None:
    first = await db.job.upsert_open_by_name(name="a")
    second = await db.job.upsert_open_by_name(name="a", note_id=5)
    assert (first.id, second.state, second.note_id) == (second.id, State.OPEN, 5)


async def test_relationship_without_a_foreign_key_can_be_none(db: Database) -> None:
    note = await db.note.create(title="a", author="ada")
    jobs = [await db.job.create(name="a", note_id=number) for number in (note.id or 0, 99)]
    await db.job.load_note(jobs)
    assert [job.note for job in jobs] == [note, None]


NOON, NAIVE_NOON = datetime(2024, 1, 1, 12, tzinfo=UTC), datetime(2024, 1, 1, 12)  # noqa: DTZ001


@pytest.fixture
def new_york() -> Iterator[None]:
    """Run the test in a process with another time zone than UTC."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "America/New_York"
    time.tzset()
    yield
    os.environ.pop("TZ")
    os.environ.update({"TZ": before} if before else {})
    time.tzset()


@pytest.mark.usefixtures("new_york")
async def test_naive_default_is_local_time_if_the_type_accepts_it(db: Database) -> None:
    local = datetime(2024, 1, 1, 17, tzinfo=UTC)
    row = await db.local.create()
    assert (row.made, row.fixed, row.by_column, row.changed) == (local, local, local, None)
    assert row.assumed == NOON, "as defined by its type"
    assert row.never == datetime.max.replace(tzinfo=UTC)
    (many,) = await db.local.create_many([{}])
    assert (many.made, many.by_column) == (local, local)
    assert (await db.local.update_one_by_id(row.id or 0, made=NOON)).changed == local


async def test_values_of_callers_need_a_time_zone(db: Database) -> None:
    with pytest.raises(ValidationError, match=r"^Local: made needs a time zone$"):
        await db.local.create(made=NAIVE_NOON)


async def test_keys_of_bulk_calls_need_a_time_zone(db: Database) -> None:
    for number in (1, 2):
        await db.event.create(id=number, at=IN_2020)
    naive = IN_2020.replace(tzinfo=None)
    with pytest.raises(ValidationError, match=r"^Event: at needs a time zone$"):
        await db.event.delete_many([(1, naive)])
    with pytest.raises(ValidationError, match=r"^Event, row 1: at needs a time zone$"):
        await db.event.update_many([((1, IN_2020), {"name": "x"}), ((2, naive), {"name": "x"})])
    assert await db.event.count(name="") == 2


async def test_error_about_a_refused_default_names_the_default(db: Database) -> None:
    with pytest.raises(ValidationError) as caught:
        await db.refusing.create()
    assert caught.value.reasons == {
        "naive": "needs a time zone: the value is the model's own default",
        "aware": "must not have a time zone: the value is the model's own default",
    }
    row = await db.refusing.create(naive=NOON, aware=NAIVE_NOON)
    with pytest.raises(ValidationError, match=r"changed must not .* is the column's own onupdate"):
        await db.refusing.update_by_id(row.id or 0, naive=NOON)
    with pytest.raises(ValidationError, match=r"^Refusing: naive needs a time zone$"):
        await db.refusing.create(naive=NAIVE_NOON, aware=NAIVE_NOON)


async def test_relationship_by_list_keys_or_types_without_arrays_is_loaded(db: Database) -> None:
    assert (ShelfController._facts.relations["books"], ShelfController._facts.relations["pages"]) == (
        by_orm,
        by_columns,
    )
    for word, bits in (("a", "00000001"), ("b", "00000010")):
        shelf = await db.shelf.create(words=[word], bits=asyncpg.BitString(bits))
        await db.book.create_many([{"words": shelf.words, "bits": shelf.bits}] * 2)
    shelves = await db.shelf.find_all().load("books", "pages")
    assert [len(shelf.books) for shelf in shelves] == [2, 2]
    assert [len(shelf.pages) for shelf in shelves] == [2, 2]
    books = await db.book.find_all().load("shelf")
    assert {tuple(book.shelf.words) for book in books} == {("a",), ("b",)}
