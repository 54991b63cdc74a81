"""Behind a real PgBouncer in transaction mode, with the setting from the guide."""

from __future__ import annotations

import asyncio
import getpass
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from generated import Database
from models import User
from tests.scenarios.conftest import GUILD

PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
SETTINGS = """\
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
pool_mode = transaction
default_pool_size = 3
listen_addr =
listen_port = 6543
unix_socket_dir = {folder}
auth_type = any
ignore_startup_parameters = extra_float_digits
"""


@pytest.fixture
def pooled_url(reference_url: str) -> Iterator[str]:
    """The address of a pooler in front of the reference database."""
    url = sa.make_url(reference_url)
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
    folder.chmod(0o777)
    host, port = url.query.get("host", url.host or "localhost"), url.port or 5432
    settings = SETTINGS.format(host=host, port=port, user=url.username or "postgres", folder=folder)
    (folder / "pgbouncer.ini").write_text(settings)
    owner = Path(str(host)).owner() if Path(str(host)).is_dir() else "nobody"
    as_user = ["-u", owner] if getpass.getuser() == "root" else []  # the user who may open the server's socket
    assert PGBOUNCER is not None
    process = subprocess.Popen([PGBOUNCER, "-q", *as_user, folder / "pgbouncer.ini"])
    try:
        while not (folder / ".s.PGSQL.6543").exists():
            assert process.poll() is None, "PgBouncer did not start"
            time.sleep(0.05)
        query = {"host": str(folder), "port": "6543", "prepared_statement_cache_size": "0"}
        yield url.set(host=None, port=None, query=query).render_as_string(hide_password=False)
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


@pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed (apt-get install pgbouncer)")
async def test_everything_works_behind_pgbouncer(pooled_url: str, db: Database, users: list[User]) -> None:
    async with (
        Database(pooled_url, pool_size=8) as one,
        Database(pooled_url, pool_size=8) as other,
    ):
        for _ in range(10):
            await asyncio.gather(
                *(pooled.user.get_by_discord_id(n) for pooled in (one, other) for n in (1, 2, 3) for _ in range(3))
            )
        await asyncio.gather(
            *(pooled.points_transaction.transfer(users[0], users[1], 1) for pooled in (one, other) for _ in range(10))
        )
        await one.user.upsert_by_discord_id(discord_id=1, guild_id=GUILD, username="ada")
        assert len(await other.user.find_by_guild_id(GUILD).load("guild", "cases")) == 3
        by_id = one.user.c.id
        assert [user.points async for user in one.user.find_all().order_by(by_id)] == [80, 120, 100]
        page = await other.user.find_all().page(2)
        assert len((await other.user.find_all().page(2, page.next)).items) == 1
        assert len(await one.user.create_many([{"discord_id": 9, "guild_id": GUILD, "username": "x"}])) == 1
