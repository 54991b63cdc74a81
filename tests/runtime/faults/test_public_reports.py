"""Bugs from public reports about similar libraries; each test names the report."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from guild_db import Database, UniqueViolation, ValidationError
from guild_db.runtime.errors import translation
from guild_db.runtime.pool import Connection
from sqlalchemy.dialects.postgresql import Range

from tests.conftest import NewDatabase
from tests.runtime.report_models import ReportBase, Tone, Unique

TENANTED = """
    CREATE SCHEMA {0}; CREATE TYPE {0}.tenant_tone AS ENUM ('GOOD', 'BAD');
    CREATE TABLE {0}.tenanted (id int PRIMARY KEY, tone {0}.tenant_tone NOT NULL, v int NOT NULL)
"""


@pytest.fixture(scope="module")
async def address(new_database: NewDatabase) -> AsyncIterator[str]:
    async with new_database() as url:
        async with Database(url) as db, db.engine.begin() as connection:
            for statement in (*TENANTED.format("tenant_a").split(";"), *TENANTED.format("tenant_b").split(";")):
                await connection.exec_driver_sql(statement)
            tables = ReportBase.metadata.sorted_tables
            await connection.run_sync(lambda sync: ReportBase.metadata.create_all(sync, tables))
        yield url


@pytest.fixture
async def db(address: str) -> AsyncIterator[Database]:
    async with Database(address) as db:
        yield db


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


# https://github.com/sqlalchemy/sqlalchemy/issues/6592, 8145, 12077, 13381
async def test_cancelled_statement_of_a_session_ends_on_the_server(address: str) -> None:
    async with Database(address, application_name="cancelled") as db, Database(address) as other:

        async def work() -> None:
            async with db.session() as session:
                await session.execute(sa.text("SELECT pg_sleep(8)"))

        task = asyncio.create_task(work())
        await asyncio.sleep(0.3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(1)
        async with other.session() as session:
            running = sa.text(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cancelled' AND state = 'active'"
            )
            assert await session.scalar(running) == 0


# https://github.com/CanopyTax/asyncpgsa/issues/96
async def test_sequence_of_a_column_is_used(db: Database) -> None:
    async with db.session() as session:
        expected = await session.scalar(sa.text("SELECT nextval('report_id_seq') + 1"))
    created = await db.sequenced.create(name="x")
    assert created.id == expected
    (more,) = await db.sequenced.create_many([{"name": "y"}])
    assert more.id == expected + 1
    assert more.number == created.number + 1


# https://github.com/sqlalchemy/sqlalchemy/issues/8076, 5653
async def test_percent_sign_in_a_column_name(db: Database) -> None:
    created = await db.percent.create(rate=5)
    assert await db.percent.count(rate=5) == 1
    assert await db.percent.count(db.percent.c.rate > 4) == 1
    changed = await db.percent.update_by_id(created.id, rate=db.percent.c.rate + 1)
    assert changed
    assert changed.rate == 6
    assert len((await db.percent.find_all(order_by=db.percent.c.rate).page(1)).items) == 1


# https://github.com/MagicStack/asyncpg/issues/1139, 1176; https://github.com/tortoise/tortoise-orm/issues/465
@pytest.mark.usefixtures("new_york")
@pytest.mark.parametrize("name", ["at", "ats", "during"])
async def test_naive_time_is_refused_in_lists_and_ranges(db: Database, name: str) -> None:
    naive = datetime(2024, 1, 1, 12)  # noqa: DTZ001 - the test expects that it is refused
    value: Any = {"at": naive, "ats": [naive], "during": Range(naive, None)}[name]
    with pytest.raises(ValidationError):
        await db.timed.create(**{name: value})
    with pytest.raises(ValidationError):
        await db.timed.count(**{name: value})


# related to test_infinite_times_round_trip_in_every_call
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
async def test_infinite_times_round_trip_in_lists(db: Database, zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        end = datetime.max.replace(tzinfo=UTC)
        created = await db.timed.create(ats=[end], at=end)
        assert created.at == end
        assert created.ats == [end]
    finally:
        monkeypatch.undo()
        time.tzset()


# https://github.com/MagicStack/asyncpg/issues/72, https://github.com/pgjdbc/pgjdbc/issues/496
async def test_tenants_by_search_path_share_a_pool_without_statement_cache(address: str) -> None:
    async with Database(f"{address}&prepared_statement_cache_size=0", pool_size=1, max_overflow=0) as db:
        for key, tenant in enumerate(("tenant_a", "tenant_b") * 2):
            async with db.transaction() as session:
                await session.execute(sa.text(f"SET LOCAL search_path = {tenant}"))
                await db.tenanted.upsert_by_id(id=key, tone=Tone.GOOD)
                assert (await db.tenanted.get_one_by_id(key)).tone is Tone.GOOD


# https://github.com/encode/django-rest-framework/issues/5160
async def test_pages_ordered_by_a_float_end(address: str) -> None:
    less = {"server_settings": {"extra_float_digits": "0"}}  # like a setting of ALTER ROLE or ALTER DATABASE
    async with Database(address, connect_args=less) as db:
        await db.paged.create_many([{"at": datetime.now(UTC), "weight": 0.1 + 0.2} for _ in range(3)])
        for order in (db.paged.c.weight, db.paged.c.weight.desc()):
            seen, after = list[Any](), None
            for _ in range(5):
                page = await db.paged.find_all(order_by=order).page(1, after)
                seen += [row.id for row in page.items]
                if (after := page.next) is None:
                    break
            assert sorted(seen) == [1, 2, 3]


# https://github.com/sourcenetwork/defradb.rs/issues/1185, https://github.com/hypervel/components/pull/531
async def test_callbacks_run_after_a_commit_of_a_cancelled_task(db: Database) -> None:
    called, started = list[str](), asyncio.Event()

    async def slow() -> None:
        called.append("first")
        started.set()
        await asyncio.sleep(0.2)

    async def work() -> None:
        async with db.transaction():
            await db.spaced.create(status=Tone.GOOD, n=4242)
            db.after_commit(slow)
            db.after_commit(lambda: called.append("second"))

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0.4)
    assert await db.spaced.count(n=4242) == 1
    assert called == ["first", "second"]


async def test_callbacks_run_if_the_task_is_cancelled_during_reset(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    called, reset = list[str](), Connection.reset

    async def slow_reset(self: Connection) -> None:
        resetting.set()
        await asyncio.sleep(0.2)
        await reset(self)

    async def work() -> None:
        async with db.transaction():
            await db.spaced.create(status=Tone.GOOD, n=4343)
            db.after_commit(lambda: called.append("called"))

    async with Database(address, reset=True) as db:
        monkeypatch.setattr(Connection, "reset", slow_reset)
        resetting = asyncio.Event()
        task = asyncio.create_task(work())
        await resetting.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0.4)
        assert await db.spaced.count(n=4343) == 1
    assert called == ["called"]


# https://github.com/sequelize/sequelize/issues/6033, https://github.com/balderdashy/sails/issues/4538
def test_columns_of_a_violation_are_found_in_every_locale() -> None:
    error = asyncpg.UniqueViolationError("doppelter Schlüsselwert verletzt Unique-Constraint »uq_unique_area_code«")
    error.sqlstate, error.severity, error.column_name, error.table_name = "23505", "FEHLER", None, "unique"
    error.constraint_name = "uq_unique_area_code"
    error.detail = "Schlüssel »(area, code)=(a, b)« existiert bereits."
    violation = translation(error, Unique)
    assert isinstance(violation, UniqueViolation)
    assert violation.columns == ("area", "code")


# https://github.com/fastapi/sqlmodel/issues/397
async def test_types_that_sqlmodel_stores_as_text_are_stored_as_text(db: Database) -> None:
    created = await db.native.create(ip=IPv4Address("10.0.0.1"))  # `ip` is an IPv4Address for type checkers
    assert str(created.ip) == "10.0.0.1"
    assert await db.native.count(ip=IPv4Address("10.0.0.1")) == 1


async def test_common_table_expression_in_a_condition_is_named(db: Database) -> None:
    column: Any = db.spaced.c.id
    chosen = sa.select(column).where(db.spaced.c.n == 77).cte("chosen")
    with pytest.raises(TypeError, match="cannot have a common table expression"):
        await db.spaced.count(column.in_(sa.select(chosen.c.id)))
