"""Several processes: each sees what the others write, and caches nothing while it does not receive messages."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import asyncpg
import pytest
from synced_db import Database, UnreachableError
from synced_db.runtime import cache, cache_sync

from tests.runtime.cache.conftest import FOLDER, statements
from tests.runtime.cache.models import Member, Mood, Tag
from tests.runtime.cache.test_races import locked, waiting
from tests.runtime.cache.test_writes import WRITES, answers, fill

BOUND = 2.0  # seconds that a test waits for a message, which takes milliseconds


class Reader:
    """The other process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        assert process.stdin
        assert process.stdout
        self._input, self._output = process.stdin, process.stdout

    async def ask(self, *words: object) -> list[str]:
        """Send a command, and return the words of the answer."""
        self._input.write((" ".join(map(str, words)) + "\n").encode())
        return await self.line()

    async def line(self) -> list[str]:
        return (await asyncio.wait_for(self._output.readline(), 20)).decode().split()

    async def prefix(self) -> str:
        return (await self.ask("read", 1))[0]

    async def hits(self) -> int:
        return int((await self.ask("read", 1))[1])


@asynccontextmanager
async def reader(url: str) -> AsyncIterator[Reader]:
    root = Path(__file__).resolve().parents[3]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(FOLDER), str(root)])}
    script = Path(__file__).with_name("reader.py")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(script), url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )
    other_process = Reader(process)
    try:
        assert await other_process.line() == ["ready"]
        yield other_process
    finally:
        if process.stdin:
            process.stdin.close()
        await asyncio.wait_for(process.wait(), 20)


async def until(check: Callable[[], Awaitable[object]]) -> float:
    """Wait until a check holds, and return the seconds that passed."""
    begun = time.monotonic()
    while not await check():
        assert time.monotonic() - begun < BOUND
        await asyncio.sleep(0.005)
    return time.monotonic() - begun


async def listeners(url: str, application_name: str = "%") -> list[int]:
    """Return the backends of the listening connections."""
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database() "
        "AND (query LIKE 'LISTEN%' OR query LIKE 'SELECT pg_notify%' AND state_change - backend_start > '1 second') "
        "AND application_name LIKE $1",
        application_name,
    )
    await connection.close()
    return [row["pid"] for row in rows]


async def kill_listeners(url: str, application_name: str = "%") -> int:
    """Terminate the listening connections, and return their number."""
    pids = await listeners(url, application_name)
    connection = await asyncpg.connect(url)
    await connection.fetch("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid", pids)
    await connection.close()
    return len(pids)


async def test_processes_see_each_others_writes_and_survive_a_killed_listener(synced: Database, url: str) -> None:
    await synced.config.create(guild_id=1, prefix="0")
    async with reader(url) as other:
        assert await other.prefix() == "0"
        assert await other.hits() > 0, "the row is cached"
        await synced.config.update_by_guild_id(1, prefix="1")
        await until(lambda: _is(other, "1"))
        assert await other.ask("write", 1, "2") == ["written"]

        async def is_seen() -> bool:
            return (await synced.config.get_one_by_guild_id(1)).prefix == "2"

        await until(is_seen)
        for round_ in range(3, 8):
            before = str(round_ - 1)
            assert await other.prefix() == before
            assert await kill_listeners(url, "reader") == 1
            await synced.config.update_by_guild_id(1, prefix=str(round_))
            await until(lambda now=str(round_): _is(other, now))
            hits = await other.hits()

            async def answers_from_memory(hits: int = hits) -> bool:
                return await other.hits() > hits + 1

            await until(answers_from_memory)  # the listener is connected again


async def _is(other: Reader, prefix: str) -> bool:
    return await other.prefix() == prefix


async def test_stopped_process_answers_nothing_from_memory_until_it_received_messages(
    synced: Database, url: str
) -> None:
    await synced.config.create(guild_id=1, prefix="0")
    async with reader(url) as other:
        assert await other.prefix() == "0"
        assert await other.ask("freeze", cache_sync.TRUSTED + 0.5) == ["frozen"]
        await asyncio.sleep(0.2)
        await synced.config.update_by_guild_id(1, prefix="1")
        assert await other.prefix() == "1"


