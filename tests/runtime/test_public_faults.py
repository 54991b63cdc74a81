"""Faults that public bug reports describe in other libraries, each with its neighbours."""

from __future__ import annotations

import asyncio
import base64
import gc
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import sqlalchemy as sa
from guild_db import (
    AnyOf,
    ConflictError,
    Database,
    DatabaseError,
    InvalidCursorError,
    InvalidValueError,
    NotStoredError,
    RefusedError,
    Span,
    TimedOutError,
    TransactionError,
    UniqueViolation,
    UnreachableError,
    UnreadableRowError,
)
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from tests.conftest import NewDatabase
from tests.runtime.conftest import statements
from tests.runtime.fault_models import Conf, FaultBase, Level, Mood, Rights, Word

TRIGGERS = (
    """CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN IF NEW.name = 'skip' THEN RETURN NULL; END IF; RETURN NEW; END $$""",
    "CREATE TRIGGER skip BEFORE INSERT ON skipped FOR EACH ROW EXECUTE FUNCTION skip()",
    """CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN IF OLD.name = 'keep' THEN RETURN NULL; ELSIF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
          RETURN NEW; END $$""",
    "CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON guarded FOR EACH ROW EXECUTE FUNCTION keep()",
)
TABLES = ", ".join(table.name for table in FaultBase.metadata.sorted_tables)
ENDED = "has ended the transaction"


@pytest.fixture(scope="module")
async def address(new_database: NewDatabase) -> AsyncIterator[str]:
    async with new_database() as url:
        async with Database(url) as db, db.engine.begin() as connection:
            await connection.run_sync(FaultBase.metadata.create_all)
            for statement in TRIGGERS:
                await connection.exec_driver_sql(statement)
        yield url


@pytest.fixture
async def db(address: str) -> AsyncIterator[Database]:
    async with Database(address) as db:
        await execute(db, f"TRUNCATE {TABLES} RESTART IDENTITY")
        yield db


@pytest.fixture
async def one(db: Database, address: str) -> AsyncIterator[Database]:
    """The database through a pool of a single connection."""
    async with Database(address, pool_size=1, max_overflow=0, pool_timeout=5) as one:
        yield one


async def execute(db: Database, *sql: str) -> None:
    for statement in sql:
        async with db.engine.begin() as connection:
            await connection.exec_driver_sql(statement)


async def backend(db: Database) -> int:
    """The server's process behind the connection that the next call gets."""
    async with db.session() as session:
        return int(str(await session.scalar(sa.text("SELECT pg_backend_pid()"))))


async def terminate(admin: Database, pid: int) -> None:
    """End a connection from outside, and wait until the server has done so."""
    async with admin.session() as session:
        await session.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    await asyncio.sleep(0.05)  # for the client to hear of it


async def fails(awaitable: Any, kind: type[Exception] = Exception) -> None:
    with pytest.raises(kind):
        await awaitable


# 1: no rollback passes for a commit, and streams fail as everything else does


async def by_session(db: Database) -> None:
    async with db.session() as session:
        await session.execute(sa.text("INSERT INTO counted (n) VALUES (0)"))
        await fails(session.execute(sa.text("SELECT 1 / 0")))


async def by_begin_of_the_engine(db: Database) -> None:
    async with db.engine.begin() as connection:
        await connection.exec_driver_sql("INSERT INTO counted (n) VALUES (0)")
        await fails(connection.exec_driver_sql("SELECT 1 / 0"))


async def by_commit_of_a_connection(db: Database) -> None:
    async with db.engine.connect() as connection:
        await connection.exec_driver_sql("INSERT INTO counted (n) VALUES (0)")
        await fails(connection.exec_driver_sql("SELECT 1 / 0"))
        await connection.commit()


async def by_a_session_of_the_callers_own(db: Database) -> None:
    async with AsyncSession(db.engine) as session:
        await session.execute(sa.text("INSERT INTO counted (n) VALUES (0)"))
        await fails(session.execute(sa.text("SELECT 1 / 0")))
        await session.commit()


async def by_a_controller_in_a_session(db: Database) -> None:
    async with db.session() as session, session.begin():
        await db.counted.using(session).create()
        await fails(db.counted.using(session).find_all(sa.literal(1) / db.counted.c.n > 0))


async def after_copy(db: Database) -> None:
    async with db.engine.begin() as connection:
        await connection.exec_driver_sql("INSERT INTO counted (n) VALUES (0)")
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await fails(driver.copy_records_to_table("counted", records=[(7, 0), (7, 0)]), asyncpg.UniqueViolationError)


async def after_a_stream_of_the_session(db: Database) -> None:
    async with db.transaction() as session:
        await db.counted.create()
        with pytest.raises(Exception, match="division"):
            async for _ in await session.stream(sa.text("SELECT 1 / (n - 600) FROM generate_series(1, 700) n")):
                pass


async def after_a_stream_that_failed_late(db: Database) -> None:
    async with db.transaction():
        await db.counted.create_many([{"n": n} for n in range(700)])
        with pytest.raises(InvalidValueError):
            async for _ in db.counted.find_all(sa.literal(1) / (db.counted.c.n - 600) < 2):
                pass


async def after_a_savepoint_of_the_callers_own(db: Database) -> None:
    async with db.transaction() as session:
        await db.counted.create()
        with pytest.raises(DBAPIError, match="transaction is aborted"):  # PostgreSQL's word, as of all a session does
            async with session.begin_nested():
                await fails(session.execute(sa.text("SELECT 1 / 0")))
        await fails(session.execute(sa.text("SELECT 1 / 0")))


async def after_a_nested_block(db: Database) -> None:
    async with db.transaction():
        await db.counted.create()
        async with db.transaction():
            await db.skipped.create(name="twice")
            await fails(db.skipped.create(name="twice"), UniqueViolation)


@pytest.mark.parametrize(
    "way",
    [
        by_session,
        by_begin_of_the_engine,
        by_commit_of_a_connection,
        by_a_session_of_the_callers_own,
        by_a_controller_in_a_session,
        after_copy,
        after_a_stream_of_the_session,
        after_a_stream_that_failed_late,
        after_a_savepoint_of_the_callers_own,
        after_a_nested_block,
    ],
)
async def test_a_caught_error_is_not_followed_by_a_commit_that_stores_nothing(
    db: Database, way: Callable[[Database], Any]
) -> None:
    with pytest.raises(DatabaseError, match=ENDED):
        await way(db)
    assert (await db.counted.count(), await db.skipped.count()) == (0, 0)
    assert db.pool_status()["in_use"] == 0


@pytest.mark.parametrize("words", ["COMMIT", "commit", " COMMIT", "COMMIT AND CHAIN", "END", "PREPARE TRANSACTION 'x'"])
async def test_a_commit_in_any_words_is_asked_for_its_answer(db: Database, words: str) -> None:
    with pytest.raises(TransactionError, match=ENDED):
        async with db.engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.execute("BEGIN")
            await fails(driver.execute("SELECT 1 / 0"), asyncpg.DivisionByZeroError)
            await driver.execute(words)
    assert await db.counted.create()


async def test_an_error_in_a_nested_block_that_is_left_by_it_costs_nothing_else(db: Database) -> None:
    async with db.transaction():
        await db.counted.create()
        with suppress(InvalidValueError):
            async with db.transaction():
                async for _ in db.counted.find_all(sa.literal(1) / db.counted.c.n > 0):
                    pass
        await db.counted.create()
    assert await db.counted.count() == 2


async def test_streams_fail_with_the_errors_of_every_other_call(db: Database, address: str) -> None:
    await db.counted.create_many([{"n": n} for n in range(700)])
    c, admin = db.counted.c, Database(address)
    comparison: Any = c.n == "x"

    async def read(db: Database, *conditions: Any) -> None:
        async for _ in db.counted.find_all(conditions):
            pass

    with pytest.raises(InvalidValueError, match="Counted: "):
        await read(db, sa.literal(1) / (c.n - 600) < 2)
    with pytest.raises((RefusedError, InvalidValueError), match="Counted: "):
        await read(db, comparison)
    with pytest.raises(RefusedError, match="Counted: "):
        await read(db, sa.func.no_such_function(c.n))
    async with Database(address, statement_timeout=0.05) as short:
        with pytest.raises(TimedOutError, match="Counted: "):
            await read(short, sa.func.pg_sleep(0.01).is_not(None))
    with pytest.raises(UnreachableError, match="Counted: "):
        async with db.transaction() as session:
            pid = int(str(await session.scalar(sa.text("SELECT pg_backend_pid()"))))
            async for _ in db.counted.find_all():
                if pid:
                    await terminate(admin, pid)
                    pid = 0
    await admin.dispose()
    assert db.pool_status()["in_use"] == 0
    assert await db.counted.count() == 700


