"""The demo plays its scenario on a real database, and again on what the first time left."""

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


async def test_demo_tells_the_same_story_each_time(project: Path, new_database: NewDatabase) -> None:
    async with new_database() as url:
        first = play(project, url)
        assert play(project, url) == first
    assert "7 members, 840 points" in first
    assert "refused by ck_users_points_not_negative" in first
    assert "#2 timeout: ada → dora, more spam" in first
    assert "1 still pending" in first
    assert first[-4:-1] == ["frances 180, grace 160, edsger 150", "dora 120, chen 90, ada 80", "brian 60"]
    counts = [int(line[1:].split()[0]) for line in first if line.endswith("SQL statements)")]
    assert len(counts) == 6
    assert all(counts)
