"""Odd models through the whole pipeline: the emitted stubs pass, and no type checker reports an error."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import NewDatabase
from tests.end_to_end.test_type_checkers import BIN, CHECKERS, STRICT

PYPROJECT = """\
[tool.ctrlgen]
models = ["odd"]
output = "generated"
tests = "tests"
[tool.pytest.ini_options]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "session"
asyncio_default_test_loop_scope = "session"
pythonpath = ["."]
"""


@pytest.fixture(scope="module")
def workspace(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of odd models, generated."""
    folder = tmp_path_factory.mktemp("odd")
    shutil.copytree(project / "tests/corpus/odd", folder / "odd")
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (folder / "pyrightconfig.json").write_text(json.dumps(STRICT | {"include": ["generated"]}))
    done = run(folder, sys.executable, "-m", "ctrlgen", "generate")
    assert done.returncode == 0, done.stderr
    return folder


def run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


def test_emitted_stubs_pass(workspace: Path) -> None:
    done = run(workspace, sys.executable, "-m", "pytest", "-q", "tests")
    assert done.returncode == 0, done.stdout


def test_second_run_changes_nothing(workspace: Path) -> None:
    done = run(workspace, sys.executable, "-m", "ctrlgen", "check")
    assert done.returncode == 0, done.stdout


def test_emitted_code_is_clean_under_ruff(workspace: Path) -> None:
    ruff = [BIN / "ruff", "check", "--isolated", "--line-length", "120", "--select", "E4,E7,E9,F,I,UP,B", "generated"]
    done = run(workspace, *ruff)
    assert done.returncode == 0, done.stdout


KEYWORDS = """
import asyncio, sys
from generated import Database
from odd.names import Keywords

async def main(url):
    async with Database(url) as db:
        async with db.engine.begin() as connection:
            await connection.run_sync(Keywords.__table__.create)
        made = await db.keywords.create(**{"class": "a", "in": 1, "load": 2, "load_": 3, "size": 7})
        assert await db.keywords.get_by_class("a") == made
        assert await db.keywords.get_by_load_and_load_(2, 3) == made
        assert await db.keywords.find_by_from(None) == [made]
        assert await db.keywords.find_by_limit(1) == await db.keywords.find_by_self(2) == [made]
        assert await db.keywords.find_all(**{"class": "a", "import": 0}) == [made]
        changed = await db.keywords.update_by_class("a", **{"from": 5})
        assert getattr(changed, "from") == 5
        kept = await db.keywords.upsert_by_class(**{"class": "a", "in": 2, "load": 2, "load_": 3})
        assert (getattr(kept, "from"), getattr(kept, "in")) == (5, 2)

asyncio.run(main(sys.argv[1]))
"""


async def test_keyword_attributes_are_passed_as_a_dict(workspace: Path, new_database: NewDatabase) -> None:
    async with new_database() as url:
        done = await asyncio.to_thread(run, workspace, sys.executable, "-c", KEYWORDS, url)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("checker", CHECKERS)
def test_emitted_code_is_clean_under(checker: str, workspace: Path) -> None:
    command, *flags = [flag for flag in CHECKERS[checker] if flag != "uses.py"]
    done = run(workspace, BIN / command, *flags)
    ours = [line for line in done.stdout.splitlines() if "generated/" in line and "error" in line.lower()]
    assert not ours, "\n".join(ours)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
