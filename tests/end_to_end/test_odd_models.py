"""Odd models, through the whole pipeline: emitted stubs run green, and every type checker is content."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_stubs_run_green_as_emitted(workspace: Path) -> None:
    done = run(workspace, sys.executable, "-m", "pytest", "-q", "tests")
    assert done.returncode == 0, done.stdout


def test_second_run_changes_nothing(workspace: Path) -> None:
    done = run(workspace, sys.executable, "-m", "ctrlgen", "check")
    assert done.returncode == 0, done.stdout


def test_emitted_code_is_clean_under_ruff(workspace: Path) -> None:
    ruff = [BIN / "ruff", "check", "--isolated", "--line-length", "120", "--select", "E4,E7,E9,F,I,UP,B", "generated"]
    done = run(workspace, *ruff)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("checker", CHECKERS)
def test_emitted_code_is_clean_under(checker: str, workspace: Path) -> None:
    command, *flags = [flag for flag in CHECKERS[checker] if flag != "uses.py"]
    done = run(workspace, BIN / command, *flags)
    ours = [line for line in done.stdout.splitlines() if "generated/" in line and "error" in line.lower()]
    assert not ours, "\n".join(ours)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
