"""Five type checkers in strict mode on the emitted code: they accept correct uses and reject each wrong use."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
STRICT = {"typeCheckingMode": "strict", "include": ["generated", "uses.py"], "pythonVersion": "3.11"}
CHECKERS = {
    "basedpyright": ["basedpyright", "--pythonpath", sys.executable],
    "pyright": ["pyright", "--pythonpath", sys.executable],
    "mypy": ["mypy", "--strict", "--python-executable", sys.executable, "generated", "uses.py"],
    "ty": ["ty", "check", "--output-format", "concise", "--python", sys.executable, "generated", "uses.py"],
    "pyrefly": [
        *("pyrefly", "check", "--output-format", "min-text", "--preset", "strict"),
        *("--python-interpreter-path", sys.executable, "generated", "uses.py"),
    ],
}

RIGHT = """\
from datetime import UTC, datetime

from bot.controllers.members import Members
from generated import AnyOf, CacheInfo, Database, Filters, OrderBy, Page, Selection, Span
from generated.levels import LevelsCreate, LevelsUpdate, LevelsValues
from generated.user import UserLoad, UserUpdate
from models import GuildConfig, Levels, PermissionRank, User
from sqlalchemy.orm import selectinload
from typing_extensions import Unpack


async def award(db: Database, guild_id: int, member_id: int, **values: Unpack[LevelsValues]) -> Levels:
    return await db.levels.create(guild_id=guild_id, member_id=member_id, **values)


async def prepared(db: Database, changes: LevelsUpdate, row: LevelsCreate) -> None:
    await db.levels.update_by_guild_id_and_member_id(1, 2, **changes)
    await db.levels.update_many([((1, 2), changes)])
    await db.levels.upsert_by_guild_id_and_member_id(**row)
    await db.levels.delete_many([(1, 2)])


def rich(db: Database, least: int, where: Filters = None, by: OrderBy = None) -> Selection[User, UserLoad, UserUpdate]:
    return db.user.find_all(where, points=Span(ge=least), order_by=by)


class Richest(Members):
    async def guild_name(self, key: int) -> str:
        return (await self.db.guild.get_one_by_id(id=key)).name


async def right(db: Database) -> None:
    user = await db.user.create(discord_id=1, guild_id=2, username="ada")
    points: int = user.points
    await db.user.update_by_discord_id(points, points=db.user.c.points + 5)
    c = db.user.c
    await db.user.find_all(c.is_active).update({"points": c.points + 1, "is_active": False})
    await db.user.update_many([(1, {"points": 5}), (2, {"username": "ada", "points": c.points + 1})])
    await db.user.bulk_update([{"id": 1, "points": 5}])
    await db.user.delete_many([1, 2])
    same: User = await db.user.update_one_by_id(1, points=3)
    pair = await db.levels.get_by_guild_id_and_member_id(member_id=2, guild_id=1)
    board: Page[User] = await db.user.leaderboard(1, size=5)
    print(same, pair, board)
    found: list[User] = await db.user.find_by_guild_id(2, points=Span(ge=1), username=AnyOf(["ada"]), limit=5)
    found = await db.user.find_all(c.points > 5, order_by=c.points.desc()).load("guild").limit(3)
    found = await db.user.find_all(filters=[c.points > 5, c.username.in_(["ada"])], order_by=[c.points, c.id])
    one: User | None = await db.user.get_by_discord_id(1, load=["guild"])
    page: Page[User] = await db.user.find_all().page(size=10)
    await db.user.find_all(options=[selectinload(c.guild)])
    infos: dict[str, CacheInfo] = db.cache_info()
    config: GuildConfig | None = await db.guild_config.uncached().get_by_guild_id(1)
    own: GuildConfig = await db.guild_config.uncached().get_or_create(1)
    await db.guild_config.invalidate()
    await db.guild_config.invalidate(1, 2)
    steps: list[PermissionRank] = await db.permission_rank.find_by_guild_id(1)
    print(infos["guild_config"].hits, infos["guild_config"].hit_rate, config, own, steps)
    due = await db.reminder.find_pending_by_expires_at(Span(lt=datetime.now(UTC)))
    await db.user.create_many([{"discord_id": 1, "guild_id": 2, "username": "ada"}])
    created, is_new = await db.user.get_or_create_by_discord_id(discord_id=1, guild_id=2, username="ada")
    print(found, one, page.items, due, created.username, is_new)
"""

WRONG = """\
from generated import Database, Span


