"""What a model declares and what its database does, where the two are not the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from guild_db import AnyOf, CheckViolation, ConstraintError, Database, PartitionViolation, Span, ValidationError
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
            await connection.run_sync(lambda sync: DeclaredBase.metadata.create_all(sync, TABLES))
            for statement in BY_HAND:
                await connection.exec_driver_sql(statement)
        yield url


@pytest.fixture
async def db(address: str) -> AsyncIterator[Database]:
    async with Database(address) as db:
        names = ", ".join(f'"{table.name}"' for table in TABLES)
        async with db.engine.begin() as connection:
            await connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
        yield db


async def test_a_row_that_no_partition_takes_is_an_error_of_its_own(db: Database) -> None:
    await db.event.create(id=1, at=IN_2020)
    with pytest.raises(PartitionViolation) as caught:
        await db.event.create(id=1, at=IN_2021)
    error = caught.value
    assert str(error) == "Event: the row fits no partition by at"
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
    with pytest.raises(PartitionViolation, match=r"^Event2020: the row fits no partition by its key$") as caught:
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
    assert plans[0] & {"idx_ticket_active_guild"}


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