@pytest.mark.parametrize("kind", WRITES)
async def test_write_notifies_other_processes(synced: Database, other: Database, kind: str) -> None:
    await _check_told(synced, other, WRITES[kind])


@pytest.mark.parametrize("kind", ["update", "update of a key", "bulk_update", "delete by a cascade", "set links"])
async def test_write_in_a_transaction_notifies_at_commit(synced: Database, other: Database, kind: str) -> None:
    async def write(db: Any) -> None:
        before = await answers(other, past=False)
        async with db.transaction():
            async with db.transaction():
                await WRITES[kind](db)
            await asyncio.sleep(0.05)
            with statements(other) as sent:
                assert await answers(other, past=False) == before
            assert sent == []

    await _check_told(synced, other, write)


async def _check_told(synced: Any, other: Any, write: Callable[[Any], Awaitable[object]]) -> None:
    await fill(synced)
    if write is WRITES["create_or_update, new"]:
        await synced.guild.create(id=3, code="c")
    before = await answers(other, past=False)
    await until(lambda: _answers_nothing_new(other))
    await write(synced)
    after = await answers(other, past=True)
    assert after != before

    async def knows() -> bool:
        return await answers(other, past=False) == after

    await until(knows)


async def _answers_nothing_new(db: Any) -> bool:
    """Return whether everything is answered from memory, so that all earlier messages have been handled."""
    await asyncio.sleep(0.02)
    await answers(db, past=False)
    with statements(db) as sent:
        await answers(db, past=False)
    return not sent


async def test_rolled_back_write_does_not_notify(synced: Database, other: Database) -> None:
    await fill(synced)  # type: ignore[arg-type]  # it is the same but for its package
    await until(lambda: _answers_nothing_new(other))
    with pytest.raises(ZeroDivisionError):
        async with synced.transaction():
            await synced.config.update_by_guild_id(1, prefix="?")
            raise ZeroDivisionError
    async with synced.transaction():
        with pytest.raises(ZeroDivisionError):
            async with synced.transaction():
                await synced.config.update_by_guild_id(2, prefix="?")
                raise ZeroDivisionError
    await asyncio.sleep(0.1)
    with statements(other) as sent:
        await answers(other, past=False)  # type: ignore[arg-type]
    assert sent == []


async def test_write_only_invalidates_its_row_and_only_once(synced: Database, other: Database) -> None:
    await fill(synced)  # type: ignore[arg-type]
    for db in (synced, other):
        await until(lambda db=db: _answers_nothing_new(db))
    await synced.member.update_by_id(1, points=5, mood=Mood.BAD)
    await synced.member.get_by_id(1)
    await asyncio.sleep(0.1)
    with statements(synced) as sent:
        await synced.member.get_by_id(1)
    assert sent == [], "a process ignores its own messages"
    with statements(other) as sent:
        await other.member.get_by_id(2)
        await other.member.get_by_token(UUID(int=2))
        await other.config.get_by_guild_id(1)
        await other.member.find_by_guild_id(2)
    assert sent == []
    with statements(other) as sent:
        await other.member.get_by_token(UUID(int=1))
    assert len(sent) == 1


@pytest.mark.parametrize("length", [10, 9_000])
async def test_keys_too_long_for_a_message_drop_the_model(synced: Database, other: Database, length: int) -> None:
    await synced.config.create_many([{"guild_id": 1}, {"guild_id": 2}])
    await synced.setting.create_many([{"guild_id": n, "name": "n" * length} for n in (1, 2)])
    assert (await other.setting.get_one_by_guild_id_and_name(1, "n" * length)).value == 0
    await synced.setting.update_by_guild_id_and_name(1, "n" * length, value=5)

    async def is_seen() -> bool:
        return (await other.setting.get_one_by_guild_id_and_name(1, "n" * length)).value == 5

    await until(is_seen)


