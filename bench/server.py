"""The server that all contenders share, and its test data."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from bench.models import KIND_TYPE, Base, Kind

GROUPS: Final = 100
GROUP_SIZE: Final = 100
AUTHORS: Final = GROUPS * GROUP_SIZE
GROUPS_WITH_POSTS: Final = 20
POSTS_EACH: Final = 5
FIRST_NEW: Final = 10_000_000  # the first key and group of the rows that a run adds
KINDS: Final = tuple(Kind)
MOMENT: Final = datetime(2025, 1, 1, 12, tzinfo=UTC)
SETTINGS: Final = ("server_version", "fsync", "synchronous_commit", "shared_buffers")


@dataclass(frozen=True, slots=True)
class Address:
    """The address of the server, in the parts from which each library builds its own form."""

    url: str
    host: str
    port: int
    user: str
    password: str | None
    database: str

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read a ``postgresql://`` address; the host may be a socket's folder, as in ``?host=``."""
        url = sa.make_url(text)
        host = url.query.get("host", url.host or "localhost")
        port = url.query.get("port", url.port or 5432)
        return cls(
            text, str(host), int(str(port)), url.username or "postgres", url.password, url.database or "postgres"
        )

    @property
    def sqlalchemy(self) -> sa.URL:
        """The address in the form of SQLAlchemy's asyncpg dialect."""
        return sa.URL.create(
            "postgresql+asyncpg",
            self.user,
            self.password,
            database=self.database,
            query={"host": self.host, "port": str(self.port)},
        )


class Server:
    """Creates the tables, restores them after writes, and drops them at the end."""

    def __init__(self, address: Address, connection: asyncpg.Connection) -> None:
        self.address, self._connection = address, connection
        self._apart = False

    @classmethod
    async def open(cls, address: Address) -> Server:
        """Connect, and create the tables with their data."""
        connection = await asyncpg.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            database=address.database,
        )
        server = cls(address, connection)
        await server._make_tables()
        await server._fill()
        return server

    async def close(self) -> None:
        """Drop the tables and disconnect."""
        await self._drop_tables()
        await self._connection.close()

    async def settings(self) -> dict[str, str]:
        """Return the server's settings that affect the figures."""
        shown = {name: str(await self._connection.fetchval(f"SHOW {name}")) for name in SETTINGS}
        return shown | {"cores": "client and server apart" if self._apart else "shared"}

    def pin(self) -> None:
        """Pin this process to one core and the server's connections to others, on Linux and with a server of this user.

        Otherwise the system sometimes runs client and server on one core and sometimes on two, and a short call takes
        1.7 times as long in the second case.
        """
        if not hasattr(os, "sched_setaffinity") or not self.address.host.startswith("/"):
            return
        ours, *others = sorted(os.sched_getaffinity(0))
        backend: int = self._connection.get_server_pid()
        with suppress(OSError):  # the process belongs to another user, or runs in another container
            status = Path(f"/proc/{backend}/status").read_text(encoding="utf-8")
            said = dict(line.split(":\t", 1) for line in status.splitlines())
            if others and said["Name"] == "postgres":
                for process in (backend, int(said["PPid"])):  # later forks of the server inherit the setting
                    os.sched_setaffinity(process, others)
                os.sched_setaffinity(0, [ours])
                self._apart = True

    async def restore(self) -> None:
        """Delete the rows that a batch added, and vacuum the old versions of rows that it changed."""
        await self._connection.execute("DELETE FROM bench_author WHERE group_id >= $1", FIRST_NEW)
        await self._connection.execute("VACUUM (ANALYZE) bench_author")

    async def _make_tables(self) -> None:
        await self._drop_tables()
        engine = create_async_engine(self.address.sqlalchemy)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        await engine.dispose()

    async def _drop_tables(self) -> None:
        await self._connection.execute("DROP TABLE IF EXISTS bench_post, bench_author")
        await self._connection.execute(f"DROP TYPE IF EXISTS {KIND_TYPE}")

    async def _fill(self) -> None:
        authors = [_author(key) for key in range(1, AUTHORS + 1)]
        posts = [_post(key) for key in range(1, GROUPS_WITH_POSTS * GROUP_SIZE * POSTS_EACH + 1)]
        await self._connection.copy_records_to_table("bench_author", records=authors)
        await self._connection.copy_records_to_table("bench_post", records=posts)
        for table in ("bench_author", "bench_post"):
            await self._connection.execute(f"SELECT setval('{table}_id_seq', $1)", FIRST_NEW * 10)
            await self._connection.execute(f"VACUUM (ANALYZE) {table}")


def handle_of(key: int) -> str:
    """Return the handle of the author with this primary key."""
    return f"handle{key}"


def group_of(key: int) -> int:
    """Return the group of the author with this primary key."""
    return (key - 1) // GROUP_SIZE


def unchanged_columns(key: int) -> dict[str, object]:
    """Return the columns of this author that no operation changes."""
    common = {"id": key, "handle": handle_of(key), "group_id": group_of(key), "name": f"Author {key}"}
    return {**common, "kind": kind_of(key), "active": True, "joined_at": MOMENT, "details": details_of(key)}


def kind_of(key: int) -> Kind:
    """Return the kind of the author with this primary key."""
    return KINDS[key % len(KINDS)]


def details_of(key: int) -> dict[str, object]:
    """Return the JSON of the author, or the post, with this primary key."""
    return {"level": key % 10, "tags": ["one", "two"]}


def _author(key: int) -> tuple[object, ...]:
    note = "a note on this author" if key % 2 else None
    return (
        key,
        handle_of(key),
        group_of(key),
        f"Author {key}",
        kind_of(key).value,
        key % 1000,
        True,
        MOMENT,
        key / 7,
        note,
        _json(key),
    )


def _post(key: int) -> tuple[object, ...]:
    author, position = (key - 1) // POSTS_EACH + 1, (key - 1) % POSTS_EACH
    summary = "in short" if key % 2 else None
    body = "Lorem ipsum dolor sit amet, consetetur sadipscing elitr"
    return (key, author, f"Post {key}", body, position, True, MOMENT, key / 3, summary, _json(key))


def _json(key: int) -> str:
    return json.dumps(details_of(key))
