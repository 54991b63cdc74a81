"""The service: addresses, settings, connecting and letting go."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from runtime import UnreachableError, lazy_exports
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.runtime.guild import Database, UserController


async def test_usable_without_connecting(url: str) -> None:
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


async def test_the_address_comes_from_the_environment(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    async with Database() as db:
        await db.ping()
    monkeypatch.delenv("DATABASE_URL")
    with pytest.raises(ValueError, match="DATABASE_URL"):
        Database()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg"])
async def test_any_address_of_a_postgresql_will_do(url: str, scheme: str) -> None:
    async with Database(scheme + url.removeprefix("postgresql")) as db:
        await db.ping()


async def test_libpq_parameters_are_understood(url: str) -> None:
    more = "sslmode=prefer&application_name=bot&connect_timeout=5&channel_binding=prefer"
    async with Database(f"{url}{'&' if '?' in url else '?'}{more}") as db, db.session() as session:
        assert await session.scalar(sa.text("SHOW application_name")) == "bot"


@pytest.mark.parametrize("wrong", ["mysql://x/y", "sqlite://", "nonsense"])
async def test_other_addresses_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"PostgreSQL|URL"):
        Database(wrong)


async def test_the_url_hides_the_password() -> None:
    assert "secret" not in Database("postgresql://me:secret@nowhere/db").url


async def test_a_server_that_is_not_there_is_a_clear_error() -> None:
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:1/db") as caught:
        await Database("postgresql://me:secret@127.0.0.1:1/db").connect()
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value, ConnectionError)


async def test_a_database_that_is_not_there_is_a_clear_error(url: str) -> None:
    path = sa.make_url(url).set(database="absent").render_as_string(hide_password=False)
    with pytest.raises(UnreachableError, match='"absent" does not exist'):
        await Database(path).connect()


async def test_statement_timeout_and_application_name(url: str) -> None:
    async with Database(url, statement_timeout=0.05, application_name="tests") as db:
        async with db.session() as session:
            assert await session.scalar(sa.text("SHOW application_name")) == "tests"
        with pytest.raises(DBAPIError, match="statement timeout"):
            async with db.session() as session:
                await session.execute(sa.text("SELECT pg_sleep(5)"))


async def test_pool_settings(url: str) -> None:
    async with Database(url, pool_size=1, max_overflow=0, pool_timeout=0.05) as db, db.session() as session:
        await session.execute(sa.text("SELECT 1"))
        with pytest.raises(sa.exc.TimeoutError):
            await db.user.count()


async def test_a_controller_is_made_once_and_may_be_replaced_by_subclassing(url: str) -> None:
    class Users(UserController):
        async def total(self) -> int:
            return await self.count()

    class Bot(Database):
        @property
        def user(self) -> Users:
            return self._controller(Users)

    db = Bot(url)
    assert db.user is db.user
    assert await db.user.total() >= 0
    await db.dispose()


def test_lazy_exports_import_on_first_use() -> None:
    find = lazy_exports("collections", {"Mapping": "abc"})
    assert find("Mapping").__name__ == "Mapping"  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="'Nothing'"):
        find("Nothing")
    assert SimpleNamespace


async def test_slow_calls_are_logged_without_values(url: str, db: Database, caplog: pytest.LogCaptureFixture) -> None:
    async with Database(url, slow_call=0) as slow:
        await slow.user.create(discord_id=777888, guild_id=1, name="hunter2")
    (record,) = [one for one in caplog.records if one.levelname == "WARNING"]
    assert record.getMessage().startswith("a call on User took 0.")
    assert "hunter2" not in caplog.text
    assert "777888" not in caplog.text


async def test_pool_status_tells_what_is_in_use(url: str) -> None:
    async with Database(url, pool_size=1) as db:
        assert db.pool_status() == {"idle": 1, "in_use": 0, "overflow": 0}
        async with db.session() as one, db.session() as other:
            await one.execute(sa.text("SELECT 1"))
            await other.execute(sa.text("SELECT 1"))
            assert db.pool_status() == {"idle": 0, "in_use": 2, "overflow": 1}
