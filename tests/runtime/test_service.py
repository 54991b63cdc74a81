"""The service: addresses, settings, connecting and disposing."""

from __future__ import annotations

import asyncio
import logging
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from typing import Any

import guild_db
import pytest
import sqlalchemy as sa
from guild_db import Database, DatabaseService, TimedOutError, UnreachableError, UserController
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine


async def test_database_works_without_connect(url: str) -> None:
    db = Database(url)
    assert await db.user.count() >= 0
    await db.dispose()
    assert await db.user.count() >= 0
    await db.dispose()


async def test_connect_and_ping(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    db = await Database(url).connect()
    await db.ping()
    assert isinstance(db.engine, AsyncEngine)
    await db.dispose()
    assert "connected" in caplog.text


async def test_address_comes_from_the_environment(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    async with Database() as db:
        await db.ping()
    monkeypatch.delenv("DATABASE_URL")
    with pytest.raises(ValueError, match="DATABASE_URL"):
        Database()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg"])
async def test_every_postgresql_scheme_is_accepted(url: str, scheme: str) -> None:
    async with Database(scheme + url.removeprefix("postgresql")) as db:
        await db.ping()


async def test_libpq_parameters_are_understood(url: str) -> None:
    more = "sslmode=prefer&application_name=bot&connect_timeout=5&channel_binding=prefer"
    async with Database(f"{url}{'&' if '?' in url else '?'}{more}") as db, db.session() as session:
        assert await session.scalar(sa.text("SHOW application_name")) == "bot"


@pytest.mark.parametrize("wrong", ["mysql://x/y", "sqlite://", "nonsense"])
async def test_other_schemes_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"PostgreSQL|URL"):
        Database(wrong)


async def test_url_hides_the_password() -> None:
    assert "secret" not in Database("postgresql://me:secret@nowhere/db").url


async def test_missing_server_raises_a_clear_error() -> None:
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:1/db") as caught:
        await Database("postgresql://me:secret@127.0.0.1:1/db").connect()
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value, ConnectionError)


async def test_missing_database_raises_a_clear_error(url: str) -> None:
    path = sa.make_url(url).set(database="absent").render_as_string(hide_password=False)
    with pytest.raises(UnreachableError, match='"absent" does not exist'):
        await Database(path).connect()


async def test_statement_timeout_and_application_name(url: str) -> None:
    async with Database(url, statement_timeout=0.05, application_name="tests") as db:
        async with db.session() as session:
            assert await session.scalar(sa.text("SHOW application_name")) == "tests"
        with pytest.raises(DBAPIError, match="statement timeout"):
            async with db.session() as session:
                await session.exec(sa.text("SELECT pg_sleep(5)"))


async def test_pool_settings(url: str) -> None:
    async with Database(url, pool_size=1, max_overflow=0, pool_timeout=0.05) as db, db.session() as session:
        await session.exec(sa.text("SELECT 1"))
        with pytest.raises(TimedOutError, match="no connection was free"):
            await db.user.count()


async def test_controller_is_created_once_and_can_be_replaced(url: str) -> None:
    class Users(UserController):
        def __init__(self, db: Database, limit: int) -> None:
            super().__init__(db)
            self.most = limit

        async def guilds(self) -> int:
            return min(self.most, await self.db.guild.count())

    db = Database(url)
    assert db.user is db.user
    assert repr(db.user) == f"<UserController of {db!r}>"
    users = db.user = Users(db, limit=5)
    assert await db.user.count() >= 0
    assert await users.guilds() >= 0
    await db.dispose()


async def test_misspelt_controller_is_named(url: str) -> None:
    db = Database(url)
    with pytest.raises(AttributeError, match=r"Database has no controller 'users'; did you mean user\?"):
        _ = getattr(db, "users")  # noqa: B009 - type checkers also reject the attribute


def test_package_exports_the_names_of_its_modules_only() -> None:
    assert guild_db.LevelController.__module__ == "guild_db.level"
    assert all(getattr(guild_db, name) is not None for name in guild_db.__all__)
    with pytest.raises(AttributeError, match="module 'guild_db' has no attribute 'Nothing'"):
        _ = guild_db.Nothing


async def test_slow_calls_are_logged_without_values(url: str, db: Database, caplog: pytest.LogCaptureFixture) -> None:
    async with Database(url, slow_call=0) as slow:
        await slow.user.create(discord_id=777888, guild_id=1, name="hunter2")
    slow_ones = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert all(message.startswith("a statement took 0.") for message in slow_ones)
    assert [message for message in slow_ones if "INSERT INTO users" in message]
    assert "hunter2" not in caplog.text
    assert "777888" not in caplog.text


