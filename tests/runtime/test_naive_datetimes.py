"""``naive_datetimes = "utc"``: aware dates and times go into columns without time zone, and come out naive, in UTC."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.dialects.postgresql import Range

from ctrlgen.pipeline import generate
from ctrlgen.settings import Config, Options
from tests.conftest import NewDatabase, make_tables
from tests.runtime.clock_models import ClockBase

if TYPE_CHECKING:
    from clock_db import Database

SUMMER = timezone(timedelta(hours=2))
LOCAL = datetime(2020, 5, 1, 14, tzinfo=SUMMER)
STORED = datetime.fromisoformat("2020-05-01T12:00")
LATER = LOCAL + timedelta(hours=1)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The package ``clock_db``, emitted and importable."""
    project, folder = Path(__file__).resolve().parent.parent.parent, tmp_path_factory.mktemp("clock")
    options = Options(utc=True)
    config = Config(project, ("tests.runtime.clock_models",), folder / "clock_db", "clock_db", None, options)
    for path, text in generate(config).files.items():
        (folder / "clock_db" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "clock_db" / path).write_text(text)
    sys.path.append(str(folder))


@pytest.fixture
async def db(package: None, new_database: NewDatabase) -> AsyncIterator[Database]:
    from clock_db import Database

    _ = package
    async with new_database() as url, Database(url) as db:
        await make_tables(db.engine, ClockBase.metadata)
        yield db


async def test_every_write_stores_aware_values_as_utc(db: Database) -> None:
    created = await db.clock.create(at=LOCAL)
    assert (created.at, created.id) == (STORED, 1)
    assert [clock.at for clock in await db.clock.create_many([{"at": LOCAL}, {"at": LOCAL}])] == [STORED] * 2
    assert [clock.at for clock in await db.clock.upsert_many([{"id": 2, "at": LATER}])] == [STORED + timedelta(hours=1)]
    changed = await db.clock.update_by_id(1, at=LATER)
    assert changed is not None
    assert changed.at == STORED + timedelta(hours=1)
    await db.clock.bulk_update([{"id": 1, "at": LOCAL}])
    await db.clock.update_many([(2, {"at": LOCAL})])
    assert await db.clock.update_where(db.clock.c.id == 3, at=LOCAL) == 1
    assert await db.clock.find_all().values(db.clock.c.at) == [STORED] * 3
    assert await db.clock.find_all().max(db.clock.c.at) == STORED


async def test_naive_values_are_stored_unchanged(db: Database) -> None:
    created = await db.clock.create(at=STORED, strict=STORED)
    assert (created.at, created.strict) == (STORED, STORED)
    assert await db.clock.find_all(at=STORED) == [created]


async def test_field_annotated_naive_still_refuses_aware_values(db: Database) -> None:
    from clock_db import ValidationError

    with pytest.raises(ValidationError, match="strict"):
        await db.clock.create(strict=LOCAL)


async def test_aware_values_are_converted_in_lists_and_ranges(db: Database) -> None:
    created = await db.clock.create(several=[LOCAL, STORED], period=Range(LOCAL, LATER))
    (read,) = await db.clock.find_all(several=[LOCAL, LOCAL])
    for clock in (created, read):
        assert clock.several == [STORED, STORED]
        assert clock.period == Range(STORED, STORED + timedelta(hours=1))


async def test_aware_values_are_converted_in_filters_and_keys(db: Database) -> None:
    from clock_db import AnyOf, Span

    await db.clock.create_many([{"at": LOCAL + timedelta(hours=number)} for number in range(4)])
    assert [clock.id for clock in await db.clock.find_by_at(LOCAL)] == [1]
    assert await db.clock.find_by_at(AnyOf([LOCAL, LATER])).count() == 2
    assert await db.clock.find_by_at(Span(gt=LOCAL, le=LATER)).count() == 1
    assert await db.clock.count(at=LOCAL.astimezone(UTC)) == 1
    appointment, is_new = await db.appointment.get_or_create_by_begins(begins=LOCAL, title="first")
    same, is_new_again = await db.appointment.get_or_create_by_begins(begins=LOCAL.astimezone(UTC), title="second")
    assert (is_new, is_new_again) == (True, False)
    assert same == appointment
    assert await db.appointment.get_by_begins(LOCAL) == appointment
    assert await db.appointment.delete_many([LOCAL]) == 1


async def test_pages_continue_after_the_cursor(db: Database) -> None:
    await db.clock.create_many([{"at": LOCAL + timedelta(hours=number)} for number in range(3)])
    latest = db.clock.find_all(order_by=db.clock.c.at.desc())
    first = await latest.page(size=2)
    second = await latest.page(size=2, after=first.next)
    assert [clock.id for clock in (*first.items, *second.items)] == [3, 2, 1]


async def test_aware_defaults_are_stored_as_utc(db: Database) -> None:
    before = datetime.now(UTC).replace(tzinfo=None)
    created = await db.clock.create()
    changed = await db.clock.update_by_id(1, at=LOCAL)
    assert changed is not None
    assert changed.changed is not None
    after = datetime.now(UTC).replace(tzinfo=None)
    assert before <= created.made <= changed.changed <= after


async def test_columns_with_a_time_zone_still_require_aware_values(db: Database) -> None:
    from clock_db import ValidationError

    created = await db.clock.create(zoned=LOCAL)
    assert created.zoned == LOCAL
    with pytest.raises(ValidationError, match="needs a time zone"):
        await db.clock.create(zoned=STORED)


async def test_infinite_times_are_not_converted(db: Database) -> None:
    ends = [datetime.min, datetime.max, datetime.max.replace(tzinfo=UTC)]  # noqa: DTZ901 - naive, like the column
    created = await db.clock.create(several=ends)
    assert created.several == [datetime.min, datetime.max, datetime.max]  # noqa: DTZ901 - naive, like the column