@pytest.mark.parametrize("caught", [False, True])
async def test_run_repeats_what_a_stream_has_met(db: Database, address: str, caught: bool) -> None:
    await db.counted.create()
    attempts = 0
    async with Database(address) as other:

        async def work(_: Any) -> None:
            nonlocal attempts
            attempts += 1
            assert await db.counted.count() == 1  # which takes the snapshot
            if attempts == 1:
                await other.counted.update_by_id(1, n=5)
            with suppress(ConflictError if caught else ZeroDivisionError):
                async for counted in db.counted.find_all().for_update():
                    await db.counted.update_by_id(counted.id, n=counted.n + 1)

        await db.run(work, isolation="REPEATABLE READ")
    assert (attempts, (await db.counted.get_one_by_id(1)).n) == (2, 6)


# 2: a bulk call is as many single calls


PAIRS: dict[str, tuple[Any, Any]] = {
    "amount": (Decimal("1.001"), Decimal("1.00")),
    "code": ("ab", "ab   "),
    "weight": (float("nan"), float("nan")),
    "at": (datetime(2020, 1, 1, 12, tzinfo=UTC), datetime(2020, 1, 1, 14, tzinfo=timezone(timedelta(hours=2)))),
}


@pytest.mark.parametrize("name", PAIRS)
async def test_rows_that_postgresql_holds_to_be_one_are_set_one_after_the_other(db: Database, name: str) -> None:
    rows: list[Any] = [{"amount": Decimal(1), name: value, "v": number} for number, value in enumerate(PAIRS[name], 1)]
    made = await db.rounded.upsert_many(rows, key=[name])
    assert [one.v for one in made] == [2, 2]
    assert await db.rounded.count() == 1
    again = await db.rounded.upsert_many([{**row, "v": row["v"] + 5} for row in reversed(rows)], key=[name])
    assert [one.v for one in again] == [6, 6]
    assert (await db.rounded.find_all().one()).v == 6


async def test_keys_that_postgresql_rounds_are_updated_and_deleted_as_by_single_calls(db: Database) -> None:
    first, second = Decimal("1.00"), Decimal(1)
    await db.rounded.create_many([{"amount": first}, {"amount": Decimal(2)}])
    assert await db.rounded.update_many([{"amount": first, "v": 1}, {"amount": second, "v": 2}]) == 2
    assert (await db.rounded.get_one_by_amount(first)).v == 2
    assert await db.rounded.delete_many([first, second]) == 1
    assert await db.rounded.update_many([{"amount": first, "v": 1}]) == 0


async def test_a_key_without_a_hash_serves_every_call(db: Database) -> None:
    one, other = {"a": [1, {"b": None}]}, {"a": 2}
    assert [filed.v for filed in await db.filed.upsert_many([{"doc": one, "v": 1}, {"doc": one, "v": 2}])][-1] == 2
    await db.filed.create(doc=other)
    assert (await db.filed.get_one_by_doc(one)).v == 2
    assert await db.filed.update_many([{"doc": one, "v": 3}, {"doc": one, "v": 4}, {"doc": other, "v": 5}]) == 3
    assert [(await db.filed.get_one_by_doc(key)).v for key in (one, other)] == [4, 5]
    assert await db.filed.get_or_create_by_doc(doc=one, v=9) != ()
    assert (await db.filed.upsert_by_doc(doc=one, v=6)).v == 6
    assert await db.filed.count(doc=AnyOf([one, other])) == 2
    page = await db.filed.find_all().page(1)
    assert len((await db.filed.find_all().page(1, after=page.next)).items) == 1
    assert await db.filed.delete_many([one, other, {"absent": 1}]) == 2


async def test_a_list_as_key_serves_every_call(db: Database) -> None:
    assert [one.v for one in await db.listed.upsert_many([{"tags": ["a"], "v": 1}, {"tags": ["a"], "v": 2}])][-1] == 2
    (await db.listed.create(tags=[])).v = 1
    assert (await db.listed.get_one_by_tags(["a"])).v == 2
    assert (await db.listed.upsert_by_tags(tags=["a"], v=7)).v == 7
    assert not (await db.listed.get_or_create_by_tags(tags=["a"]))[1]
    assert await db.listed.count(tags=AnyOf([["a"], []])) == 2
    assert await db.listed.delete_many([["a"], []]) == 2


async def test_a_row_that_is_written_twice_is_given_as_it_is_in_the_end(db: Database) -> None:
    """Whether or not Python can tell that the two are one row."""
    for made in (
        await db.filed.upsert_many([{"doc": {"a": 1}, "v": 1}, {"doc": {"a": 1}, "v": 2}]),
        await db.listed.upsert_many([{"tags": ["a"], "v": 1}, {"tags": ["a"], "v": 2}]),
        await db.counted.upsert_many([{"id": 5, "n": 1}, {"id": 5, "n": 2}]),
    ):
        assert [getattr(one, "v", None) or getattr(one, "n", None) for one in made] == [2, 2]


async def test_none_is_null_on_every_way_into_a_json_column(db: Database) -> None:
    (made,) = await db.thing.create_many([{"conf": None}])
    await db.thing.upsert_many([{"key": made.key, "conf": {"a": 1}, "typed": Conf(depth=2)}])
    await db.thing.upsert_many([{"key": made.key, "conf": None, "typed": None}])
    await db.thing.create(conf=None, typed=None)
    await db.thing.create_many([{"conf": {"a": 1}}, {"conf": None, "typed": None}])
    await db.thing.update_where(conf={"a": 1}, all_rows=True)
    await db.thing.update_where(conf=None, all_rows=True)
    await db.thing.update_many([{"key": made.key, "conf": None}])
    async with db.session() as session:
        nulls = await session.scalar(sa.text("SELECT count(*) FROM thing WHERE conf IS NULL AND typed IS NULL"))
    assert nulls == await db.thing.count() == 4


async def test_flags_go_through_every_call(db: Database) -> None:
    both = Rights.READ | Rights.WRITE
    made = await db.thing.create_many([{"rights": both}, {"rights": Rights.READ}, {"rights": Rights(0)}])
    assert [one.rights for one in made] == [both, Rights.READ, Rights(0)]
    assert await db.thing.update_many([{"key": made[2].key, "rights": both}]) == 1
    await db.thing.upsert_many([{"key": made[1].key, "rights": Rights.WRITE}])
    assert await db.thing.count(rights=AnyOf([both, Rights(0)])) == 2
    assert await db.thing.count(rights=AnyOf({Rights.WRITE})) == 1
    assert await db.thing.find_all(rights=both).update(rights=Rights.READ) == 2
    sought = await db.sought.upsert_many([{"rights": both}, {"rights": both, "note": "x"}], key=["rights"])
    assert [one.note for one in sought] == ["x", "x"]
    assert (await db.sought.get_one_by_rights(both)).rights == both


async def test_enums_that_are_numbers_or_texts_go_through_every_call(db: Database) -> None:
    both = Rights.READ | Rights.WRITE
    await db.flagged.create(rights=both, level=Level.HIGH, word=Word.YES)
    rows: list[Any] = [{"rights": Rights.READ}, {"rights": Rights(0), "level": Level.HIGH}]
    assert [one.rights for one in await db.flagged.create_many(rows)] == [Rights.READ, Rights(0)]
    (again,) = await db.flagged.upsert_many([{"rights": both, "word": Word.NO}], key=["rights"])
    assert (again.id, again.rights, again.level, again.word) == (1, both, Level.HIGH, Word.NO)
    assert await db.flagged.update_many([{"id": 2, "level": Level.HIGH, "word": Word.YES}]) == 1
    assert (await db.flagged.get_one_by_rights(both)).id == 1
    assert (await db.flagged.upsert_by_rights(rights=both, word=Word.YES)).word == Word.YES
    assert await db.flagged.count(rights=AnyOf([both, Rights(0)])) == 2
    assert await db.flagged.count(level=AnyOf({Level.HIGH}), word=AnyOf([Word.YES])) == 2
    assert await db.flagged.count(level=Span(gt=Level.LOW), word=Word.NO) == 1


