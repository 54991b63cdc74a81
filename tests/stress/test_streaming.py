"""Streams of many rows in bounded memory."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa

from generated import Database
from tests.scenarios.conftest import GUILD

SCRIPT = """
import asyncio, resource, sys
from generated import Database

async def main():
    async with Database(sys.argv[1]) as db:
        [user async for user in db.user.find_all().limit(1000)]
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        count = 0
        async for user in db.user.find_all():
            count += 1
        print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)

asyncio.run(main())
"""


async def test_many_rows_are_streamed_in_bounded_memory(
    db: Database, reference_url: str, project: Path, whole: bool
) -> None:
    rows = 1_000_000 if whole else 50_000
    async with db.session() as session:
        columns = "discord_id, guild_id, username, created_at"
        await session.execute(
            sa.text(
                f"INSERT INTO users ({columns}) SELECT n, {GUILD}, 'u' || n, now() FROM generate_series(1, {rows}) n"
            )
        )
    command = [sys.executable, "-c", SCRIPT, reference_url]
    done = await asyncio.to_thread(subprocess.run, command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    count, grown = map(int, done.stdout.split())
    assert count == rows
    assert grown < 20 * 1024, f"{grown} KiB more memory than for a thousand rows"
