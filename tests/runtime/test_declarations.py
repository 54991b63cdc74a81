"""What a model declares and what its database does, where the two are not the same."""

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


async def test_a_row_that_no_partition_takes_is_an_error_of_its_own(db: Database) -> None:
    await db.event.create(id=1, at=IN_2020)
    with pytest.raises(PartitionViolation) as caught:
        await db.event.create(id=1, at=IN_2021)
    error = caught.value
    assert str(error) == "Event: table event has no partition for the row's at"
    assert (error.model, error.constraint, error.columns) == (Event, None, ("at",))
    assert isinstance(error, ConstraintError)
    assert not isinstance(error, CheckViolation)


async def test_every_way_to_write_a_row_knows_partitions(db: Database) -> None:
    with pytest.raises(PartitionViolation):
        await db.event.create_many([{"id": 2, "at": IN_2020}, {"id": 2, "at": IN_2021}])
    with pytest.raises(PartitionViolation):
        await db.event.upsert_by_id_and_at(id=2, at=IN_2021)
    assert await db.event.count(id=2) == 0


async def test_a_partition_itself_refuses_rows_of_others(db: Database) -> None:
    with pytest.raises(
        PartitionViolation, match=r"^Event2020: partition event_2020 does not accept the row$"
    ) as caught:
        await db.event2020.create(id=3, at=IN_2021)
    assert caught.value.model is Event2020


async def test_a_check_without_a_name_is_no_partition(db: Database) -> None:
    """As a trigger raises it."""
    with pytest.raises(CheckViolation, match=r"^Event: check constraint is violated$"):
        await db.event.create(id=4, at=IN_2020, name="refused")


async def test_a_partial_finder_reads_the_rows_of_what_its_index_leads_with(db: Database) -> None:
    for guild in (1, 1, 2):
        await db.ticket.create(guild_id=guild, owner_id=guild)
    await db.ticket.create(guild_id=1, status="closed")
    async with explained(db) as plans:
        found = await db.ticket.find_active_by_guild_id(1, at=Span(ge=0)).order_by(db.ticket.c.id)
    assert [ticket.id for ticket in found] == [1, 2]
    assert len(plans) == 1
    assert "Seq Scan" not in plans[0]


async def test_a_partial_finder_asks_for_nothing_that_the_predicate_implies(db: Database) -> None:
    await db.ticket.create_many([{"guild_id": guild, "urgent": guild > 1} for guild in (1, 2, 3)])
    assert [ticket.id for ticket in await db.ticket.find_urgent_by_guild_id(2)] == [2]
    assert await db.ticket.find_unowned().count() == 2


async def test_a_partial_finder_finds_null_and_several(db: Database) -> None:
    await db.ticket.create_many([{"guild_id": 1, "owner_id": owner} for owner in (None, 7, 8, 9)])
    await db.ticket.create(guild_id=1, status="closed")
    assert await db.ticket.find_owned_by_owner_id(None).count() == 1
    assert await db.ticket.find_owned_by_owner_id(AnyOf([7, 9])).count() == 2
    with pytest.raises(TypeError, match="owner_id"):
        db.ticket.find_owned_by_owner_id(7, owner_id=8)


async def test_what_may_be_null_may_be_left_out_of_a_new_row(db: Database) -> None:
    note = await db.note.create(title="a", author="ada")
    assert (note.body, note.at, note.ticket_id, note.tags, note.kept) == (None, None, None, None, "so")
    (other,) = await db.note.create_many([{"title": "b", "author": "ada", "body": None, "tags": ["x"]}])
    assert (other.body, other.tags) == (None, ["x"])


async def test_what_the_author_has_not_declared_optional_is_required_though_the_column_takes_null(db: Database) -> None:
    with pytest.raises(ValidationError) as caught:
        await db.note.create()  # type: ignore[call-arg]
    assert caught.value.reasons == {"author": "is required", "title": "is required"}
    note = await db.note.create(title="a", author=None)
    assert note.author is None


async def test_a_key_that_says_it_may_be_null_is_made_by_the_database_and_never_none(db: Database) -> None:
    job = await db.job.create(name="a")
    assert job.id == 1
    with pytest.raises(ValidationError, match="id must not be None"):
        await db.job.create(id=None, name="a")  # type: ignore[typeddict-item]


async def test_an_upsert_by_a_predicate_on_a_renamed_enum_sets_it(db: Database) -> None:
    first = await db.job.upsert_open_by_name(name="a")
    second = await db.job.upsert_open_by_name(name="a", note_id=5)
    assert (first.id, second.state, second.note_id) == (second.id, State.OPEN, 5)


async def test_a_relationship_without_a_foreign_key_may_be_none(db: Database) -> None:
    note = await db.note.create(title="a", author="ada")
    jobs = [await db.job.create(name="a", note_id=number) for number in (note.id or 0, 99)]
    await db.job.load_note(jobs)
    assert [job.note for job in jobs] == [note, None]


NOON, NAIVE_NOON = datetime(2024, 1, 1, 12, tzinfo=UTC), datetime(2024, 1, 1, 12)  # noqa: DTZ001


@pytest.fixture
def new_york() -> Iterator[None]:
    """A process that does not run in UTC."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "America/New_York"
    time.tzset()
    yield
    os.environ.pop("TZ")
    os.environ.update({"TZ": before} if before else {})
    time.tzset()


@pytest.mark.usefixtures("new_york")
async def test_a_default_without_time_zone_is_local_time_where_the_type_takes_it(db: Database) -> None:
    local = datetime(2024, 1, 1, 17, tzinfo=UTC)
    row = await db.local.create()
    assert (row.made, row.fixed, row.by_column, row.changed) == (local, local, local, None)
    assert row.assumed == NOON, "as its type has it"
    assert row.never == datetime.max.replace(tzinfo=UTC)
    (many,) = await db.local.create_many([{}])
    assert (many.made, many.by_column) == (local, local)
    assert (await db.local.update_one_by_id(row.id or 0, made=NOON)).changed == local


async def test_what_a_caller_gives_needs_its_time_zone_all_the_same(db: Database) -> None:
    with pytest.raises(ValidationError, match=r"^Local: made needs a time zone$"):
        await db.local.create(made=NAIVE_NOON)


async def test_a_default_that_the_column_refuses_is_said_to_be_the_models_own(db: Database) -> None:
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


async def test_a_relationship_by_lists_or_by_a_type_of_which_there_is_no_list_is_loaded(db: Database) -> None:
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