async def test_many_large_rows_are_stored_changed_and_read(db: Database) -> None:
    made = await db.thing.create_many([{"v": n, "document": chr(97 + n % 26) * 1_000_000} for n in range(64)])
    assert [(one.v, (one.document or "")[:1]) for one in made] == [(n, chr(97 + n % 26)) for n in range(64)]
    assert await db.thing.update_many([{"key": one.key, "document": "z" * 1_000_000} for one in made]) == 64
    again = await db.thing.upsert_many([{"key": one.key, "document": "y" * 1_000_000} for one in made])
    assert {one.document for one in again} == {"y" * 1_000_000}
    async for one in db.thing.find_all():
        assert one.document == "y" * 1_000_000


async def test_a_bulk_call_that_fails_stores_nothing_though_its_rows_differ_in_shape(db: Database) -> None:
    with pytest.raises(UniqueViolation):
        await db.skipped.create_many([{"name": "a"}, {"id": 9, "name": "b"}, {"name": "a"}])
    await db.skipped.create(name="a")
    with pytest.raises(InvalidValueError):
        await db.counted.update_many([{"id": 1, "n": 1}, {"id": 1, "n": 2**40}])
    assert (await db.skipped.count(), await db.counted.count()) == (1, 0)


# 3: a database belongs to no event loop


async def on_loops_in_a_row(address: str) -> None:
    shared = Database(address)
    await shared.counted.create()

    async def request() -> int:
        async with shared.transaction() as session:
            await shared.counted.create()
            await session.execute(sa.text("SELECT 1"))
        async with shared.session() as session:
            await shared.counted.using(session).create()
        return len([one async for one in shared.counted.find_all()])

    for count in (3, 5, 7):
        assert await asyncio.to_thread(asyncio.run, request()) == count
        assert await shared.counted.count() == count
    await shared.dispose()


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # of loops that end with connections open
async def test_a_database_of_a_module_serves_one_event_loop_after_the_other(db: Database, address: str) -> None:
    assert await db.counted.count() == 0
    await on_loops_in_a_row(address)
    gc.collect()


async def test_two_event_loops_use_a_database_at_once(db: Database, address: str) -> None:
    shared, inside, outside = Database(address, pool_size=1, max_overflow=0), threading.Event(), threading.Event()

    async def other() -> dict[str, int]:
        async with shared.transaction():
            await shared.counted.create(n=1)
            inside.set()
            await asyncio.to_thread(outside.wait, 5)
        status = shared.pool_status()
        await shared.dispose()
        return status

    thread = asyncio.create_task(asyncio.to_thread(asyncio.run, other()))
    await asyncio.to_thread(inside.wait, 5)
    async with shared.transaction():  # on the only connection of this loop, while the other's is in use
        assert await shared.counted.count() == 0
        outside.set()
        assert await thread == {"idle": 1, "in_use": 0, "overflow": 0}
        await shared.counted.create(n=2)
    assert await shared.counted.count() == 2
    await shared.dispose()


# 4: a server that only reads costs its connections


@pytest.mark.parametrize("by", ["controller", "block", "bulk", "session", "using"])
async def test_a_connection_that_has_become_read_only_fails_one_write(one: Database, by: str) -> None:
    async with one.engine.connect() as connection:
        await connection.exec_driver_sql("SET default_transaction_read_only = on")
        await connection.commit()
    before = await backend(one)

    async def write() -> None:
        if by == "controller":
            await one.counted.create()
        elif by == "bulk":
            await one.counted.create_many([{}, {"n": 1}])
        elif by == "block":
            async with one.transaction():
                await one.counted.create()
        elif by == "session":
            async with one.session() as session:
                await session.execute(sa.text("INSERT INTO counted (n) VALUES (0)"))
        else:
            async with one.session() as session:
                await one.counted.using(session).create()

    with pytest.raises(Exception, match="read-only"):
        await write()
    await write()
    assert await one.counted.count() >= 1
    assert await backend(one) != before


async def test_one_refused_write_replaces_every_connection_of_before(db: Database, address: str) -> None:
    """A failover is the server's: what was connected to it before is as read-only as the one that has failed."""
    async with Database(address, pool_size=3, max_overflow=0) as pool:
        taken = [await pool.pool.take() for _ in range(3)]
        for connection in taken:
            await connection.execute("SET default_transaction_read_only = on")
        for connection in taken:
            await pool.pool.give(connection)
        with pytest.raises(TransactionError, match="read-only"):
            await pool.counted.create()
        await asyncio.gather(*(pool.counted.create() for _ in range(6)))
    assert await db.counted.count() == 6


async def test_a_write_in_a_read_only_transaction_costs_no_connection(one: Database) -> None:
    before = await backend(one)
    with pytest.raises(TransactionError, match="read-only"):
        async with one.transaction(read_only=True):
            await one.counted.create()
    assert await backend(one) == before
    await one.counted.create()
    assert await backend(one) == before


# 5: a connection has an age, a call has an end


async def test_a_connection_is_replaced_by_age_and_not_before(db: Database, address: str) -> None:
    async with Database(address, pool_size=1, max_overflow=0, pool_recycle=0.5) as young:
        first = await backend(young)
        assert await backend(young) == first
        await asyncio.sleep(0.55)
        async with young.transaction():
            second = await backend_in(young)
            await asyncio.sleep(0.55)
            assert await backend_in(young) == second  # a block keeps its own, however old it gets
        assert second != first
        assert await backend(young) not in {first, second}


async def backend_in(db: Database) -> int:
    connection: Any = db.transactions.scope()
    return int(connection.connection.get_server_pid())


@pytest.mark.parametrize("by", ["controller", "block", "session", "stream", "write"])
async def test_command_timeout_ends_a_call_and_the_next_one_works(db: Database, address: str, by: str) -> None:
    await db.counted.create()
    sleeping: Any = sa.func.pg_sleep(5).is_not(None)
    async with Database(address, pool_size=1, max_overflow=0, pool_timeout=5, command_timeout=0.4) as hasty:

        async def work() -> None:
            if by == "controller":
                await hasty.counted.find_all(sleeping)
            elif by == "write":
                await hasty.counted.update_where(sleeping, n=1)
            elif by == "stream":
                async for _ in hasty.counted.find_all(sleeping):
                    pass
            elif by == "block":
                async with hasty.transaction():
                    await hasty.counted.create()
                    await hasty.counted.find_all(sleeping)
            else:
                async with hasty.session() as session:
                    await hasty.counted.using(session).create()
                    await session.execute(sa.text("SELECT pg_sleep(5)"))

        async with asyncio.timeout(4):
            with pytest.raises(TimeoutError):
                await work()
            assert await hasty.counted.count() == 1
        assert hasty.pool_status()["in_use"] == 0


# 6: a connection that did not begin is not handed out again


@pytest.mark.parametrize("number", [1, 3])
async def test_connections_that_were_ended_while_idle_cost_no_block(db: Database, address: str, number: int) -> None:
    async with Database(address, pool_size=3, max_overflow=0) as pool:
        taken: list[Any] = [await pool.pool.take() for _ in range(3)]
        pids = [connection.get_server_pid() for connection in taken]
        for connection in taken:
            await pool.pool.give(connection)
        for pid in pids[-number:]:
            await terminate(db, pid)
        for _ in range(4):
            async with pool.transaction():
                await pool.counted.create()
        async with pool.session() as session:
            await pool.counted.using(session).create()
        async with pool.engine.begin() as connection:
            await connection.exec_driver_sql("INSERT INTO counted (n) VALUES (0)")
        assert pool.pool_status()["in_use"] == 0
    assert await db.counted.count() == 6


async def test_a_connection_that_the_server_ends_after_a_while_costs_no_call(db: Database, address: str) -> None:
    arguments = {"server_settings": {"idle_session_timeout": "150ms"}}
    async with Database(address, pool_size=2, connect_args=arguments) as idle:
        for _ in range(2):
            async with idle.transaction():
                await idle.counted.create()
            await asyncio.sleep(0.4)
            await idle.counted.create()
            await asyncio.sleep(0.4)
    assert await db.counted.count() == 4


