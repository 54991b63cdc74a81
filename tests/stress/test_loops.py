"""A module-level database on several event loops: in succession, per request, and concurrently."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from generated import Database
from tests.stress.test_faults import backends

_log = logging.getLogger(__name__)

WAYS = (
    *("in_a_row", "in_threads_in_a_row", "in_one_thread_beside_a_running_loop", "in_two_threads"),
    *("in_threads_that_come_and_go", "with_a_block_left_open", "without_leaving_connections_open"),
)


@pytest.mark.parametrize("way", WAYS)
async def test_database_is_used_on_several_event_loops(
    way: str, db: Database, reference_url: str, project: Path, whole: bool
) -> None:
    for _ in range(5 if whole else 1):
        await db.user.delete_where(db.user.c.discord_id > 0)
        command = [sys.executable, "-W", "default", "-m", "tests.stress.loops", way, str(await backends(db) + 1)]
        environment = {**os.environ, "DATABASE_URL": reference_url}
        began = time.monotonic()
        run = partial(subprocess.run, capture_output=True, text=True, timeout=30, check=False)
        done = await asyncio.to_thread(run, command, cwd=project, env=environment)
        warnings = done.stderr.count("ResourceWarning")
        _log.info("%s: %.1f s, %d resource warnings", way, time.monotonic() - began, warnings)
        assert (done.returncode, done.stdout) == (0, "right\n"), done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        for _ in range(50):
            if not await backends(db):
                break
            await asyncio.sleep(0.02)
        for user in await db.user.find_all():
            assert user.username == f"u{user.discord_id}", "rolled back changes are visible"
            assert user.points == user.discord_id