@pytest.mark.parametrize("options", [{"echo": True}, {"slow_call": 0}], ids=["echo", "slow_call"])
async def test_statements_of_sessions_are_logged_once(
    url: str, db: Database, caplog: pytest.LogCaptureFixture, options: dict[str, Any]
) -> None:
    caplog.set_level(logging.INFO)
    async with Database(url, **options) as logged:
        async with logged.session() as session:
            await session.exec(sa.text("SELECT 1 AS of_a_session WHERE :value <> ''").bindparams(value="hunter2"))
            async for _ in await session.stream(sa.text("SELECT 2 AS of_a_stream")):
                pass
        async with logged.transaction() as session:
            await session.exec(sa.text("SELECT 3 AS of_a_block"))
            await logged.user.count()
        with pytest.raises(DBAPIError):
            async with logged.session() as session:
                await session.exec(sa.text("SELECT 4 AS of_a_failure FROM nowhere"))
    for text in ("of_a_session", "of_a_stream", "of_a_block", "of_a_failure", "SELECT count(*) FROM users"):
        assert [record.name for record in caplog.records if text in record.getMessage()] == ["guild_db.runtime"], text
    assert "hunter2" not in caplog.text


async def test_pool_status_counts_connections_in_use(url: str) -> None:
    async with Database(url, pool_size=1) as db:
        assert db.pool_status() == {"idle": 1, "in_use": 0, "overflow": 0}
        async with db.session() as one, db.session() as other:
            await one.exec(sa.text("SELECT 1"))
            await other.exec(sa.text("SELECT 1"))
            assert db.pool_status() == {"idle": 0, "in_use": 2, "overflow": 1}


async def test_watched_reports_statements_of_controllers_only(db: Database) -> None:
    seen: list[tuple[str, tuple[object, ...]]] = []

    def note(statement: str, arguments: Sequence[object]) -> None:
        seen.append((statement, tuple(arguments)))

    with db.watched(note):
        for _ in range(3):
            await db.guild.get_by_id(1)
        async with db.session() as session:
            await session.exec(sa.text("SELECT 5"))
    await db.guild.get_by_id(1)
    assert [arguments for _, arguments in seen] == [(1,)] * 3
    assert all(statement.startswith("SELECT") and "$1" in statement for statement, _ in seen)


@pytest.mark.parametrize("name", ["before_execute", "after_execute", "before_cursor_execute", "after_cursor_execute"])
async def test_engine_events_cover_all_statements_of_sessions(db: Database, name: str) -> None:
    seen: list[object] = []

    def listener(*arguments: object) -> None:
        seen.append(arguments)

    sa.event.listen(db.engine.sync_engine, name, listener)
    async with db.session() as session:
        for _ in range(4):
            await session.exec(sa.text("SELECT 1"))
    sa.event.remove(db.engine.sync_engine, name, listener)
    assert len(seen) == 4


async def test_error_events_cover_all_errors_of_sessions(db: Database) -> None:
    seen: list[object] = []
    sa.event.listen(db.engine.sync_engine, "handle_error", seen.append)
    for _ in range(3):
        with pytest.raises(DBAPIError):
            async with db.session() as session:
                await session.exec(sa.text("SELECT 1 / 0"))
    assert len(seen) == 3


async def test_sqlalchemys_log_shows_every_statement_of_sessions(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "sqlalchemy.engine"):
        async with Database(url) as logged, logged.session() as session:
            caplog.clear()
            for _ in range(3):
                await session.exec(sa.text("SELECT 1 AS one"))
    assert caplog.text.count("SELECT 1 AS one") == 3


async def test_session_with_a_schema_translate_map_is_refused(db: Database) -> None:
    async with db.session() as session:
        await session.connection(execution_options={"schema_translate_map": {None: "tenant"}})
        with pytest.raises(TypeError, match="search_path"):
            await db.guild.using(session).get_by_id(1)


async def test_closed_idle_connections_fail_no_call(db: Database, url: str) -> None:
    await asyncio.gather(*(db.guild.get_by_id(1) for _ in range(5)))
    async with DatabaseService(url, pool_size=1) as admin, admin.session() as session:
        sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        await session.exec(sa.text(f"{sql} AND pid <> pg_backend_pid()"))
    await asyncio.sleep(0.2)
    for _ in range(7):
        assert (await db.guild.get_one_by_id(1)).name == "home"


def test_no_password_is_shown() -> None:
    assert "hunter2" not in DatabaseService("postgresql://u:hunter2@h/d?sslpassword=hunter2").url


async def test_abandoned_stream_ends_silently_with_the_program(url: str) -> None:
    program = f"""
import asyncio, sys
sys.path[:0] = {sys.path!r}
from guild_db import Database

async def first():
    db = Database({url!r})
    await db.tag.create_many([{{"name": str(n)}} for n in range(5)])
    async for tag in db.tag.find_all():
        return tag

print((await_ := asyncio.run(first())).name)
"""
    ran = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=PIPE, stderr=PIPE)
    out, err = await ran.communicate()
    assert (out, err) == (b"0\n", b"")


async def test_waiting_task_gets_a_connection(url: str) -> None:
    """Even if the tasks that return a connection request the next one immediately."""
    async with Database(url, pool_size=2, max_overflow=0, pool_timeout=5) as db:
        done = dict.fromkeys(range(4), 0)

        async def ask(number: int) -> None:
            while sum(done.values()) < 400:
                await db.guild.get_by_id(1)
                done[number] += 1

        await asyncio.gather(*(ask(number) for number in done))
        assert min(done.values()) > 50