async def test_a_begin_that_the_server_refuses_is_not_taken_for_a_transaction(db: Database, address: str) -> None:
    """With an option that an isolation level of another server's would have."""
    async with Database(address, pool_size=1, max_overflow=0, pool_timeout=2) as one:
        wrong: Any = "SNAPSHOT"
        for _ in range(3):
            with pytest.raises((ValueError, DatabaseError, asyncpg.InterfaceError)):
                async with one.transaction(isolation=wrong):
                    await one.counted.create()
        async with one.transaction(isolation="SERIALIZABLE"):
            await one.counted.create()
        assert one.pool_status() == {"idle": 1, "in_use": 0, "overflow": 0}
    assert await db.counted.count() == 1


# 8: a row that a trigger keeps out


async def test_a_row_that_is_not_stored_costs_its_transaction_nothing(db: Database) -> None:
    async with db.transaction():
        await db.skipped.create(name="a")
        await fails(db.skipped.create(name="skip"), NotStoredError)
        await fails(db.skipped.get_or_create_by_name(name="skip"), NotStoredError)
        await fails(db.skipped.upsert_by_name(name="skip"), NotStoredError)
    assert [one.name for one in await db.skipped.find_all()] == ["a"]


@pytest.mark.parametrize("method", ["create_many", "upsert_many"])
async def test_of_many_rows_of_which_one_is_skipped_none_is_stored(db: Database, method: str) -> None:
    rows = [{"name": "a"}, {"name": "skip"}, {"id": 50, "name": "b"}, {"id": 51, "name": "skip"}]
    call = getattr(db.skipped, method)
    with pytest.raises(NotStoredError, match="2 of the rows"):
        await call(rows)
    assert await db.skipped.count() == 0


async def test_a_row_that_a_trigger_keeps_as_it_is_is_not_claimed_to_be_changed(db: Database) -> None:
    await db.guarded.create_many([{"id": 1, "name": "keep"}, {"id": 2, "name": "free"}])
    assert await db.guarded.update_by_id(1, v=5) is None
    assert await db.guarded.delete_by_id(1) is False
    assert await db.guarded.update_many([{"id": 1, "v": 5}, {"id": 2, "v": 5}]) == 1
    assert await db.guarded.update_where(all_rows=True, v=6) == 1
    with pytest.raises(NotStoredError):
        await db.guarded.upsert_by_name(id=3, name="keep", v=7)
    with pytest.raises(NotStoredError, match="1 of the rows"):
        await db.guarded.upsert_many([{"id": 2, "name": "free", "v": 7}, {"id": 1, "name": "keep", "v": 7}])
    assert await db.guarded.get_or_create_by_name(id=9, name="keep") == (await db.guarded.get_one_by_id(1), False)
    assert await db.guarded.delete_many([1, 2]) == 1
    assert [(one.name, one.v) for one in await db.guarded.find_all()] == [("keep", 0)]


# 9: sums


async def test_sums_are_those_of_the_database_whatever_is_added(db: Database) -> None:
    c, found = db.summed.c, db.summed.find_all()
    values: dict[str, Any] = {
        "small": 30_000,
        "big": 2**62,
        "price": Decimal("0.35"),
        "money": Decimal("0.35"),
        "cents": Decimal("0.35"),
        "rough": 0.25,
        "ratio": 0.25,
        "real": 0.25,
        "took": timedelta(hours=30, microseconds=1),
    }
    nothing = [await found.sum(getattr(c, name)) for name in values]
    for name, total in zip(values, nothing, strict=True):
        assert (total, type(total)) == (0 * values[name], type(values[name])), name
    await db.summed.create_many([values] * 3)
    for name, value in values.items():
        total = await found.sum(getattr(c, name))
        assert (total, type(total)) == (3 * value, type(value)), name
    cases: list[tuple[Any, Any]] = [
        (sa.func.coalesce(c.money, 0), Decimal("1.05")),
        (sa.func.coalesce(c.price, c.money), Decimal("1.05")),
        (sa.case((c.small > 0, c.price), else_=0), Decimal("1.05")),
        (sa.case((c.small > 0, c.money)), Decimal("1.05")),
        (c.price * 2, Decimal("2.10")),
        (c.money + c.price, Decimal("2.10")),
        (c.small * 1.5, 135_000.0),
        (c.took + c.took, timedelta(hours=180, microseconds=6)),
        (sa.func.abs(-c.price), Decimal("1.05")),
        (sa.func.nullif(c.small, 30_000), 0),
        (sa.func.length(sa.cast(c.price, sa.Text)), 12),
        (sa.cast(c.price, sa.Float), 1.05),
        (sa.cast(c.small, sa.Numeric(10, 1)), Decimal("90000.0")),
        (sa.literal(Decimal("0.5")), Decimal("1.5")),
    ]
    for expression, right in cases:
        total = await found.sum(expression)
        assert float(total.total_seconds() if isinstance(total, timedelta) else total) == pytest.approx(
            float(right.total_seconds() if isinstance(right, timedelta) else right), abs=1e-9
        ), str(expression)
        if not isinstance(right, float):
            assert (total, type(total)) == (right, type(right)), str(expression)


# 10: what is emitted and type-checks works


SOUGHT: dict[str, tuple[Any, Any]] = {
    "variant": ({"a": {"b": [1, None]}}, {"a": 1}),
    "typed": (Conf(depth=3), Conf(depth=4)),
    "several": ([Conf(depth=3), Conf()], []),
    "words": (["a", "b"], ["a"]),
    "emb": ([1.0, 2.5], [1.0]),
    "folded": ("Name", "other"),
    "guid": (UUID(int=5), UUID(int=6)),
    "bits": (asyncpg.BitString("1010"), asyncpg.BitString("0101")),
    "loose": (asyncpg.BitString("101"), asyncpg.BitString("1")),
    "rights": (Rights.READ | Rights.WRITE, Rights.READ),
    "cents": (Decimal("1.25"), Decimal("1.26")),
    "during": (Range(1, 5), Range(2, 5)),
    "moods": ([Mood.GOOD, Mood.BAD], [Mood.BAD]),
    "raw": (b"\x00\xff", b""),
}


@pytest.mark.parametrize("name", SOUGHT)
async def test_a_value_of_any_type_finds_its_row_and_no_other(db: Database, name: str) -> None:
    sought: Any = db.sought
    right, wrong = SOUGHT[name]
    made = await sought.create(**{name: right})
    await sought.create(**{name: wrong})
    await sought.create()
    for _ in range(2):  # the second time from what is remembered
        assert [one.id for one in await sought.find_all(**{name: right})] == [made.id]
        assert await sought.count(**{name: AnyOf([right])}) == 1
        assert await sought.count(**{name: AnyOf([right, wrong])}) == 2
        assert await sought.count(**{name: AnyOf([right, None])}) == 2
        assert await sought.count(**{name: AnyOf([])}) == 0
        assert await sought.count(**{name: None}) == 1
        assert (await getattr(sought, f"get_one_by_{name}")(right)).id == made.id
        assert (await getattr(sought, f"update_by_{name}")(right, note="seen")).note == "seen"
    many = await sought.upsert_many([{name: right, "note": "x"}, {name: right, "note": "y"}], key=[name])
    assert ({one.id for one in many}, many[-1].note) == ({made.id}, "y")
    assert await sought.update_many([{"id": made.id, name: None}]) == 1
    assert await sought.update_many([{"id": made.id, name: right}]) == 1
    assert await getattr(sought, f"delete_by_{name}")(right) is True
    assert await sought.count() == 2


@pytest.mark.parametrize("name", SOUGHT)
async def test_a_value_of_any_type_is_read_as_it_was_written(db: Database, name: str) -> None:
    sought: Any = db.sought
    right = SOUGHT[name][0]
    made = await sought.create(**{name: right})

    def plain(value: Any) -> Any:
        if name == "several":
            return [dict(one) for one in value]
        return dict(value) if name == "typed" else bits(value) if name in {"bits", "loose"} else value

    assert plain(getattr(made, name)) == plain(right)
    assert plain(getattr(await sought.get_one_by_id(made.id), name)) == plain(right)
    assert [plain(getattr(one, name)) async for one in sought.find_all()] == [plain(right)]


def bits(value: Any) -> str:
    """The digits of a bit string, which SQLAlchemy 2.1 has a class of its own for."""
    return (value.as_string() if isinstance(value, asyncpg.BitString) else str(value)).replace(" ", "")