async def test_large_write_is_one_statement_and_one_message(synced: Database, other: Database, url: str) -> None:
    messages = list[str]()
    connection = await asyncpg.connect(url)
    await connection.add_listener("synced_db_cache", lambda *arguments: messages.append(arguments[-1]))
    with statements(synced) as sent:
        await synced.note.create_many([{"text": "x"} for _ in range(1000)])
        await synced.note.update_where(all_rows=True, text="y")
        await synced.note.update_by_id(1, text="z")
    assert len(sent) == 3
    await asyncio.sleep(0.1)
    about = [one for one in messages if "note" in one]
    assert len(about) == 3
    assert [one.count("[") for one in about] == [1, 1, 2]
    await connection.close()


async def test_invalidate_notifies_other_processes(synced: Database, other: Database, url: str) -> None:
    await fill(synced)  # type: ignore[arg-type]
    connection = await asyncpg.connect(url)
    announcements: list[Callable[[], Awaitable[object]]] = [
        lambda: synced.config.invalidate(1),
        lambda: synced.config.invalidate(),
        lambda: connection.execute("""SELECT pg_notify('synced_db_cache', '["psql", "config"]')"""),
    ]
    for number, announce in enumerate(announcements):
        await until(lambda: _answers_nothing_new(other))
        await connection.execute("UPDATE config SET prefix = $1", str(number))
        await announce()

        async def is_seen(prefix: str = str(number)) -> bool:
            return (await other.config.get_one_by_guild_id(1)).prefix == prefix

        await until(is_seen)
    for nonsense in ("", "x", "[]", "{}", '["a"]', '["a", "nobody"]', '["a", "config", 5]', '["a", "member", ["x"]]'):
        await connection.execute("SELECT pg_notify('synced_db_cache', $1)", nonsense)
    await connection.close()
    await asyncio.sleep(0.1)
    assert await other.config.get_by_guild_id(1)


