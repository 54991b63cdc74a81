"""The embedded PostgreSQL as the bot uses it: from a checkout, by one process or several."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.embedded import database_url

ASK = """
import asyncio, json, sys, asyncpg
from bot.embedded import data_folder, database_url

async def greet(url):
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE IF NOT EXISTS visits ()")
    await connection.execute("INSERT INTO visits DEFAULT VALUES")
    while (visits := await connection.fetchval("SELECT count(*) FROM visits")) < int(sys.argv[1]):
        await asyncio.sleep(0.05)
    started = await connection.fetchval("SELECT pg_postmaster_start_time()::text")
    await connection.close()
    return {"visits": visits, "started": started, "folder": str(data_folder())}

print(json.dumps(asyncio.run(greet(database_url()))))
"""


class Checkout:
    """A copy of the bot in another folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def ask(self, visits: int = 0) -> dict[str, str | int]:
        """Start a process that uses the server until there were so many visits."""
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", ASK, str(visits)],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def checkout(project: Path, tmp_path: Path) -> Iterator[Checkout]:
    folder = tmp_path / "my projects" / "bot of mine"
    shutil.copytree(project / "bot", folder / "bot", ignore=shutil.ignore_patterns("__pycache__"))
    checkout = Checkout(folder)
    data = Path(str(checkout.ask()["folder"]))
    yield checkout
    shutil.rmtree(data)


def test_data_outlives_the_server_between_runs(checkout: Checkout) -> None:
    first, second = checkout.ask(), checkout.ask()
    assert (first["visits"], second["visits"]) == (2, 3)
    assert first["started"] != second["started"]
    assert not (Path(str(second["folder"])) / "postmaster.pid").exists()


async def test_concurrent_processes_share_one_server(checkout: Checkout) -> None:
    answers = await asyncio.gather(*(asyncio.to_thread(checkout.ask, 4) for _ in range(3)))
    assert len({answer["started"] for answer in answers}) == 1


def test_database_url_takes_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere/else")
    assert database_url() == "postgresql://somewhere/else"