async def test_a_json_value_is_found_by_what_it_was_made_of(db: Database) -> None:
    """Which need not be what JSON has: times, models, UUIDs and enums are stored as pydantic writes them."""
    given = {"at": datetime(2020, 1, 1, tzinfo=UTC), "id": UUID(int=5), "conf": Conf(depth=2), "mood": Mood.BAD}
    made = await db.sought.create(variant=given)
    assert (await db.sought.get_one_by_variant(given)).id == made.id
    assert await db.sought.count(variant=given) == 1
    assert await db.sought.count(variant=AnyOf([given])) == 1
    await db.filed.upsert_many([{"doc": given}])
    assert await db.filed.update_many([{"doc": given, "v": 3}]) == 1
    assert await db.filed.delete_many([given]) == 1


async def test_a_comparator_of_the_types_own_is_for_expressions_of_the_caller(db: Database) -> None:
    await db.sought.create(folded="Name")
    assert await db.sought.count(db.sought.c.folded == "NAME") == 1
    assert await db.sought.count(folded="Name") == 1
    assert await db.sought.count(folded=AnyOf(["Name"])) == 1
    assert await db.sought.count(folded=AnyOf(["NAME"])) == await db.sought.count(folded="NAME")


async def test_addresses_of_the_network_are_values(db: Database) -> None:
    import ipaddress

    given = ipaddress.ip_address("10.0.0.1")
    await db.sought.create(net="10.0.0.1")
    assert await db.sought.count(net="10.0.0.1") == 1
    assert await db.sought.count(net=AnyOf(["10.0.0.1", "10.0.0.2"])) == 1
    assert (await db.sought.upsert_many([{"net": "10.0.0.1", "note": "x"}], key=["net"]))[0].note == "x"
    assert str((await db.sought.find_all().one()).net).startswith(str(given))


# 11: defaults that ask


async def test_a_default_sees_what_every_call_sets(db: Database) -> None:
    def right(one: Any) -> bool:
        return one.slug == f"{one.name}-{one.lot}"

    assert right(await db.defaulted.create(name="a", lot=1))
    assert all(map(right, await db.defaulted.create_many([{"name": "b", "lot": 2}, {"name": "c", "lot": 3}])))
    assert all(map(right, await db.defaulted.upsert_many([{"name": "d", "lot": 4}], key=["name"])))
    assert right(await db.defaulted.upsert_by_name(name="e", lot=5))
    assert right((await db.defaulted.get_or_create_by_name(name="f", lot=6))[0])
    assert (await db.defaulted.create(name="g", lot=6, slug="own")).slug == "own"
    assert await db.defaulted.count() == 7


async def test_a_default_sees_the_defaults_of_columns_before_it(db: Database) -> None:
    assert (await db.defaulted.create(name="a")).slug == "a-7"
    assert [one.slug for one in await db.defaulted.create_many([{"name": "b"}, {"name": "c", "lot": 1}])] == [
        "b-7",
        "c-1",
    ]


async def test_a_default_is_not_asked_again_for_a_row_that_is_there(db: Database) -> None:
    await db.defaulted.create(name="a", lot=1)
    assert (await db.defaulted.upsert_by_name(name="a", v=5)).slug == "a-1"
    assert (await db.defaulted.get_or_create_by_name(name="a", lot=3))[0].slug == "a-1"


# 12: no order


async def test_there_is_no_order_but_of_pages(db: Database) -> None:
    found, c = db.thing.find_all(v=1), db.thing.c
    with statements(db) as sent:
        await found
        await found.first()
        await found.one_or_none()
        await found.limit(3)
        await found.offset(1)
        await found.limit(2).update(v=1)
        await found.limit(2).delete()
        await found.count()
        await found.exists()
        await db.thing.find_one(v=1)
        await db.thing.find_all(limit=3, offset=1)
        async with db.transaction():
            await found.for_update().first()
    assert not [one for one in sent if "ORDER BY" in one]
    with statements(db) as sent:
        await found.order_by(c.name).first()
        await db.thing.find_one(order_by=c.name)
    assert [one.partition(" ORDER BY ")[2].partition(" LIMIT")[0] for one in sent] == ["thing.name"] * 2
    with statements(db) as sent:
        await found.page(1)
        await db.thing.paginate(per_page=1)
    assert [one.partition(" ORDER BY ")[2].partition(" LIMIT")[0] for one in sent if "count(" not in one] == [
        "thing.key"
    ] * 2


# 13: addresses


@asynccontextmanager
async def door(address: str) -> AsyncIterator[int]:
    """Open a port of TCP in front of the server, and yield its number."""
    url = sa.make_url(address)
    host = str(url.query.get("host", url.host or "localhost"))
    tasks: set[asyncio.Task[None]] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if host.startswith("/"):
            up_reader, up_writer = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{url.port or 5432}")
        else:
            up_reader, up_writer = await asyncio.open_connection(host, url.port or 5432)
        for one, other in ((reader, up_writer), (up_reader, writer)):
            tasks.add(asyncio.create_task(pass_on(one, other)))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def at(address: str, hosts: str, query: str = "") -> str:
    url = sa.make_url(address)
    user = f"{url.username}:{url.password}" if url.password else str(url.username)
    return f"postgresql://{user}@{hosts}/{url.database}{query}"


@pytest.mark.parametrize("query", ["", "?target_session_attrs=read-write", "?target_session_attrs=any"])
async def test_of_several_hosts_the_one_that_lives_is_connected_to(address: str, query: str) -> None:
    async with door(address) as port:
        for hosts in (f"127.0.0.1:1,127.0.0.1:{port}", f"127.0.0.1:{port},127.0.0.1:1"):
            async with Database(at(address, hosts, query)) as db:
                async with db.transaction():
                    assert await db.counted.count() >= 0
                assert hosts in db.url


async def test_several_hosts_none_of_which_lives_are_an_error_that_names_them() -> None:
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:1,127\.0\.0\.1:2"):
        await Database("postgresql://u:hunter2@127.0.0.1:1,127.0.0.1:2/db").connect()


async def test_what_an_address_asks_for_is_done_or_refused(address: str) -> None:
    def asking(what: str) -> str:
        return f"{address}{'&' if '?' in address else '?'}{what}"

    async with Database(asking("search_path=tenant")) as db, db.session() as session:
        assert await session.scalar(sa.text("SHOW search_path")) == "tenant"
    async with Database(asking("prepared_statement_cache_size=0")) as db:
        assert await db.counted.count() >= 0
    async with Database(asking("options=-c%20statement_timeout%3D1234")) as db, db.session() as session:
        assert await session.scalar(sa.text("SHOW statement_timeout")) == "1234ms"
    with pytest.raises(UnreachableError, match="no_such_setting"):
        await Database(asking("no_such_setting=1")).connect()
    for what in ("connection_limit=5", "pool_timeout=3"):  # of Prisma
        with pytest.raises((UnreachableError, ValueError), match=what.partition("=")[0]):
            await Database(asking(what)).connect()


@pytest.mark.parametrize(
    "what",
    [
        *("schema=tenant", "schema=", "pgbouncer=true", "channel_binding=require", "gssencmode=require"),
        *("connect_timeout=x", "prepared_statement_cache_size=x"),
    ],
)
def test_what_nobody_does_for_an_address_is_named(what: str) -> None:
    with pytest.raises(ValueError, match=what.partition("=")[0]):
        Database(f"postgresql://u@h/d?{what}")


@pytest.mark.parametrize("empty", ["", None])
def test_an_address_that_is_empty_is_no_database(monkeypatch: pytest.MonkeyPatch, empty: str | None) -> None:
    monkeypatch.setenv("DATABASE_URL", "" if empty is None else "postgresql://elsewhere/db")
    with pytest.raises(ValueError, match="no database"):
        Database(empty)


# 14: connections lost, tables migrated


async def lose(db: Database, admin: Database) -> None:
    scope: Any = db.transactions.scope()
    await terminate(admin, scope.connection.get_server_pid())


@pytest.mark.parametrize("by", ["controller", "session", "stream", "bulk", "flush", "savepoint", "commit"])
async def test_a_connection_lost_in_a_block_is_unreachable_whatever_meets_it(
    db: Database, address: str, by: str
) -> None:
    async with Database(address) as admin:
        with pytest.raises(UnreachableError):
            async with db.transaction() as session:
                await db.counted.create()
                await lose(db, admin)
                if by == "controller":
                    await db.counted.count()
                elif by == "session":
                    await fails(session.execute(sa.text("SELECT 1")), DBAPIError)
                elif by == "stream":
                    async for _ in db.counted.find_all():
                        pass
                elif by == "bulk":
                    await db.counted.create_many([{}, {"n": 1}])
                elif by == "savepoint":
                    async with db.transaction():
                        pass
                elif by == "flush":
                    session.add(db.counted.model(n=1))
        assert await db.counted.count() == 0
        assert db.pool_status()["in_use"] == 0


