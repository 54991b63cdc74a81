"""Emitted stubs of difficult models pass, and pass the type checkers."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
CHECKERS = {
    "basedpyright": ["basedpyright", "--pythonpath", sys.executable],
    "mypy": ["mypy", "--strict", "--python-executable", sys.executable, "tests"],
}
STRICT = {"typeCheckingMode": "strict", "include": ["tests"], "pythonVersion": "3.11"}
SMALL = """\
from sqlmodel import Field, SQLModel

class Note(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of difficult models, generated."""
    folder = tmp_path_factory.mktemp("difficult")
    shutil.copy(Path(__file__).with_name("difficult.py"), folder / "models.py")
    (folder / "pyproject.toml").write_text(
        '[tool.ctrlgen]\nmodels = ["models"]\noutput = "generated"\ntests = "tests"\n'
    )
    (folder / "pyrightconfig.json").write_text(json.dumps(STRICT))
    done = run(folder, sys.executable, "-m", "ctrlgen", "generate")
    assert done.returncode == 0, done.stderr
    return folder


def run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


def test_emitted_stubs_of_difficult_models_pass(workspace: Path) -> None:
    done = run(workspace, sys.executable, "-m", "pytest", "-q", "-rs", "tests")
    assert done.returncode == 0, done.stdout
    skipped = re.findall(r"^SKIPPED \[\d+\] (\S+):\d+: (.*)$", done.stdout, re.MULTILINE)
    assert set(skipped) == {("tests/controller_factories.py", "put a valid `token` here")}, done.stdout


def test_skipped_tests_run_after_the_value_is_added(workspace: Path, tmp_path: Path) -> None:
    """These are the tests of the model itself, and of the model that refers to it."""
    shutil.copytree(workspace, tmp_path, dirs_exist_ok=True)
    factories = tmp_path / "tests/controller_factories.py"
    factories.write_text(factories.read_text().replace('skip("put a valid `token` here")', '"open sesame"'))
    files = [f"tests/test_{name}_controller.py" for name in ("secret", "visitor")]
    done = run(tmp_path, sys.executable, "-m", "pytest", "-q", "-k", "not load", *files)
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
    assert done.returncode == 0, done.stdout


def test_database_that_cannot_be_created_fails_once(workspace: Path, tmp_path: Path) -> None:
    shutil.copytree(workspace, tmp_path, dirs_exist_ok=True)
    conftest = tmp_path / "tests/conftest.py"
    conftest.write_text(conftest.read_text().replace('"vector": "vector",', ""))
    done = run(tmp_path, sys.executable, "-m", "pytest", "-q", "tests")
    assert re.search(r"(\d+) skipped, 1 error", done.stdout), done.stdout
    assert 'type "vector" does not exist' in done.stdout


def test_unusable_server_suggests_the_embedded_one(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@localhost:1/nowhere")
    done = run(workspace, sys.executable, "-m", "pytest", "-q", "-x", "tests/test_secret_controller.py")
    assert "The server is the one in DATABASE_URL; unset it to use an embedded server." in done.stdout, done.stdout


def test_documented_settings_work_for_packages_under_src_without_warnings(project: Path, tmp_path: Path) -> None:
    match = re.search(
        r"^\[tool\.pytest\.ini_options\]\n[^`]+", (project / "docs/guide/test.md").read_text(), re.MULTILINE
    )
    assert match
    settings = match[0].replace('pythonpath = ["."]   # or ["src"]', 'pythonpath = ["src"]   # or ["src"]')
    assert settings != match[0], "the guide says what to write for packages under src"
    package = tmp_path / "src/bot"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "models.py").write_text(SMALL)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.ctrlgen]\nmodels = ["bot.models"]\noutput = "src/bot/db"\ntests = "tests/db"\n' + settings
    )
    assert run(tmp_path, sys.executable, "-m", "ctrlgen", "generate").returncode == 0
    done = run(tmp_path, BIN / "pytest", "-q", "tests/db")
    assert done.returncode == 0, done.stdout
    assert "warning" not in (done.stdout + done.stderr).lower()


@pytest.mark.parametrize("checker", CHECKERS)
def test_stubs_are_strictly_typed(workspace: Path, checker: str) -> None:
    command, *flags = CHECKERS[checker]
    done = run(workspace, BIN / command, *flags)
    assert done.returncode == 0, done.stdout


def test_new_row_does_not_set_values_that_it_has_by_default(workspace: Path) -> None:
    text = (workspace / "tests/test_order_controller.py").read_text()
    assert "    order = await new_order(db)\n    assert await db.order.delete_open_by_number(order.number)" in text
    assert "present(" not in text


def test_row_that_may_not_exist_is_not_used(workspace: Path) -> None:
    """No test can be written for an index on the rows of person 1."""
    assert "find_first" in (workspace / "generated/node.py").read_text()
    assert "find_first" not in (workspace / "tests/test_node_controller.py").read_text()
