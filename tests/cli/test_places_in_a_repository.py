"""The paths of annotations and of SARIF logs, where the project is a folder of a git repository."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from .conftest import MODELS, SETTINGS, Project

STALE = f"{MODELS}    age: int\n"
BOT = "async def f(db):\n    return await db.hero.find_all()\n"
COMMANDS = {
    "a stale model": (("check",), "app/models.py", STALE, "app/models.py"),
    "a model that does not parse": (("generate",), "app/models.py", "class Broken(:\n", "app/models.py"),
    "a setting": (("generate",), "pyproject.toml", f"{SETTINGS}bogus = 1\n", "pyproject.toml"),
    "a finding of lint": (("lint", "app/bot.py"), "app/bot.py", BOT, "app/bot.py"),
    "a finding of lint above the folder": (("lint", "../api/app/bot.py"), "app/bot.py", BOT, "app/bot.py"),
}


@pytest.fixture
def api(generated: Path, tmp_path: Path) -> Project:
    """A project in the folder ``services/api`` of a repository."""
    (tmp_path / ".git").mkdir()
    root = tmp_path / "services" / "api"
    shutil.copytree(generated, root)
    return Project(root)


# https://github.com/astral-sh/ruff/issues/1835, https://github.com/oxc-project/oxc/issues/12352
@pytest.mark.parametrize("name", COMMANDS)
def test_places_are_relative_to_the_repository(api: Project, name: str) -> None:
    command, file, text, place = COMMANDS[name]
    api.write(file, text)
    annotations = api.run(*command, "--format", "github").stdout
    assert re.findall(r"file=([^,]+)", annotations) == [f"services/api/{place}"]
    log = json.loads(api.run(*command, "--format", "sarif").stdout)
    (result,) = log["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == f"services/api/{place}"


def test_places_of_json_are_relative_to_the_project(api: Project) -> None:
    api.write("app/models.py", STALE)
    (problem,) = json.loads(api.run("check", "--format", "json").stdout)
    assert problem["path"] == "app/models.py"


def test_places_in_a_worktree_are_relative_to_it(api: Project) -> None:
    (api.root / ".git").write_text("gitdir: ../../.git/worktrees/api\n")
    api.write("app/models.py", STALE)
    assert "file=app/models.py," in api.run("check", "--format", "github").stdout


def test_places_behind_a_symbolic_link_are_those_of_the_repository(api: Project) -> None:
    link = api.root.parent / "link"
    link.symlink_to(api.root)
    api.write("app/models.py", STALE)
    assert "file=services/api/app/models.py," in Project(link).run("check", "--format", "github").stdout


# https://github.com/dheerajjha/mcp-migrate/issues/262
@pytest.mark.parametrize(
    "command",
    [
        ("drift", "--database", "postgresql://localhost:1/nothing"),
        ("generate", "--models", "app.missing"),
        ("check", "--output", "../outside"),
    ],
)
def test_every_result_of_a_sarif_log_has_a_place(api: Project, command: tuple[str, ...]) -> None:
    log = json.loads(api.run(*command, "--format", "sarif").stdout)
    (result,) = log["runs"][0]["results"]
    (location,) = result["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "services/api/pyproject.toml"
