"""Several processes and two hundred calls on one key: one row, no error, nothing lost."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from generated import Database
from models import User
from tests.scenarios.conftest import GUILD

PROCESSES = 4


async def all_at_once(project: Path, url: str, job: str, times: int) -> list[str]:
    """Let several processes run a job concurrently; return their output."""

    async def one() -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.stress.worker", url, job, str(times)),
            cwd=project,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        return out.decode().strip()

    return list(await asyncio.gather(*(one() for _ in range(PROCESSES))))


async def test_two_hundred_get_or_create_calls_create_one_row(db: Database, reference_url: str, project: Path) -> None:
    counts = await all_at_once(project, reference_url, "get_or_create", 50)
    assert sum(map(int, counts)) == 1
    assert await db.user.count() == 1


async def test_two_hundred_upserts_create_one_row(db: Database, reference_url: str, project: Path) -> None:
    await all_at_once(project, reference_url, "upsert", 50)
    user = await db.user.get_one_by_discord_id(42)
    assert user.username == f"n{user.points}", "all values are from the same call"
    assert await db.user.count() == 1


async def test_atomic_updates_lose_nothing(db: Database, reference_url: str, project: Path) -> None:
    await db.user.create(discord_id=42, guild_id=GUILD, username="one")
    await all_at_once(project, reference_url, "add", 50)
    assert (await db.user.get_one_by_discord_id(42)).points == 200


async def test_case_numbers_have_no_gaps_and_no_repeats(db: Database, reference_url: str, project: Path) -> None:
    await db.user.create(discord_id=42, guild_id=GUILD, username="one")
    await all_at_once(project, reference_url, "case", 13)
    numbers = sorted([case.number for case in await db.case.find_all()])
    assert numbers == list(range(1, 53))


async def test_work_queue_hands_out_each_reminder_once(db: Database, users: list[User]) -> None:
    now = datetime.now(UTC)
    await db.reminder.create_many(
        [
            {"user_id": users[0].id, "key": f"k{n}", "channel_id": 1, "content": "c", "expires_at": now}
            for n in range(100)
        ]
    )

    async def work() -> list[int | None]:
        mine: list[int | None] = []
        while taken := await db.reminder.claim(now + timedelta(1), limit=3):
            mine += [reminder.id for reminder in taken]
        return mine

    taken = await asyncio.gather(*(work() for _ in range(10)))
    ids = [one for mine in taken for one in mine]
    assert len(ids) == len(set(ids)) == 100
