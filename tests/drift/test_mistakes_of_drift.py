"""Mistakes with ``ctrlgen drift``: each gives one message, without a traceback or a password."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import make_url

from ctrlgen.drift.address import read_address
from ctrlgen.errors import AddressError

from .conftest import Live, Project

SECRET = "s3cr3t"


def refused(project: Project, *arguments: str, **environment: str) -> str:
    done = project.run("drift", *arguments, **environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr
    return done.stderr


def test_missing_address_is_an_error(scratch: Project) -> None:
    printed = refused(scratch, DATABASE_URL="")
    assert printed.startswith(
        "error CGE602: no database address is set\nhint: write `postgresql://user:password@host/name`"
    )


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (f"mysql://root:{SECRET}@h/d", "`mysql://root:***@h/d` is not the address of a PostgreSQL database"),
        (
            f"mysql://h/d?password={SECRET}&x=1",
            "`mysql://h/d?password=***&x=1` is not the address of a PostgreSQL database",
        ),
        (f"{SECRET}", "the database address does not begin with `postgresql://`"),
        (f"host=h password={SECRET}", "the database address does not begin with `postgresql://`"),
        (
            f"postgresql://u:a/{SECRET}@h/d",
            "the user or password in `postgresql://u:***@h/d` contains an unencoded `/`, `?`, `#` or `@`",
        ),
        (
            f"postgresql://u:{SECRET}#x@h/d",
            "the user or password in `postgresql://u:***@h/d` contains an unencoded `/`, `?`, `#` or `@`",
        ),
        (f"postgresql://u:{SECRET}@h:port/d", "the port in `postgresql://u:***@h:port/d` is not a number"),
        (f"postgresql://u:{SECRET}", "the port in `postgresql://u:***` is not a number"),
        (f"postgresql://[u:{SECRET}@h/d", "the database address `postgresql://[u:***@h/d` is not a valid URL"),
    ],
)
def test_address_that_is_none_is_shown_without_the_password(scratch: Project, url: str, message: str) -> None:
    assert f"error CGE602: {message}\n" in refused(scratch, "--database", url)


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        (f"postgresql://u:{SECRET}@localhost:1/d", "postgresql://u:***@localhost:1/d"),
        (f"postgresql://u@/d?host=/nowhere&password={SECRET}", "postgresql://u@/d?host=/nowhere"),
        (f"postgresql+asyncpg://u:{SECRET}@nowhere.invalid/d", "postgresql://u:***@nowhere.invalid/d"),
    ],
)
def test_unreachable_server_is_named_without_the_password(scratch: Project, host: str, shown: str) -> None:
    assert refused(scratch, "--database", host).startswith(f"error CGE601: cannot connect to {shown}: ")


def test_address_may_come_from_the_environment(scratch: Project) -> None:
    printed = refused(scratch, DATABASE_URL=f"postgresql://u:{SECRET}@localhost:1/d")
    assert "error CGE601: cannot connect to postgresql://u:***@localhost:1/d" in printed


@pytest.fixture
async def silent_port() -> AsyncIterator[int]:
    """A port that accepts connections and closes them."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_server_other_than_postgresql_is_an_error(scratch: Project, silent_port: int) -> None:
    url = f"postgresql://u:{SECRET}@127.0.0.1:{silent_port}/d"
    printed = await asyncio.to_thread(refused, scratch, "--database", url)
    assert "error CGE601: cannot connect to" in printed


async def test_database_and_user_that_do_not_exist_are_named(live: Live) -> None:
    missing = make_url(live.url).set(database="nowhere").render_as_string(hide_password=False)
    assert 'database "nowhere" does not exist' in refused(live.project, "--database", missing)
    stranger = make_url(live.url).set(username="stranger", password=SECRET).render_as_string(hide_password=False)
    assert "stranger" in refused(live.project, "--database", stranger)


async def test_error_in_the_models_is_the_same_as_for_generate(live: Live) -> None:
    live.project.write("app/models.py", "import nothing_here\n")
    printed = refused(live.project, "--database", live.url)
    assert "error CGE202: `app.models` cannot be imported" in printed
    assert "   1 | import nothing_here\n     | ^^^^^^^^^^^^^^^^^^^\n" in printed


def test_unknown_format_is_refused_before_anything_else(scratch: Project) -> None:
    assert "error CGE002: `--format xml`: no such format" in refused(scratch, "--database", "x", "--format", "xml")


def test_library_that_is_missing_is_named(scratch: Project) -> None:
    scratch.write("alembic/__init__.py", "raise ModuleNotFoundError('no', name='alembic')\n")
    printed = refused(scratch, "--database", "postgresql://u@localhost:1/d")
    assert (
        "error CGE501: `alembic` is not installed; `ctrlgen drift` needs it\nhint: run `pip install 'ctrlgen[drift]'`"
        in printed
    )


def test_secrets_are_hidden_in_driver_messages() -> None:
    address = read_address(f"postgresql://u:%73{SECRET}@h/d?sslpassword=other")
    assert address.hide(f"s{SECRET} and %73{SECRET} and other") == "*** and *** and ***"
    with pytest.raises(AddressError):
        read_address(None)


def test_container_without_a_name_for_its_user_is_told_to_name_one(scratch: Project) -> None:
    scratch.write("nameless/sitecustomize.py", "import os\n\nos.getuid = lambda: 2_000_000_001  # in no /etc/passwd\n")
    names = dict.fromkeys(("PGUSER", "LOGNAME", "USER", "LNAME", "USERNAME"), "")
    address = "postgresql://127.0.0.1:1/guilds"
    printed = refused(scratch, "--database", address, PYTHONPATH=str(scratch.root / "nameless"), **names)
    assert re.search(f"error CGE601: cannot connect to {address}: (it names no user|No username set)", printed), printed