async def wrong(db: Database) -> None:
    await db.user.create(discord_id=1, guild_id=2)  # WRONG: a required value is missing
    await db.user.create(discord_id=1, guild_id=2, username="ada", colour="red")  # WRONG: no such column
    await db.user.update_by_discord_id(1, points="many")  # WRONG: not a number
    await db.user.update_by_discord_id(1, pionts=1)  # WRONG: misspelt
    await db.user.update_by_discord_id(1, id=1)  # WRONG: the primary key does not change
    await db.user.get_by_discord_id("1")  # WRONG: a string for a number
    await db.user.get_by_discord_id(1, load=["gild"])  # WRONG: no such relationship
    await db.user.get_by_discord_id(1, load="guild")  # WRONG: a name instead of a list of names
    db.user.find_by_guild_id(5, points=Span(ge="x"))  # WRONG: bounds of another type
    db.user.find_by_guild_id(5, pionts=3)  # WRONG: misspelt
    db.user.find_by_guild_id(5).load("gild")  # WRONG: no such relationship
    db.user.find_all(True)  # WRONG: a plain bool is not a filter
    await db.user.create_many([{"discord_id": 1}])  # WRONG: required values are missing
    await db.user.update_many([("1", {"points": 5})])  # WRONG: a key of another type
    await db.user.update_many([(1, {"pionts": 5})])  # WRONG: misspelt
    await db.user.delete_many(["1"])  # WRONG: keys of another type
    await db.levels.delete_many([1])  # WRONG: the key has two columns
    await db.user.find_by_guild_id(5).update({"pionts": 3})  # WRONG: misspelt
    await db.user.find_by_guild_id(5).update({"points": "x"})  # WRONG: not a number
    await db.levels.get_by_guild_id_and_member_id(guild_id=1)  # WRONG: half a key
    await db.user.update_one_by_id(1, pionts=3)  # WRONG: misspelt
    (await db.user.get_by_discord_id(1)).username  # WRONG: may be None
    db.user.get_one_by_discord_id(1).username  # WRONG: not awaited
    await db.user.c.points  # WRONG: a column cannot be awaited
    await db.guild_config.invalidate("1")  # WRONG: a key of another type
    await db.guild_config.invalidate((1, 2))  # WRONG: the key has one column
    await db.user.invalidate(1)  # WRONG: not cached
    db.user.uncached()  # WRONG: not cached
    db.cache_info()["guild_config"].hit  # WRONG: misspelt
    await db.users.get_by_discord_id(1)  # WRONG: no such controller
    for _ in db.user.find_all():  # WRONG: a selection is awaited
        pass
"""


@pytest.fixture
def workspace(project: Path, tmp_path: Path) -> Path:
    """The reference models and their emitted package, without this repository's settings."""
    for name in ("models", "generated", "bot"):
        shutil.copytree(project / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(STRICT))
    return tmp_path


def check(checker: str, workspace: Path) -> subprocess.CompletedProcess[str]:
    command, *flags = CHECKERS[checker]
    return subprocess.run(
        [BIN / command, *flags], cwd=workspace, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.mark.parametrize("checker", CHECKERS)
def test_emitted_code_and_correct_uses_are_clean(checker: str, workspace: Path) -> None:
    (workspace / "uses.py").write_text(RIGHT)
    done = check(checker, workspace)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("checker", CHECKERS)
def test_every_wrong_use_is_caught_on_its_line_and_nothing_else(checker: str, workspace: Path) -> None:
    (workspace / "uses.py").write_text(WRONG)
    done = check(checker, workspace)
    caught = {int(line) for line in re.findall(r"uses\.py:(\d+):.*\berror\b", done.stdout, re.IGNORECASE)}
    caught |= {int(line) for line in re.findall(r"error\b.*uses\.py:(\d+)", done.stdout, re.IGNORECASE)}
    expected = {number for number, line in enumerate(WRONG.splitlines(), 1) if "# WRONG" in line}
    assert caught == expected, done.stdout


def test_emitted_code_silences_no_checker(project: Path) -> None:
    for path in (project / "generated").rglob("*.py"):
        assert not re.search(r"#\s*(type:|pyright:|ty:|pyrefly:|noqa)", path.read_text()), path


def test_emitted_code_has_no_any_outside_the_runtime_and_json(project: Path) -> None:
    """``Any`` appears only where a model's author wrote it, for free-form JSON."""
    for path in (project / "generated").glob("*.py"):
        for line in path.read_text().splitlines():
            assert "Any" not in line.replace("AnyOf", "") or "dict[str, Any]" in line or "import" in line, (
                path,
                line,
            )