@pytest.mark.parametrize("where", ["block", "nested", "using", "run"])
async def test_an_exception_of_the_applications_own_leaves_a_lost_block_as_it_was(
    db: Database, address: str, where: str
) -> None:
    mine = ValueError("mine")
    async with Database(address) as admin:

        async def work(_: Any) -> None:
            await db.counted.create()
            await lose(db, admin)
            raise mine

        async def block() -> None:
            async with db.transaction() as session:
                await work(session)

        async def nested() -> None:
            async with db.transaction(), db.transaction() as session:
                await work(session)

        async def using() -> None:
            async with db.session() as session:
                await db.counted.using(session).create()
                await terminate(admin, int(str(await session.scalar(sa.text("SELECT pg_backend_pid()")))))
                raise mine

        async def run() -> None:
            await db.run(work)

        with pytest.raises(ValueError, match="mine") as caught:
            await {"block": block, "nested": nested, "using": using, "run": run}[where]()
        assert caught.value is mine
        assert await db.counted.count() == 0
        assert db.pool_status()["in_use"] == 0


async def test_a_session_whose_connection_is_lost_is_unreachable_at_its_commit(db: Database, address: str) -> None:
    async with Database(address) as admin:
        with pytest.raises(UnreachableError):
            async with db.session() as session:
                await db.counted.using(session).create()
                await terminate(admin, int(str(await session.scalar(sa.text("SELECT pg_backend_pid()")))))
        assert await db.counted.count() == 0
        assert db.pool_status()["in_use"] == 0


async def test_a_block_that_was_idle_for_too_long_is_unreachable(db: Database, address: str) -> None:
    arguments = {"server_settings": {"idle_in_transaction_session_timeout": "200ms"}}
    async with Database(address, pool_size=1, max_overflow=0, connect_args=arguments) as idle:
        with pytest.raises(UnreachableError):
            async with idle.transaction():
                await idle.counted.create()
                await asyncio.sleep(0.6)
                await idle.counted.create()
        async with idle.transaction():
            await idle.counted.create()
    assert await db.counted.count() == 1


MIGRATIONS = {
    "add a column": ("ALTER TABLE counted ADD COLUMN more integer", "ALTER TABLE counted DROP COLUMN more"),
    "change a type": (
        "ALTER TABLE counted ALTER COLUMN n TYPE bigint",
        "ALTER TABLE counted ALTER COLUMN n TYPE integer",
    ),
    "replace the table": (
        "ALTER TABLE counted RENAME TO o; CREATE TABLE counted (LIKE o INCLUDING ALL); INSERT INTO counted TABLE o",
        "DROP TABLE counted; ALTER TABLE o RENAME TO counted",
    ),
}


@asynccontextmanager
async def migrated(address: str, name: str) -> AsyncIterator[Callable[[], Any]]:
    """Yield what migrates; afterwards all is as it was."""
    there, back = MIGRATIONS[name]
    async with Database(address) as admin:
        done: list[str] = []

        async def migrate() -> None:
            done.append(name)
            await execute(admin, *there.split(";"))

        yield migrate
        if done:
            await execute(admin, *back.split(";"))


async def streamed(db: Database) -> list[Any]:
    return [(one.id, one.n) async for one in db.counted.find_all(id=1)]


CALLS: dict[str, Callable[[Database], Any]] = {
    "get": lambda db: db.counted.get_by_id(1),
    "find": lambda db: db.counted.find_all(id=1).order_by(db.counted.c.n),
    "page": lambda db: db.counted.find_all().page(5),
    "upsert_many": lambda db: db.counted.upsert_many([{"id": 1, "n": 1}]),
    "update": lambda db: db.counted.update_by_id(1, n=1),
    "update_many": lambda db: db.counted.update_many([{"id": 1, "n": 1}]),
    "update_where": lambda db: db.counted.update_where(db.counted.c.n + 0 == 1, n=1),
    "exists": lambda db: db.counted.exists(n=1),
    "sum": lambda db: db.counted.find_all().sum(db.counted.c.n),
    "stream": streamed,
}


@pytest.mark.parametrize("name", MIGRATIONS)
@pytest.mark.parametrize("call", CALLS)
async def test_a_statement_that_a_migration_has_outdated_is_sent_again(
    one: Database, address: str, name: str, call: str
) -> None:
    await one.counted.create(n=1)
    work = CALLS[call]
    right = await work(one)
    for _ in range(2):
        assert await work(one) == right
    async with migrated(address, name) as migrate:
        await migrate()
        assert await work(one) == right
        assert await work(one) == right
    assert await work(one) == right


@pytest.mark.parametrize("name", MIGRATIONS)
@pytest.mark.parametrize("call", ["get", "stream", "bulk", "session"])
async def test_a_transaction_that_a_migration_has_outdated_is_repeated_by_run(
    one: Database, address: str, name: str, call: str
) -> None:
    await one.counted.create(n=1)
    attempts = 0

    async def read(session: Any) -> None:
        if call == "get":
            assert (await one.counted.get_one_by_id(1)).n == 1
        elif call == "stream":
            assert [two.n async for two in one.counted.find_all(id=1)] == [1]
        elif call == "bulk":
            assert [two.n for two in await one.counted.upsert_many([{"id": 1, "n": 1}])] == [1]
        else:
            assert (await session.execute(sa.text("SELECT id, n FROM counted"))).one() == (1, 1)

    async def work(session: Any) -> None:
        nonlocal attempts
        attempts += 1
        await one.skipped.create(name="once")
        await read(session)

    for _ in range(2):
        async with one.transaction() as session:
            await read(session)
    async with migrated(address, name) as migrate:
        await migrate()
        await one.run(work)
        assert attempts <= 2
        assert await one.skipped.count() == 1


async def test_a_transaction_that_a_migration_has_outdated_is_a_conflict(one: Database, address: str) -> None:
    await one.counted.create(n=1)
    async with migrated(address, "change a type") as migrate:
        assert (await one.counted.get_one_by_id(1)).n == 1
        await migrate()
        with pytest.raises(ConflictError, match="a migration has changed the table"):
            async with one.transaction():
                await one.skipped.create(name="never")
                await one.counted.get_one_by_id(1)
        async with one.transaction():
            assert (await one.counted.get_one_by_id(1)).n == 1
    assert await one.skipped.count() == 0


async def test_a_type_that_a_migration_has_replaced_is_looked_up_again(one: Database, address: str) -> None:
    await one.thing.create(mood=Mood.BAD)
    labels = ", ".join(f"'{mood.name}'" for mood in Mood)

    async def replace() -> None:
        async with Database(address) as admin:
            await execute(
                admin,
                "ALTER TYPE fault_mood RENAME TO old_mood",
                f"CREATE TYPE fault_mood AS ENUM ({labels})",
                "ALTER TABLE thing ALTER COLUMN mood TYPE fault_mood USING mood::text::fault_mood",
                "ALTER TABLE dated ALTER COLUMN mood TYPE fault_mood USING mood::text::fault_mood",
                "ALTER TABLE dated ALTER COLUMN moods TYPE fault_mood[] USING moods::text[]::fault_mood[]",
                "ALTER TABLE sought ALTER COLUMN moods TYPE fault_mood[] USING moods::text[]::fault_mood[]",
                "DROP TYPE old_mood",
            )

    async def work(_: Any) -> Any:
        await one.counted.create()
        return [await one.thing.count(mood=Mood.BAD), await one.thing.update_where(mood=Mood.BAD, all_rows=True)]

    for _ in range(2):
        assert await one.thing.count(mood=Mood.BAD) == 1
        assert (await one.thing.find_all(mood=AnyOf([Mood.BAD])).one()).mood is Mood.BAD
        assert await one.run(work) == [1, 1]
        await replace()
    assert await one.run(work) == [1, 1]
    assert await one.counted.count() == 3


# 15: tasks that are started inside


