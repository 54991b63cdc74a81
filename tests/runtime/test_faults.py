"""Whole kinds of bugs that were reported for other libraries or seen in production."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from guild_db import (
    AnyOf,
    Database,
    InvalidCursorError,
    NotStoredError,
    TransactionError,
    UniqueViolation,
    UnreachableError,
    UnreadableRowError,
)

from tests.conftest import NewDatabase
from tests.runtime.conftest import statements
from tests.runtime.fault_models import Conf, FaultBase, Mood, Rights

TRIGGER = """
CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN IF NEW.name = 'skip' THEN RETURN NULL; END IF; RETURN NEW; END $$;
CREATE TRIGGER skip BEFORE INSERT ON skipped FOR EACH ROW EXECUTE FUNCTION skip();
"""


@pytest.fixture(scope="module")
async def address(new_database: NewDatabase) -> AsyncIterator[str]:
    async with new_database() as url:
        async with Database(url) as db, db.engine.begin() as connection:
            await connection.run_sync(FaultBase.metadata.create_all)
            for statement in TRIGGER.split(";\nCREATE TRIGGER"):
                prefix = "" if "FUNCTION skip() RETURNS" in statement else "CREATE TRIGGER"
                await connection.execute(sa.text(prefix + statement))
        yield url


@pytest.fixture
async def db(address: str) -> AsyncIterator[Database]:
    async with Database(address) as db:
        async with db.engine.begin() as connection:
            await connection.execute(sa.text("TRUNCATE thing, listed, skipped, counted RESTART IDENTITY"))
        yield db


async def broken(db: Database) -> None:
    """Abort the transaction by an error that is caught."""
    await db.skipped.create(name="first")
    with pytest.raises(UniqueViolation):
        await db.skipped.create(name="first")


async def test_failed_stream_ends_its_transaction_with_an_error(db: Database) -> None:
    await db.thing.create_many([{"v": n} for n in range(3)])
    failing = sa.literal(1) / (db.thing.c.v - 2) > 0
    with pytest.raises(TransactionError, match="ended the transaction"):
        async with db.transaction():
            await db.skipped.create(name="lost")
            with pytest.raises(Exception, match="Thing: "):
                _ = [row async for row in db.thing.find_all(failing)]
    assert await db.skipped.count() == 0


@pytest.mark.parametrize("way", ["commit", "begin", "driver"])
async def test_commit_answered_by_rollback_is_never_a_success(db: Database, way: str) -> None:
    async def commit() -> None:
        async with db.session() as session:
            await broken_session(session)
            await session.commit()

    async def begin() -> None:
        async with db.session() as session, session.begin():
            await broken_session(session)

    async def driver() -> None:
        connection = await db.pool.take()
        try:
            async with connection.transaction():
                await connection.execute("INSERT INTO skipped (name) VALUES ('x')")
                with pytest.raises(Exception, match="division"):
                    await connection.execute("SELECT 1 / 0")
        finally:
            await db.pool.give(connection)

    async def broken_session(session: Any) -> None:
        await session.execute(sa.text("INSERT INTO skipped (name) VALUES ('x')"))
        with pytest.raises(Exception, match="division"):
            await session.execute(sa.text("SELECT 1 / 0"))

    with pytest.raises(TransactionError, match="ended the transaction"):
        await {"commit": commit, "begin": begin, "driver": driver}[way]()
    assert await db.skipped.count() == 0


async def test_rows_equal_only_in_postgresql_are_written_in_order(db: Database) -> None:
    key = (await db.thing.create()).key
    assert await db.thing.bulk_update([{"key": key, "v": 1}, {"key": str(key), "v": 2}]) == 2
    assert (await db.thing.get_one_by_key(key)).v == 2
    stored = await db.thing.upsert_many([{"key": str(key), "v": 3}, {"key": key, "v": 4}])
    assert [row.v for row in stored] == [4, 4]
    await db.listed.create_many([{"tags": ["a"]}, {"tags": ["b"]}])
    assert await db.listed.bulk_update([{"tags": ["a"], "v": 1}, {"tags": ["a"], "v": 2}]) == 2
    assert [row.v for row in await db.listed.upsert_many([{"tags": ["a"], "v": 5}])] == [5]
    assert await db.listed.delete_many([["a"]]) == 1


async def test_bulk_calls_store_what_single_calls_store(db: Database) -> None:
    rows: list[Any] = [{"conf": None, "rights": Rights.READ | Rights.WRITE}, {"conf": {"a": 1}, "rights": Rights.WRITE}]
    for created in (await db.thing.create_many(rows), [await db.thing.create(**row) for row in rows]):
        assert [(row.conf, row.rights) for row in created] == [(None, Rights(3)), ({"a": 1}, Rights.WRITE)]
    assert await db.thing.count(conf=None) == 2
    assert await db.thing.count(rights=AnyOf([Rights(3)])) == 2
    await db.thing.bulk_update([{"key": row.key, "conf": None} for row in await db.thing.find_all(conf={"a": 1})])
    assert await db.thing.count(conf=None) == 4


async def test_large_bulk_calls_do_not_exceed_the_message_limit(db: Database) -> None:
    created = await db.thing.create_many([{"document": "x" * 2_000_000} for _ in range(24)])
    assert sum(len(row.document or "") for row in created) == 48_000_000


async def test_values_that_type_check_find_their_row(db: Database) -> None:
    await db.thing.create(conf={"a": 1}, typed=Conf(depth=3), emb=[1.0, 2.0])
    for where in ({"conf": {"a": 1}}, {"typed": Conf(depth=3)}, {"emb": [1.0, 2.0]}):
        if "emb" not in where:  # PostgreSQL has no equality operator for points
            assert await db.thing.count(**where) == 1, where  # type: ignore[arg-type]  # one of several keys
    assert await db.thing.count(typed=AnyOf([Conf(depth=3)])) == 1
    assert (await db.thing.find_all().one()).emb == [1.0, 2.0]


async def test_default_can_read_the_other_values(db: Database) -> None:
    assert (await db.thing.create(name="quiet")).loud == "QUIET"
    (many,) = await db.thing.create_many([{"name": "all"}])
    assert many.loud == "ALL"


async def test_skipped_row_raises_not_stored_error(db: Database) -> None:
    with pytest.raises(NotStoredError, match="Skipped: a trigger skipped the row"):
        await db.skipped.create(name="skip")
    with pytest.raises(NotStoredError, match="1 of the rows"):
        await db.skipped.create_many([{"name": "a"}, {"name": "skip"}])
    assert await db.skipped.count() == 0
    with pytest.raises(NotStoredError, match="neither found nor stored"):
        await db.skipped.get_or_create_by_name(name="skip")
    with pytest.raises(NotStoredError):
        await db.skipped.upsert_by_name(name="skip")


async def test_sums_have_the_databases_value_and_type(db: Database) -> None:
    c, selection = db.thing.c, db.thing.find_all()
    assert await selection.sum(c.v) == 0
    assert await selection.sum(c.price) == Decimal(0)
    assert await selection.sum(c.took) == timedelta()
    await db.thing.create_many(
        [
            {"v": 1, "price": Decimal("1.25"), "took": timedelta(1)},
            {"v": 2, "price": Decimal("1.25"), "took": timedelta(2)},
        ]
    )
    cases: list[tuple[Any, Any]] = [
        (c.v, 3),
        (c.price, Decimal("2.50")),
        (c.took, timedelta(3)),
        (sa.func.coalesce(c.price, 0), Decimal("2.50")),
        (sa.case((c.v == 1, 0), else_=c.price), Decimal("1.25")),
        (sa.cast(c.v, sa.Float), 3.0),
        (sa.cast(c.v, sa.BigInteger), 3),
    ]
    for column, right in cases:
        total = await selection.sum(column)
        assert (total, type(total)) == (right, type(right)), str(column)


async def test_queries_have_no_implicit_order(db: Database) -> None:
    with statements(db) as sent:
        await db.thing.find_all().first()
        await db.thing.find_one(v=1)
        await db.thing.find_all(limit=3)
    assert not [statement for statement in sent if "ORDER BY" in statement]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "no database"),
        ("postgresql://u@h/d?schema=tenant", "search_path"),
        ("postgresql://u@h/d?pgbouncer=true", "prepared_statement_cache_size"),
        ("postgresql://u@h/d?channel_binding=require", "channel_binding"),
    ],
)
def test_no_address_parameter_is_ignored_silently(address: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Database(address)


async def test_empty_address_is_not_replaced_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/db")
    with pytest.raises(ValueError, match="no database"):
        Database("")


async def terminate(db: Database, pid: int) -> None:
    async with db.session() as session:
        await session.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})


async def test_connection_lost_in_a_block_is_reported_and_hides_no_exception(db: Database) -> None:
    async def lose(session: Any) -> None:
        await terminate(db, await session.scalar(sa.text("SELECT pg_backend_pid()")))
        await asyncio.sleep(0.1)

    with pytest.raises(UnreachableError):
        async with db.transaction() as session:
            await lose(session)
            await db.thing.count()
    with pytest.raises(UnreachableError):
        async with db.transaction() as session:
            await lose(session)
    with pytest.raises(KeyError, match="mine"):
        async with db.transaction() as session:
            await lose(session)
            raise KeyError("mine")
    assert await db.thing.count() == 0
    assert db.pool_status()["in_use"] == 0


async def test_migration_between_two_calls_fails_no_call(db: Database) -> None:
    async def migrate(kind: str) -> None:
        async with db.engine.begin() as connection:
            await connection.execute(sa.text(f"ALTER TABLE counted ALTER COLUMN n TYPE {kind}"))

    await db.counted.create(n=1)
    for kind in ("bigint", "integer"):
        assert (await db.counted.get_one_by_id(1)).n == 1
        await migrate(kind)
    assert (await db.counted.get_one_by_id(1)).n == 1
    attempts = 0

    async def work(_: Any) -> int:
        nonlocal attempts
        attempts += 1
        return (await db.counted.get_one_by_id(1)).n

    await migrate("bigint")
    assert await db.run(work) == 1
    assert attempts <= 2
    await migrate("integer")


async def test_read_only_server_fails_one_call_and_replaces_its_connection(address: str) -> None:
    async with Database(address, pool_size=1, max_overflow=0) as db:
        connection = await db.pool.take()
        await connection.execute("SET default_transaction_read_only = on")  # like on a standby
        await db.pool.give(connection)
        with pytest.raises(TransactionError, match="read-only"):
            await db.counted.create()
        assert (await db.counted.create()).n == 0


async def test_connections_are_replaced_after_pool_recycle(address: str) -> None:
    async with Database(address, pool_size=1, max_overflow=0, pool_recycle=0.05) as db:
        first = (await db.pool.take(), await asyncio.sleep(0.1))[0]
        await db.pool.give(first)
        second = await db.pool.take()
        assert second is not first
        await db.pool.give(second)


async def test_refused_begin_leaves_no_open_transaction(address: str) -> None:
    async with Database(address, pool_size=1, max_overflow=0) as db, Database(address) as admin:
        connection: Any = await db.pool.take()
        await db.pool.give(connection)
        await terminate(admin, connection.get_server_pid())
        for _ in range(3):
            try:
                async with db.transaction():
                    await db.counted.count()
                break
            except UnreachableError:
                continue
        async with db.transaction():
            assert await db.counted.count() >= 0


async def test_task_started_in_a_block_can_open_a_transaction(db: Database) -> None:
    async def own() -> None:
        async with db.transaction():
            await db.counted.create()

    with pytest.raises(KeyError):
        async with db.transaction():
            await db.skipped.create(name="lost")
            await asyncio.create_task(own())
            with pytest.raises(TransactionError, match=r"asyncio\.timeout"):
                await asyncio.create_task(db.counted.count())
            raise KeyError
    assert (await db.counted.count(), await db.skipped.count()) == (1, 0)


@pytest.mark.parametrize("cursor", ["", "x", "ä", "bm90IGEgY3Vyc29y", "AQ" * 40])
async def test_damaged_cursor_raises_invalid_cursor_error(db: Database, cursor: str) -> None:
    with pytest.raises(InvalidCursorError):
        await db.thing.find_all().page(after=cursor)


async def test_mistakes_name_the_argument(db: Database) -> None:
    order: Any = "created_at"
    with pytest.raises(TypeError, match=r"order_by takes columns .* not 'created_at'"):
        await db.thing.find_all(order_by=order)

    class Unready(Database):
        def __init__(self) -> None: ...

    with pytest.raises((TransactionError, AttributeError)):
        await Unready().thing.count()


@pytest.mark.parametrize("origin", ["and not", "or not", "true", "false"])
async def test_condition_reduced_to_a_bool_is_refused(db: Database, origin: str) -> None:
    c: Any = db.thing.c
    condition = {
        "and not": (c.v == 1) & (not c.name),
        "or not": (c.v == 1) | (bool(c.name)),
        "true": sa.true(),
        "false": sa.false(),
    }[origin]
    with pytest.raises(TypeError, match=r"write ~c\.flag"):
        await db.thing.find_all(condition)


async def test_unreadable_rows_are_named(db: Database) -> None:
    await db.thing.create(mood=Mood.BAD)
    async with db.engine.begin() as connection:
        await connection.execute(sa.text("UPDATE thing SET day = DATE '0044-03-15 BC'"))
    with pytest.raises(UnreadableRowError, match="Thing: a row has"):
        await db.thing.find_all()
    async with db.engine.begin() as connection:
        await connection.execute(sa.text("UPDATE thing SET day = NULL"))
        await connection.execute(sa.text("ALTER TYPE fault_mood ADD VALUE IF NOT EXISTS 'TOMORROW'"))
    async with db.engine.begin() as connection:
        await connection.execute(sa.text("UPDATE thing SET mood = 'TOMORROW'"))
    with pytest.raises(UnreadableRowError, match="Thing: a row has"):
        await db.thing.find_all()
    assert db.pool_status()["in_use"] == 0


async def test_infinite_times_round_trip(db: Database) -> None:
    await db.thing.create(at=datetime.max.replace(tzinfo=UTC), day=date.max)
    await db.thing.create(at=datetime.min.replace(tzinfo=UTC), day=date.min)
    async with db.session() as session:
        stored = (await session.execute(sa.text("SELECT at::text, day::text FROM thing ORDER BY at"))).all()
    assert [tuple(row) for row in stored] == [("-infinity", "-infinity"), ("infinity", "infinity")]
    for row in await db.thing.find_all():
        assert row.at is not None
        assert (await db.thing.count(at=row.at, day=row.day)) == 1
        assert await db.thing.update_by_key(row.key, at=row.at, day=row.day) == row


async def test_generated_key_can_be_omitted(db: Database) -> None:
    assert [row.id for row in await db.counted.create_many([{"n": 1}, {"n": 2}])] == [1, 2]


async def test_after_commit_runs_after_the_commit(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    calls: list[str] = []

    async def later() -> None:
        calls.append(f"awaited with {await db.counted.count()}")

    async with db.transaction():
        await db.counted.create()
        db.after_commit(lambda: calls.append("plain"))
        db.after_commit(later)
        with pytest.raises(KeyError):
            async with db.transaction():
                db.after_commit(lambda: calls.append("never"))
                raise KeyError
        async with db.transaction():
            db.after_commit(lambda: calls.append("inner"))
        assert calls == []
    assert calls == ["plain", "awaited with 1", "inner"]
    with pytest.raises(KeyError):
        async with db.transaction():
            db.after_commit(lambda: calls.append("never"))
            raise KeyError
    db.after_commit(lambda: calls.append("at once"))
    assert calls[-1] == "at once"
    with caplog.at_level(logging.ERROR):
        async with db.transaction():
            db.after_commit(lambda: 1 / 0)
            db.after_commit(lambda: calls.append("still"))
    assert calls[-1] == "still"
    assert "after_commit" in caplog.text


@pytest.mark.parametrize(
    "name", ["cannot switch to state", "cache lookup failed", "connection is closed", "argument $1"]
)
async def test_values_in_messages_are_not_mistaken_for_server_errors(db: Database, name: str) -> None:
    await db.skipped.create(name=name)
    with pytest.raises(UniqueViolation):
        await db.skipped.create(name=name)
    attempts: list[int] = []

    async def again(_: Any) -> None:
        attempts.append(1)
        await db.skipped.create(name=name)

    with pytest.raises(UniqueViolation):
        await db.run(again)
    assert len(attempts) == 1


async def test_pages_ordered_by_any_expression_are_complete(db: Database) -> None:
    await db.thing.create_many([{"v": n} for n in range(6)])
    c: Any = db.thing.c
    for order in (~(c.v > 2), c.v == 3, sa.and_(c.v > 1, c.v < 4), (~(c.v > 2)).desc(), c.v.is_distinct_from(3)):
        seen, cursor = list[int](), None
        for _ in range(4):
            page = await db.thing.find_all(order_by=order).page(2, cursor)
            seen += [row.v for row in page.items]
            if (cursor := page.next) is None:
                break
        assert sorted(seen) == list(range(6)), str(order)


async def test_session_of_a_block_cannot_end_its_transaction(db: Database) -> None:
    for name in ("begin", "close", "invalidate", "reset"):
        with pytest.raises(TransactionError):
            async with db.transaction() as session:
                await db.skipped.create(name=name)
                await session.flush()
                call = getattr(session, name)
                if name == "begin":
                    async with call():
                        pass
                await call()
    assert await db.skipped.count() == 0


@pytest.mark.parametrize("password", ["pa/ss", "p#ss", "p?ss"])
def test_password_is_parsed_as_a_whole(password: str) -> None:
    with pytest.raises(ValueError, match="percent-encode") as caught:
        Database(f"postgresql://u:{password}@localhost/db")
    assert password not in str(caught.value)
