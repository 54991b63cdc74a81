"""Mistakes with ``ctrlgen drift``: each gives one message, without a traceback or a password."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import make_url

from ctrlgen.drift.address import read_address
from ctrlgen.errors import AddressError
from ctrlgen.render.templates import templates_folder
from generated import Database

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


URL, HOST = "the database URL does not begin with postgresql://", "each host of the database URL is name:port or"
ENCODE = "percent-encode each / ? # and @ in the user and the password of the database URL"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (f"mysql://root:{SECRET}@h/d", URL),
        (f"mysql://h/d?password={SECRET}&x=1", URL),
        (f"{SECRET}", URL),
        (f"host=h password={SECRET}", URL),
        (f"postgresql://u:a/{SECRET}@h/d", ENCODE),
        (f"postgresql://u:{SECRET}#x@h/d", ENCODE),
        (f"postgresql://u:a@{SECRET}@h/d", ENCODE),
        (f"postgresql://u:{SECRET}@h:port/d", HOST),
        (f"postgresql://u:{SECRET}@h:99999/d", HOST),
        (f"postgresql://u:{SECRET}@h:1,g:x/d", HOST),
        (f"postgresql://u:{SECRET}@::1/d", HOST),
        (f"postgresql://u:{SECRET}@[::1/d", HOST),
        (f"postgresql://u:{SECRET}@/d?host=h&port=x", HOST),
        (f"postgresql://u:{SECRET}", HOST),
        (f"postgresql://[u:{SECRET}/d", HOST),
        (f"postgresql://u:{SECRET}@h/d?schema=x", "PostgreSQL has no option schema: write search_path=... in"),
        (f"postgresql://u:{SECRET}@h/d?pgbouncer=true", "PostgreSQL has no option pgbouncer: write"),
        (f"postgresql://u:{SECRET}@h/d?channel_binding=require", "asyncpg does not support channel_binding=require"),
        (f"postgresql://u:{SECRET}@h/d?connect_timeout=x", "connect_timeout in the database URL takes a whole number"),
    ],
)
def test_invalid_address_is_refused_as_by_the_emitted_package(scratch: Project, url: str, message: str) -> None:
    printed = refused(scratch, "--database", url)
    with pytest.raises(ValueError, match=re.escape(message)) as refusal:
        Database(url)
    assert f"error CGE602: {refusal.value}\nhint: write `postgresql://user:password@host:5432/name`, and" in printed
    assert SECRET not in str(refusal.value)


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        (f"postgresql://u:{SECRET}@localhost:1/d", "postgresql://u:***@localhost:1/d"),
        (f"postgresql://u@/d?host=/nowhere&password={SECRET}", "postgresql://u@/d?host=/nowhere"),
        (f"postgresql://u:[℀{SECRET}@localhost:1/d?connect_timeout=1", "postgresql://u:***@localhost:1/d"),
        (f"postgresql://u:{SECRET}@localhost:1,localhost:2/d", "postgresql://u:***@localhost:1,localhost:2/d"),
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
    address = read_address(f"postgresql://u:%73{SECRET}@h/d?sslpassword=other", {})
    assert address.hide(f"s{SECRET} and %73{SECRET} and other") == "*** and *** and ***"
    with pytest.raises(AddressError):
        read_address("", {})


async def test_options_of_the_emitted_package_are_honoured(live: Live) -> None:
    options = "connect_timeout=5&prepared_statement_cache_size=0&gssencmode=prefer&search_path=public"
    url = f"{live.url}{'&' if '?' in live.url else '?'}{options}"
    assert Live(live.project, url).lines() == []


def test_reading_an_address_leaves_nothing_among_the_templates() -> None:
    code = "from ctrlgen.drift.address import read_address; read_address('postgresql://h/d', {})"
    bytecode = templates_folder() / "runtime/__pycache__"
    shutil.rmtree(bytecode, ignore_errors=True)
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONDONTWRITEBYTECODE": ""}, check=True)
    assert not bytecode.exists()


def test_container_without_a_name_for_its_user_is_told_to_name_one(scratch: Project) -> None:
    scratch.write("nameless/sitecustomize.py", "import os\n\nos.getuid = lambda: 2_000_000_001  # in no /etc/passwd\n")
    names = dict.fromkeys(("PGUSER", "LOGNAME", "USER", "LNAME", "USERNAME"), "")
    address = "postgresql://127.0.0.1:1/guilds"
    printed = refused(scratch, "--database", address, PYTHONPATH=str(scratch.root / "nameless"), **names)
    assert re.search(f"error CGE601: cannot connect to {address}: (it names no user|No username set)", printed), printed