async def test_tasks_of_a_block_have_transactions_and_sessions_of_their_own(db: Database) -> None:
    async def block(n: int) -> None:
        async with db.transaction():
            await db.counted.create(n=n)
            async with db.transaction():
                await db.counted.create(n=n)

    async def session(n: int) -> None:
        async with db.session() as own:
            await db.counted.using(own).create(n=n)

    async def run(n: int) -> None:
        async def work(_: Any) -> None:
            await db.counted.create(n=n)

        await db.run(work, isolation="SERIALIZABLE")

    with pytest.raises(KeyError):
        async with db.transaction():
            await db.skipped.create(name="lost")
            async with asyncio.TaskGroup() as tasks:
                for n, own in enumerate((block, session, run)):
                    tasks.create_task(own(n))
            assert await db.skipped.count() == 1  # the block is still the one of this task
            raise KeyError
    assert sorted([one.n for one in await db.counted.find_all()]) == [0, 0, 1, 2]
    assert await db.skipped.count() == 0


async def test_a_task_that_outlives_its_block_goes_on_with_its_own(db: Database) -> None:
    begun, over = asyncio.Event(), asyncio.Event()

    async def own() -> None:
        async with db.transaction():
            await db.counted.create(n=1)
            begun.set()
            await over.wait()
            await db.counted.create(n=2)
        await db.counted.create(n=3)

    async with db.transaction():
        task = asyncio.create_task(own())
        await begun.wait()
        await db.counted.create(n=9)
    over.set()
    await task
    assert sorted([one.n for one in await db.counted.find_all()]) == [1, 2, 3, 9]


async def test_a_stream_of_a_task_that_was_started_in_a_block_is_told_what_to_do(db: Database) -> None:
    async def read() -> None:
        async for _ in db.counted.find_all():
            pass

    async with db.transaction():
        with pytest.raises(TransactionError, match=r"asyncio\.timeout"):
            await asyncio.create_task(read())


# 16: cursors of clients, mistakes that are named


async def test_a_cursor_with_any_byte_changed_is_refused(db: Database) -> None:
    await db.counted.create_many([{"n": n} for n in range(4)])
    found = db.counted.find_all().order_by(db.counted.c.n.desc())
    cursor = (await found.page(2)).next
    assert cursor
    assert [one.n for one in (await found.page(2, after=cursor)).items] == [1, 0]
    for at_, one in enumerate(cursor):
        damaged = cursor[:at_] + ("A" if one != "A" else "B") + cursor[at_ + 1 :]
        with pytest.raises(InvalidCursorError):
            await found.page(2, after=damaged)
    for length in range(len(cursor)):
        with pytest.raises(InvalidCursorError):
            await found.page(2, after=cursor[:length])
    longer = (f"{cursor}A", f"{cursor} ", f" {cursor}", f"{cursor}\n", cursor * 2)
    for wrong in (*longer, "", "=" * 8, "\0", "\ud800", "9" * 9999):
        with pytest.raises(InvalidCursorError):
            await found.page(2, after=wrong)


@pytest.mark.parametrize("made", ["another order", "another direction", "another model", "a forger"])
async def test_a_cursor_of_another_order_is_refused(db: Database, made: str) -> None:
    await db.counted.create_many([{"n": n} for n in range(4)])
    await db.guarded.create_many([{"id": n, "name": str(n)} for n in range(4)])
    c = db.counted.c
    cursor = {
        "another order": (await db.counted.find_all().page(2)).next,
        "another direction": (await db.counted.find_all().order_by(c.n).page(2)).next,
        "another model": (await db.guarded.find_all().order_by(db.guarded.c.v.desc()).page(2)).next,
        "a forger": base64.urlsafe_b64encode(b'\x01\x00\x00\x00\x00\x00\x00\x00\x00["1", "1"]').decode(),
    }[made]
    assert cursor
    with pytest.raises(InvalidCursorError):
        await db.counted.find_all().order_by(c.n.desc()).page(2, after=cursor)


@pytest.mark.parametrize("size", [0, -1])
async def test_a_page_has_at_least_one_row(db: Database, size: int) -> None:
    with pytest.raises(ValueError, match="at least one row"):
        await db.counted.find_all().page(size)
    with pytest.raises(ValueError, match="at least one row"):
        await db.counted.paginate(per_page=size)


@pytest.mark.parametrize("order", ["created_at", ["created_at", "n"], ["-created_at"], [None], 5, "n desc"])
async def test_an_order_that_is_no_column_is_named_whole(db: Database, order: Any) -> None:
    for call in (lambda: db.counted.find_all(order_by=order), lambda: db.counted.find_one(order_by=order)):
        with pytest.raises(TypeError, match="order_by") as caught:
            await call()  # type: ignore[misc]
        assert f"not {order[0] if isinstance(order, list) else order!r}" in str(caught.value)


async def test_a_controller_outlives_the_disposal_of_its_service(address: str) -> None:
    db = Database(address)
    counted = db.counted
    before = await counted.count()
    await db.dispose()
    assert await counted.count() == before
    async with db.transaction():
        assert await counted.count() == before
    await db.dispose()


async def test_a_service_that_was_not_made_says_so(address: str) -> None:
    class Unready(Database):
        def __init__(self) -> None:
            self.own = 1

    for call in (lambda db: db.counted.count(), lambda db: db.ping(), lambda db: db.counted.create()):
        with pytest.raises(Exception, match=r"super\(\)\.__init__\(\)"):
            await call(Unready())
    with pytest.raises(Exception, match=r"super\(\)\.__init__\(\)"):
        async with Unready().transaction():
            pass


# 17: conditions that Python has answered itself


CONDITIONS: dict[str, Callable[[Any], Any]] = {
    "& not": lambda c: (c.v == 1) & (not c.name),
    "and_ not": lambda c: sa.and_(c.v == 1, not c.name),
    "| true": lambda c: (c.v == 1) | True,
    "or_ bool": lambda c: sa.or_(c.v == 1, bool(c.name)),
    "deeper": lambda c: (c.v == 2) & ((c.v == 1) & (not c.name)),
    "deeper in or_": lambda c: sa.or_(c.v == 2, sa.and_(c.v == 1, not c.name)),
    "not": lambda c: not c.name,
    "is None": lambda c: c.name is None,
    "in": lambda c: c.v in (1, 2) and False,
    "true": lambda _: sa.true(),
    "false": lambda _: sa.false(),
    "~true": lambda _: ~sa.true(),
    "True": lambda _: True,
    "False": lambda _: False,
    "self_group": lambda _: sa.false().self_group(),
}


@pytest.mark.parametrize("name", CONDITIONS)
async def test_a_condition_that_python_has_decided_is_refused_everywhere(db: Database, name: str) -> None:
    await db.thing.create(v=1)
    condition: Any = CONDITIONS[name](db.thing.c)
    calls: tuple[Callable[[], Any], ...] = (
        lambda: db.thing.find_all(condition),
        lambda: db.thing.find_all([db.thing.c.v == 1, condition]),
        lambda: db.thing.find_one(condition),
        lambda: db.thing.count(condition),
        lambda: db.thing.exists(condition),
        lambda: db.thing.paginate(condition),
        lambda: db.thing.update_where(condition, v=2),
        lambda: db.thing.delete_where(condition),
    )
    for call in calls:
        with pytest.raises(TypeError, match=r"write ~c\.flag"):
            await call()
    assert await db.thing.count(v=1) == 1


async def test_conditions_on_flags_that_are_sql_are_welcome(db: Database) -> None:
    await db.thing.create(v=1)
    c: Any = db.thing.c
    for right in (
        (c.v == 1) & ~(c.name == "y"),
        (c.v == 1) | (c.v == 2),
        sa.not_(c.v == 2),
        c.v.in_([1]),
        c.name.is_not(None),
    ):
        assert await db.thing.count(right) == 1, str(right)
    for empty in (c.v.in_([]), (c.v == 1) & c.v.in_([]), sa.literal(1) == 2):
        assert await db.thing.count(empty) == 0, str(empty)


async def test_a_type_that_makes_json_itself_gets_the_value_as_it_is(db: Database) -> None:
    rows = db.configured
    first = await rows.create(conf=Conf(depth=1))
    await rows.create_many([{"conf": Conf(depth=depth)} for depth in (2, 3)])
    await rows.update_many([{"id": first.id, "conf": Conf(depth=4)}])
    assert await rows.upsert_many([{"conf": Conf(depth=4)}], key=["conf"])
    found = await rows.get_by_conf(Conf(depth=4))
    assert found
    assert (found.id, found.conf) == (first.id, Conf(depth=4))
    assert await rows.find_all(conf=AnyOf([Conf(depth=2), Conf(depth=3)])).count() == 2


