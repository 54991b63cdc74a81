"""Fixtures for all tests: a PostgreSQL server for the run, and fresh databases on request."""

from __future__ import annotations

import os
import signal
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from bot.embedded import start_server

from .fork_server import VARIABLE, fork_servers

if TYPE_CHECKING:
    from sqlalchemy import MetaData
    from sqlalchemy.ext.asyncio import AsyncEngine

NewDatabase = Callable[[], AbstractAsyncContextManager[str]]


def pytest_configure() -> None:
    """Let the processes that the tests start be interrupted, also if a shell runs the tests in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def forks() -> Iterator[None]:
    """Let the processes that the tests start be forks, unless the variable ``FORK_SERVERS`` is ``off``."""
    if os.environ.get("FORK_SERVERS") == "off":
        yield
        return
    with fork_servers() as variables, pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def real_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start real processes in this test, because it is about how they start, or how they are interrupted."""
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture(scope="session")
def server_url() -> str:
    """The address of a real PostgreSQL: ``DATABASE_URL``, or an embedded server for this run."""
    # Not under pytest's temporary folder: under root the server is another user, and pytest locks it out.
    url = os.environ.get("DATABASE_URL")
    return url or start_server(Path(tempfile.mkdtemp(prefix="ctrlgen-tests-")), keep=False)


@pytest.fixture(scope="session")
def new_database(server_url: str) -> NewDatabase:
    """Return a function that creates an empty database and returns its address; drop the databases afterwards."""

    @asynccontextmanager
    async def make() -> AsyncIterator[str]:
        name = f"ctrlgen_{uuid.uuid4().hex[:12]}"
        await execute(server_url, f'CREATE DATABASE "{name}"')
        try:
            yield _with_database(server_url, name)
        finally:
            await execute(server_url, f'DROP DATABASE "{name}" WITH (FORCE)')

    return make


@pytest.fixture(scope="session")
def project() -> Path:
    """The root of this repository."""
    return Path(__file__).resolve().parent.parent


def wait_for(happened: Callable[[], object]) -> None:
    """Wait until a condition is met."""
    end = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < end, "the condition was not met in time"
        time.sleep(0.005)


async def execute(url: str, *statements: str) -> None:
    """Run statements on a separate connection, without a pool."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def make_tables(engine: AsyncEngine, metadata: MetaData, *statements: str) -> None:
    """Create all tables, and then run statements for objects that the metadata does not contain."""
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        for statement in statements:
            await connection.exec_driver_sql(statement)


def _with_database(url: str, name: str) -> str:
    from sqlalchemy import make_url

    return make_url(url).set(database=name).render_as_string(hide_password=False)
