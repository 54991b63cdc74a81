"""A project with ``tenant`` and ``tenant_strict``: its stubs run, and type checkers require the tenant."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Run
from .test_type_checkers import BIN, CHECKERS, STRICT

MODELS = Path(__file__).resolve().parents[1] / "runtime/tenant_models.py"
SETTINGS = """\
[tool.ctrlgen]
models = ["models"]
output = "generated"
tests = "tests"
tenant = "league_id"
tenant_strict = true

[tool.pytest.ini_options]
pythonpath = ["."]
asyncio_default_fixture_loop_scope = "session"
"""
USES = """\
from generated import AnyOf, Database
from models import Team


async def uses(db: Database) -> None:
    found: list[Team] = await db.team.find_all(league_id=1, city="x").load("games", "tags")
    same: Team | None = await db.team.find_one(db.team.c.league_id == 1, league_id=1)
    await db.team.find_by_league_id(1, name="x")
    print(found, same, await db.team.count(league_id=1), await db.team.exists(db.team.c.points > 1, league_id=1))
    await db.team.update_where(db.team.c.points > 1, league_id=1, points=2)
    await db.team.create(league_id=1, id=1, name="x", city="y")
    await db.team.find_all(city="x")  # WRONG
    await db.team.find_one()  # WRONG
    await db.team.count()  # WRONG
    await db.team.exists(db.team.c.points > 1)  # WRONG
    await db.team.find_all(league_id=AnyOf([1, 2]))  # WRONG
    await db.team.find_all(league_id=None)  # WRONG
    await db.team.find_by_league_id(AnyOf([1, 2]))  # WRONG
    await db.team.find_by_league_id(1, league_id=2)  # WRONG
    await db.team.update_where(db.team.c.points > 1, points=2)  # WRONG
    await db.team.create(id=1, name="x", city="y")  # WRONG
    await db.team.find_by_points(1)  # WRONG
    await db.team.find_all(league_id=1).load("namesakes")  # WRONG
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, run: Run) -> Path:
    folder = tmp_path_factory.mktemp("leagues")
    shutil.copy(MODELS, folder / "models.py")
    (folder / "pyproject.toml").write_text(SETTINGS)
    (folder / "uses.py").write_text(USES)
    (folder / "pyrightconfig.json").write_text(json.dumps(STRICT))
    run(sys.executable, "-m", "ctrlgen", "generate", cwd=folder)
    return folder


@pytest.mark.parametrize("checker", CHECKERS)
def test_type_checkers_require_the_tenant(workspace: Path, checker: str) -> None:
    command, *flags = CHECKERS[checker]
    done = subprocess.run([BIN / command, *flags], cwd=workspace, capture_output=True, text=True, check=False)
    caught = {int(line) for line in re.findall(r"uses\.py:(\d+):.*\berror\b", done.stdout, re.IGNORECASE)}
    caught |= {int(line) for line in re.findall(r"error\b.*uses\.py:(\d+)", done.stdout, re.IGNORECASE)}
    assert caught == {number for number, line in enumerate(USES.splitlines(), 1) if "# WRONG" in line}, done.stdout
    assert "generated" not in re.sub(r"(?m)^.*uses\.py.*$|^ .*$", "", done.stdout), done.stdout


def test_stubs_pass_the_tenant(workspace: Path, run: Run) -> None:
    done = run(sys.executable, "-m", "pytest", "-q", "tests", cwd=workspace)
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def test_explain_says_what_is_left_out_and_sends_the_tenant(workspace: Path, run: Run) -> None:
    done = run(sys.executable, "-m", "ctrlgen", "explain", "Team", cwd=workspace, COLUMNS="200")
    text = " ".join(done.stdout.split())
    assert "its key does not contain the tenant, `league_id`: use find_all(league_id=..., ...)" in text
    assert "the relationship is not joined by the tenant" in text
    assert "it takes no tenant: use find_all(league_id=...).delete()" in text
    every = json.loads(
        run(sys.executable, "-m", "ctrlgen", "explain", "Team", "--format", "json", cwd=workspace).stdout
    )
    (team,) = every["models"]
    methods = {method["name"]: method for method in team["methods"]}
    assert not {"paginate", "delete_where", "find_by_points", "load_namesakes"} & methods.keys()
    reads = [methods[name] for name in ("find_all", "find_one", "count", "exists", "update_where")]
    assert all("league_id" in method["statements"][0]["sql"].partition("WHERE")[2] for method in reads)


def test_without_strictness_methods_of_other_keys_are_findings(workspace: Path, tmp_path: Path, run: Run) -> None:
    shutil.copy(workspace / "models.py", tmp_path)
    settings = SETTINGS.replace("tenant_strict = true", "").replace('tests = "tests"', "")
    (tmp_path / "pyproject.toml").write_text(settings)
    done = run(sys.executable, "-m", "ctrlgen", "generate", cwd=tmp_path)
    crossing = [line.partition("CG117: ")[2] for line in done.stderr.splitlines() if "CG117" in line]
    of_index = "`ix_team_points` does not begin with `league_id`; begin the index with it"
    of_join = "`namesakes` is not joined by `league_id`; join by it, too"
    assert crossing == [
        f"`find_by_points` of `Team` reaches other tenants: {of_index}",
        f"`load_namesakes` of `Team` reaches other tenants: {of_join}",
    ]
    assert "def load_namesakes" in (tmp_path / "generated/team.py").read_text()