# after_commit


async def test_callbacks_of_attempts_that_are_repeated_are_dropped(db: Database, address: str) -> None:
    await db.counted.create()
    calls, attempts = list[int](), 0
    async with Database(address) as other:

        async def work(_: Any) -> None:
            nonlocal attempts
            attempts += 1
            number = attempts
            db.after_commit(lambda: calls.append(number))
            await db.counted.count()
            if attempts == 1:
                await other.counted.update_by_id(1, n=5)
            await db.counted.update_by_id(1, n=6)

        await db.run(work, isolation="REPEATABLE READ")
    assert (attempts, calls) == (2, [2])


@pytest.mark.parametrize("end", ["error", "caught", "constraint", "lost", "cancelled"])
async def test_nothing_follows_a_commit_that_did_not_happen(db: Database, address: str, end: str) -> None:
    calls: list[str] = []
    await db.skipped.create(name="there")

    async def work() -> None:
        async with db.transaction() as session:
            db.after_commit(lambda: calls.append("never"))
            await db.counted.create()
            if end == "error":
                raise KeyError
            if end == "caught":
                await fails(db.skipped.create(name="there"), UniqueViolation)
            elif end == "constraint":
                session.add(db.skipped.model(name="there"))
            elif end == "lost":
                async with Database(address) as admin:
                    await lose(db, admin)
            else:
                async with asyncio.timeout(0.01):
                    await asyncio.sleep(5)

    with pytest.raises((KeyError, DatabaseError, TimeoutError)):
        await work()
    assert (calls, await db.counted.count()) == ([], 0)


async def test_callbacks_of_savepoints_follow_the_outermost_commit_in_order(db: Database) -> None:
    calls: list[str] = []

    async def noted(name: str) -> None:
        await asyncio.sleep(0)
        calls.append(f"{name} {await db.counted.count()}")

    async with db.transaction():
        db.after_commit(lambda: noted("a"))
        async with db.transaction():
            db.after_commit(lambda: calls.append("b"))
            with suppress(KeyError):
                async with db.transaction():
                    db.after_commit(lambda: calls.append("never"))
                    async with db.transaction():
                        db.after_commit(lambda: calls.append("never either"))
                    raise KeyError
            await db.counted.create()
        with suppress(UniqueViolation):
            async with db.transaction():
                db.after_commit(lambda: calls.append("nor this"))
                await db.counted.create(id=1)
        db.after_commit(lambda: noted("c"))
        assert calls == []
    assert calls == ["a 1", "b", "c 1"]


async def test_a_callback_may_begin_a_transaction_and_wait_for_another(db: Database) -> None:
    calls: list[str] = []

    async def later() -> None:
        async with db.transaction():
            await db.counted.create(n=2)
            db.after_commit(lambda: calls.append("second"))
        db.after_commit(lambda: calls.append("at once"))
        calls.append("first")

    async with db.transaction():
        await db.counted.create(n=1)
        db.after_commit(later)
    assert calls == ["second", "at once", "first"]
    assert await db.counted.count() == 2


async def test_outside_of_a_transaction_a_callback_is_called_at_once(db: Database) -> None:
    done, calls = asyncio.Event(), list[str]()

    async def later() -> None:
        await db.counted.create()
        done.set()

    db.after_commit(lambda: calls.append("at once"))
    assert calls == ["at once"]
    db.after_commit(later)
    async with asyncio.timeout(2):
        await done.wait()
    assert await db.counted.count() == 1


@pytest.mark.parametrize("awaitable", [False, True])
async def test_what_a_callback_raises_is_logged_and_takes_nothing_back(
    db: Database, caplog: pytest.LogCaptureFixture, awaitable: bool
) -> None:
    calls: list[str] = []

    def plain() -> None:
        raise LookupError("of the callback")

    async def later() -> None:
        plain()

    with caplog.at_level(logging.ERROR):
        async with db.transaction():
            await db.counted.create()
            db.after_commit(later if awaitable else plain)
            db.after_commit(lambda: calls.append("still"))
    assert calls == ["still"]
    assert "after_commit" in caplog.text
    assert "of the callback" in caplog.text
    assert await db.counted.count() == 1


# rows that Python cannot hold, and the ends of time


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
async def test_a_row_that_python_cannot_hold_is_named_by_every_call(db: Database, name: str) -> None:
    column, value = UNREADABLE[name]
    await execute(db, "ALTER TYPE fault_mood ADD VALUE IF NOT EXISTS 'TOMORROW'")
    await execute(db, f"INSERT INTO dated (id, {column}) VALUES (1, {value})")

    async def streamed() -> Any:
        return [one async for one in db.dated.find_all()]

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
        with pytest.raises(UnreadableRowError, match="Dated: a row holds a value that Python cannot") as caught:
            await call()  # type: ignore[misc]
        assert "TOMORROW" not in str(caught.value)
        assert "12345" not in str(caught.value)
    assert db.pool_status()["in_use"] == 0
    assert await db.dated.count() == 1
    assert await db.dated.update_where(all_rows=True, **{column: None}) == 1
    assert len(await db.dated.find_all()) == 1


ENDS: dict[str, tuple[Any, Any]] = {
    "at": (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
    "naive": (datetime.min, datetime.max),  # noqa: DTZ901 - without a zone, as the column is
    "day": (date.min, date.max),
}


@pytest.mark.parametrize("name", ENDS)
async def test_the_ends_of_time_go_there_and_back_on_every_way(db: Database, name: str) -> None:
    dated: Any = db.dated
    first, last = ENDS[name]
    await dated.create(id=1, **{name: first})
    await dated.create_many([{"id": 2, name: last}, {"id": 3}])
    assert await dated.update_many([{"id": 3, name: last}]) == 1
    await dated.upsert_by_id(id=4, **{name: first})
    await dated.upsert_many([{"id": 4, name: last}])
    async with db.session() as session:
        stored = (await session.scalars(sa.text(f"SELECT {name}::text FROM dated ORDER BY id"))).all()
    assert stored == ["-infinity", "infinity", "infinity", "infinity"]
    assert [getattr(one, name) for one in await dated.find_all(order_by=dated.c.id)] == [first, last, last, last]
    assert [getattr(one, name) async for one in dated.find_all(id=1)] == [first]
    assert await dated.count(**{name: last}) == 3
    assert await dated.count(**{name: AnyOf([first, last])}) == 4
    assert await dated.count(**{name: Span(gt=first, le=last)}) == 3
    assert await dated.count(getattr(dated.c, name) == last) == 3
    for one in await dated.find_all():
        assert await dated.update_by_id(one.id, **{name: getattr(one, name)}) == one
    order = dated.find_all().order_by(getattr(dated.c, name))
    page = await order.page(1)
    rest = await order.page(9, after=page.next)
    assert [one.id for one in [*page.items, *rest.items]] == [1, 2, 3, 4]


async def test_the_ends_of_time_are_those_that_others_have_stored(db: Database) -> None:
    await execute(db, "INSERT INTO dated (id, at, naive, day) VALUES (1, 'infinity', 'infinity', 'infinity')")
    await execute(db, "INSERT INTO dated (id, at, naive, day) VALUES (2, '-infinity', '-infinity', '-infinity')")
    last, first = await db.dated.find_all(order_by=db.dated.c.id)
    assert [(getattr(first, name), getattr(last, name)) for name in ENDS] == [ENDS[name] for name in ENDS]
    stored = await db.dated.upsert_many([one.model_dump() for one in (first, last)])  # type: ignore[arg-type]
    assert stored == [first, last]


# 18: keys that the database counts


async def test_a_key_that_the_database_counts_may_be_left_out_or_given(db: Database) -> None:
    assert (await db.counted.create()).id == 1
    assert (await db.counted.create(n=1)).id == 2
    assert [one.id for one in await db.counted.create_many([{}, {"id": 50, "n": 1}, {"n": 2}])] == [3, 50, 4]
    assert [one.id for one in await db.counted.upsert_many([{"n": 5}, {"id": 1, "n": 6}])] == [5, 1]
    assert (await db.counted.get_one_by_id(1)).n == 6
    with pytest.raises(DatabaseError, match="id is required"):
        await db.counted.update_many([{"n": 5}])
