"""Parameters of an address are honoured or refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import unquote, urlsplit

import pytest
import sqlalchemy as sa
from guild_db import (
    Database,
    UnreachableError,
)


@asynccontextmanager
async def door(address: str) -> AsyncIterator[int]:
    """Open a TCP port in front of the server, and yield its number."""
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
async def test_connects_to_the_reachable_host_of_several(address: str, query: str) -> None:
    async with door(address) as port:
        for hosts in (f"127.0.0.1:1,127.0.0.1:{port}", f"127.0.0.1:{port},127.0.0.1:1"):
            async with Database(at(address, hosts, query)) as db:
                async with db.transaction():
                    assert await db.counted.count() >= 0
                assert hosts in db.url


async def test_unreachable_hosts_are_all_named_in_the_error() -> None:
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:1,127\.0\.0\.1:2"):
        await Database("postgresql://u:hunter2@127.0.0.1:1,127.0.0.1:2/db").connect()


async def test_address_parameters_are_honoured_or_refused(address: str) -> None:
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
def test_unknown_address_parameter_is_named(what: str) -> None:
    with pytest.raises(ValueError, match=what.partition("=")[0]):
        Database(f"postgresql://u@h/d?{what}")


@pytest.mark.parametrize(
    "place",
    [
        *("u@h:abc/d", "u@h:99999/d", "u@h:0/d", "u@h:-1/d", "u@h1:1,h2:x/d", "u@::1/d", "u@[::1/d", "u@[::1]:x/d"),
        *("u:hunter2", "u@/d?host=h&port=x", "u@/d?host=h,g&port=1,70000"),
    ],
)
def test_host_with_an_impossible_port_is_refused_at_once(place: str) -> None:
    with pytest.raises(ValueError, match=r"each host of the database URL is name:port or \[IPv6\]:port") as refusal:
        Database(f"postgresql://{place}")
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("place", ["h:/d", "h1,h2:5433/d", "[::1]/d", "[::1]:5432,h/d", "/d", "/d?host=/tmp&port=1,2"])
def test_host_without_a_port_or_with_a_possible_one_is_accepted(place: str) -> None:
    assert Database(f"postgresql://{place}").url == f"postgresql://{place.replace('1,2', '1%2C2')}"


@pytest.mark.parametrize("password", ["p\u2100w", "a[b", "a]b", "50%", "%E2%84%80 b", "a:b,c;d&e=f"])
async def test_any_password_reaches_the_server_and_no_error(password: str) -> None:
    """urllib refuses some characters, with a message that contains the password."""
    db = Database(f"postgresql://u:{password}@localhost:1/d")
    with pytest.raises(UnreachableError) as refusal:
        await db.connect()
    assert str(refusal.value).startswith("cannot connect to postgresql://u:***@localhost:1/d: ")
    assert urlsplit(db._server.address).password is not None
    assert unquote(urlsplit(db._server.address).password or "") == unquote(password)


@pytest.mark.parametrize("empty", ["", None])
def test_empty_address_is_an_error(monkeypatch: pytest.MonkeyPatch, empty: str | None) -> None:
    monkeypatch.setenv("DATABASE_URL", "" if empty is None else "postgresql://elsewhere/db")
    with pytest.raises(ValueError, match="no database"):
        Database(empty)


# https://github.com/ecederstrand/exchangelib/issues/448, https://github.com/pytorch/pytorch/issues/140765
async def test_container_without_a_name_for_its_user_is_told_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGUSER", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 2_000_000_001)  # in no /etc/passwd
    reason = "it names no user|No username set in the environment"
    with pytest.raises(UnreachableError, match=f"cannot connect to postgresql://127.0.0.1:1/guilds: ({reason})"):
        await Database("postgresql://127.0.0.1:1/guilds").connect()
