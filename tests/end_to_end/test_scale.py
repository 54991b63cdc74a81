"""Three hundred models of ten columns: the emitted code grows in proportion. ``bench.scale`` measures the time."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from bench.scale import HEAD, MODEL, SETTINGS

pytestmark = pytest.mark.usefixtures("real_processes")

MODELS = 300


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated package of many models."""
    folder = tmp_path_factory.mktemp("scale")
    (folder / "things.py").write_text(HEAD + "".join(MODEL.format(n=n) for n in range(MODELS)))
    (folder / "pyproject.toml").write_text(f"{SETTINGS}[tool.ruff]\nline-length = 160\n")  # so that no name is wrapped
    done = run(folder, "-m", "ctrlgen", "generate")
    assert done.returncode == 0, done.stderr
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Without byte code files every import would compile again, unlike in an application.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def lines(*files: Path) -> int:
    return sum(1 for file in files for line in file.read_text().splitlines() if line.strip())


def test_package_imports_controllers_on_first_use(workspace: Path) -> None:
    code = "import sys, generated; print(sum(name.startswith('generated.thing') for name in sys.modules))"
    assert run(workspace, "-c", code).stdout.strip() == "0"


def test_similar_models_give_modules_of_equal_size(workspace: Path) -> None:
    """The cost of a model does not grow with the number of models."""
    sizes = [lines(file) for file in (workspace / "generated").glob("thing*.py")]
    assert len(sizes) == MODELS
    assert max(sizes) == statistics.median(sizes) == min(sizes)
