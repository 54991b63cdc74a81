"""``python -m bot``: missing settings are reported, the database is migrated, and two processes may start at once."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.client import Bot
from bot.cogs import COGS
from bot.migrate import migrate
from bot.settings import MissingSettingsError, Settings
from generated import Database
from tests.conftest import NewDatabase


def start(project: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"DISCORD_TOKEN", "DATABASE_URL"}}
    return subprocess.run(
        [sys.executable, "-m", "bot"],
        cwd=project,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_all_missing_settings_are_reported_at_once(project: Path) -> None:
    done = start(project)
    assert done.returncode == 2
    assert "DISCORD_TOKEN: " in done.stderr
    assert "DATABASE_URL: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("missing", ["DISCORD_TOKEN", "DATABASE_URL"])
def test_empty_variable_counts_as_missing(missing: str) -> None:
    environment = {"DISCORD_TOKEN": "a", "DATABASE_URL": "b"} | {missing: " "}
    with pytest.raises(MissingSettingsError, match=missing):
        Settings.from_environment(environment)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://localhost/bot", "does not begin with postgresql://"),
        ("postgresql://postgres@localhost:1/bot", "cannot connect to postgresql://postgres@localhost:1/bot"),
    ],
)
def test_unusable_database_is_reported_without_a_traceback(url: str, message: str, project: Path) -> None:
    done = start(project, DISCORD_TOKEN="a token", DATABASE_URL=url)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


async def test_concurrent_starts_migrate_once(new_database: NewDatabase) -> None:
    async with new_database() as url, Database(url) as db:
        await asyncio.gather(*(migrate(db, url) for _ in range(3)))
        assert await db.user.count() == 0


async def test_every_cog_has_the_database_and_every_command_has_help(db: Database) -> None:
    bot = Bot(db)
    for cog in COGS:
        assert cog(bot).db is db
    for command in (command for cog in COGS for command in cog(bot).get_commands()):
        assert command.help
    await bot.close()


def test_cogs_contain_no_session_and_no_query(project: Path) -> None:
    forbidden = (".session(", "select(", "transaction(", "sqlalchemy", "sqlmodel", "execute(")
    for cog in (project / "bot/cogs").glob("*.py"):
        text = cog.read_text()
        assert [word for word in forbidden if word in text] == [], cog.name
