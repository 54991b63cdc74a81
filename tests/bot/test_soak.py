"""A few seconds of the soak, and tests that its checks detect failures."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.client import Bot
from bot.soak.costs import MOST_STATEMENTS
from bot.soak.load import ACTIONS, Crowd
from bot.soak.population import Scale, populated, store
from bot.soak.report import Report
from bot.soak.sums import differences
from bot.soak.worker import Result, busy
from bot.standin import Discord
from generated import Database

SMALL = Scale(seconds=1, guilds=3, members=30, processes=1, tasks=2)


def soak(project: Path, url: str, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot.soak", *flags],
        cwd=project,
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_short_soak_passes(project: Path, server_url: str) -> None:
    done = soak(project, server_url, "--seconds=4", "--guilds=10", "--members=200")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "everything adds up" in done.stdout
    rows = [line.split(" | ")[0].removeprefix("| ") for line in done.stdout.splitlines() if line.startswith("| ")]
    assert {"chat", "give", "warn", "remind", "snippet", "all"} < set(rows)


@pytest.fixture
async def crowd(db: Database):
    world = populated(SMALL, 0)
    await store(db, world)
    async with Discord.serving(Bot(db, guild_ready_timeout=0.01), world) as served:
        yield Crowd(served, random.Random(1), 0)


async def test_command_above_its_limit_fails_the_soak(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MOST_STATEMENTS, "chat", 2)
    result = Result()
    await busy(crowd, result, time.perf_counter() + 20)
    assert result.errors[0].startswith("chat sent 3 statements")
    assert next(iter(Report([vars(result)]).failures())).startswith("process 0: chat sent 3")


async def test_every_action_has_a_limit(crowd: Crowd) -> None:
    names = {(await action(crowd))[0] for action in ACTIONS for _ in range(3)}
    assert names <= set(MOST_STATEMENTS)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("UPDATE users SET points = points + 1 WHERE id = 1", "points of each member"),
        ("UPDATE guilds SET case_count = case_count + 1", "case numbers have no gaps"),
        ("UPDATE levels SET xp = xp + 1 WHERE member_id = (SELECT min(member_id) FROM levels)", "experience: "),
        ("UPDATE snippets SET uses = uses + 1 WHERE id = 1", "uses: "),
    ],
)
async def test_wrong_totals_are_found(damage: str, message: str, db: Database, crowd: Crowd) -> None:
    assert await differences(db, {}, []) == []
    async with db.engine.begin() as connection:
        await connection.execute(sa.text(damage))
    assert any(message in difference for difference in await differences(db, {}, []))


async def test_reminder_sent_twice_is_found(db: Database, crowd: Crowd) -> None:
    assert await differences(db, {}, ["0-1", "0-1"]) != []


def test_command_that_misses_the_cache_fails_the_soak() -> None:
    run = {"seconds": 1, "errors": [], "connections": [3], "memory": [100.0]}
    failures = [list(Report([run | {"statements": {"points": {1: few, 3: 300}}}]).failures()) for few in (301, 299, 10)]
    assert failures == [[], ["points usually sends 3 statements, which should be 1"], []]


def test_growing_memory_fails_the_soak() -> None:
    flat = {
        "seconds": 1,
        "errors": [],
        "connections": [3],
        "statements": {},
        "memory": [100.0 + n % 3 for n in range(100)],
    }
    growing = flat | {"memory": [100.0 + n / 2 for n in range(100)]}
    assert list(Report([flat]).failures()) == []
    assert "memory grows" in next(iter(Report([growing]).failures()))
