"""The demo plays its scenario on a real database, and again on the database of the first run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import NewDatabase


def play(project: Path, url: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "bot.demo"],
        cwd=project,
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


async def test_demo_output_is_the_same_each_time(project: Path, new_database: NewDatabase) -> None:
    async with new_database() as url:
        first = play(project, url)
        assert play(project, url) == first
    assert "together they have 800 XP" in first
    assert "bot: `warn` asks for rank 50." in first
    assert "bot: dora has fewer than 5000 points." in first
    assert "bot: #2 timeout: brian → chen, more spam" in first
    assert first.count("bot: @ada time for tea") == 1
    assert first[-4:-1] == [
        "bot: #2 timeout by brian: more spam",
        "bot: #1 warn by brian: a misunderstanding",
        "bot: Page 2",
    ]
    counts = [int(line[1:].split()[0]) for line in first if line.endswith("SQL statements)")]
    assert len(counts) == 20
    assert all(counts)
