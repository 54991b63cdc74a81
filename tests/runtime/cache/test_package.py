"""Requirements of a package with cached models, and its behavior in forked processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.runtime.cache.conftest import FOLDER

FORKED = """
import asyncio, os, sys
from cached_db import Database

db = Database(sys.argv[1])

async def read():
    await db.config.get_by_guild_id(2)
    await db.transactions.pools.dispose()
    return db.cache_info()["config"].size

assert asyncio.run(read()) == 1
if (child := os.fork()) == 0:
    empty = db.cache_info()["config"].size == 0
    os._exit(0 if empty and asyncio.run(read()) == 1 else 1)
_, status = os.waitpid(child, 0)
assert db.cache_info()["config"].size == 1
sys.exit(os.waitstatus_to_exitcode(status))
"""


def python(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).resolve().parents[3]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(FOLDER), str(root)])}
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_import_without_cachetools_says_what_to_install() -> None:
    done = python("import sys; sys.modules['cachetools'] = None; import cached_db")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: this package caches models, for which it needs cachetools 8 or newer: "
        "install ctrlgen[cache], or cachetools"
    )


def test_forked_process_starts_with_empty_caches(url: str) -> None:
    done = python(FORKED, url)
    assert done.returncode == 0, done.stderr
