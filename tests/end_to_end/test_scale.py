"""Three hundred models of ten columns: what is emitted stays in proportion. ``bench.scale`` measures the time."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

MODELS = 300
MODEL = '''
class Thing{n}(SQLModel, table=True):
    """Thing {n}."""

    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(unique=True, max_length=20)
    owner_id: int = Field(index=True)
    name: str
    points: int = 0
    active: bool = True
    price: Decimal = Field(default=Decimal(0), max_digits=8, decimal_places=2)
    made_at: datetime
    note: str | None = None
    weight: float = 1.0
'''


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated package of many models."""
    folder = tmp_path_factory.mktemp("scale")
    head = "from datetime import datetime\nfrom decimal import Decimal\n\nfrom sqlmodel import Field, SQLModel\n"
    (folder / "things.py").write_text(head + "\n".join(MODEL.format(n=n) for n in range(MODELS)))
    settings = '[tool.ctrlgen]\nmodels = ["things"]\noutput = "generated"\n'
    (folder / "pyproject.toml").write_text(f"{settings}[tool.ruff]\nline-length = 160\n")  # so that no name is wrapped
    done = run(folder, "-m", "ctrlgen", "generate")
    assert done.returncode == 0, done.stderr
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Without byte code files every import compiles again, which nobody's application does.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def lines(*files: Path) -> int:
    return sum(1 for file in files for line in file.read_text().splitlines() if line.strip())


def test_package_imports_no_controller_before_it_is_asked_for(workspace: Path) -> None:
    code = "import sys, generated; print(sum(name.startswith('generated.thing') for name in sys.modules))"
    assert run(workspace, "-c", code).stdout.strip() == "0"


def test_modules_of_one_shape_have_one_size(workspace: Path) -> None:
    """What a model costs does not grow with the number of models."""
    sizes = [lines(file) for file in (workspace / "generated").glob("thing*.py")]
    assert len(sizes) == MODELS
    assert max(sizes) == statistics.median(sizes) == min(sizes)