async def test_nothing_is_cached_while_the_listener_is_down(
    synced: Database, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await synced.config.create(guild_id=1)
    await synced.config.get_by_guild_id(1)
    connect = synced._connect

    async def unreachable() -> Any:
        raise OSError

    monkeypatch.setattr(synced._listener, "_connect", unreachable)
    assert await kill_listeners(url) == 1
    await asyncio.sleep(0.05)
    with statements(synced) as sent:
        for _ in range(3):
            assert await synced.config.get_by_guild_id(1)
    assert len(sent) == 3
    assert synced.cache_info()["config"].size == 0
    monkeypatch.setattr(synced._listener, "_connect", connect)

    async def answers_from_memory() -> bool:
        with statements(synced) as sent:
            await synced.config.get_by_guild_id(1)
        return not sent

    await until(answers_from_memory)


async def test_silent_listener_is_noticed_within_the_bound(synced: Database, url: str) -> None:
    """The backend is stopped, as with a half-open connection: the connection exists, and nothing arrives."""
    await synced.config.create(guild_id=1, prefix="0")
    async with reader(url) as other:
        assert await other.prefix() == "0"
        (pid,) = await listeners(url, "reader")
        os.kill(pid, signal.SIGSTOP)
        try:
            await synced.config.update_by_guild_id(1, prefix="1")
            begun = time.monotonic()
            while await other.prefix() != "1":
                await asyncio.sleep(0.02)
            assert time.monotonic() - begun < cache_sync.TRUSTED + 0.2
        finally:
            os.kill(pid, signal.SIGCONT)


def test_database_of_a_module_listens_in_each_event_loop(url: str) -> None:
    db = Database(url)

    async def use() -> int:
        async def hits() -> int:
            await db.config.get_by_guild_id(2)
            return db.cache_info()["config"].hits

        before = await hits()
        while await hits() <= before + 1:
            await asyncio.sleep(0.01)
        await db.transactions.pools.dispose()
        return db.cache_info()["config"].size

    assert asyncio.run(use()) == 1
    assert asyncio.run(use()) == 1
    asyncio.run(db.dispose())


async def test_links_and_cascades_notify_other_processes(synced: Database, other: Database) -> None:
    await fill(synced)  # type: ignore[arg-type]
    assert [one.tag_id for one in await other.member_tag.find_by_member_id(1)] == [1]
    await synced.member.set_tags([Member(id=1)], [Tag(id=2)])

    async def is_seen() -> bool:
        return [one.tag_id for one in await other.member_tag.find_by_member_id(1)] == [2]

    await until(is_seen)


async def test_late_commit_after_a_lost_connection_notifies_its_own_process(
    synced: Database, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "IN_DOUBT", 0.1)
    await synced.config.create(guild_id=1, prefix="0")
    async with locked(url):
        task = asyncio.create_task(synced.config.update_by_guild_id(1, prefix="1"))
        await waiting(url)
        for connection in list(synced.transactions.pools.current.used):
            connection.terminate()
        with pytest.raises(UnreachableError):
            await task
        await asyncio.sleep(0.2)
        assert (await synced.config.get_one_by_guild_id(1)).prefix == "0"
        with statements(synced) as sent:
            assert (await synced.config.get_one_by_guild_id(1)).prefix == "0", "the model is cached again"
        assert sent == []

    async def is_seen() -> bool:
        return (await synced.config.get_one_by_guild_id(1)).prefix == "1"

    await until(is_seen)


def test_event_loops_can_start_listening_at_the_same_time(url: str) -> None:
    db, together = Database(url), threading.Barrier(4, timeout=20)
    connect = db._listener._connect

    async def slowly() -> Any:
        await asyncio.sleep(0.2)
        return await connect()

    db._listener._connect = slowly

    async def use() -> int:
        together.wait()
        await db.connect()
        await db.config.get_by_guild_id(1)
        with statements(db) as sent:
            await asyncio.gather(*(db.config.get_by_guild_id(1) for _ in range(10)))
        together.wait()
        await db.dispose()
        return len(sent)

    with ThreadPoolExecutor(4) as threads:
        assert [run.result() for run in [threads.submit(asyncio.run, use()) for _ in range(4)]] == [0] * 4


@contextmanager
def bouncer(url: str, folder: Path, mode: str, size: int) -> Iterator[str]:
    """Start PgBouncer in front of a database, and yield its address."""
    parts = urlsplit(url)
    (host,), name = parse_qs(parts.query)["host"], parts.path[1:]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lines = [
        "[databases]",
        f"{name} = host={host} dbname={name} user=postgres pool_size={size}",
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        f"listen_port = {port}",
        "auth_type = any",
        f"pool_mode = {mode}",
        "unix_socket_dir =",
        "ignore_startup_parameters = extra_float_digits",
    ]
    settings = folder / "pgbouncer.ini"
    settings.write_text("\n".join(lines))
    for path in (folder, *folder.parents[:2], Path(host)):
        path.chmod(path.stat().st_mode | 0o055)
    account = ["-u", "nobody"] if os.getuid() == 0 else []
    process = subprocess.Popen(["pgbouncer", "-q", *account, settings])
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/{name}?prepared_statement_cache_size=0"
    finally:
        process.terminate()
        process.wait()


@pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="needs pgbouncer")
@pytest.mark.parametrize(("mode", "size"), [("transaction", 1), ("transaction", 5), ("session", 9)])
async def test_nothing_is_cached_behind_a_pooler_that_loses_messages(
    synced: Database, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, size: int
) -> None:
    monkeypatch.setattr(cache_sync, "TRUSTED", 1.0)
    with bouncer(url, tmp_path, mode, size) as address:
        await asyncio.sleep(0.5)
        async with Database(address) as writer, Database(address) as reader:
            await writer.config.create(guild_id=1, prefix="0")
            for number in range(1, 6):
                await reader.config.get_by_guild_id(1)
                await writer.config.update_by_guild_id(1, prefix=str(number))
                await asyncio.sleep(0.1)
                assert (await reader.config.get_one_by_guild_id(1)).prefix == str(number)
                await reader.config.get_by_guild_id(1)
            assert (reader.cache_info()["config"].hits > 0) == (mode == "session")
