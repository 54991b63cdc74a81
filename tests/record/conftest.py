"""Fixtures: a project with a record of its last run, and everything that a run may depend on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

FILES = {
    "pyproject.toml": '[tool.ctrlgen]\nmodels = ["app.models"]\noutput = "app/db"\ntests = "tests/db"\n',
    "app/__init__.py": "",
    "app/sizes.py": "NAME = 20\n",
    "app/limits.txt": "30\n",
    "app/models/__init__.py": "",
    "app/models/notes.py": "NOTES = 'nothing to be stored'\n",
    "app/models/town.py": '''"""A table in a module of its own."""

from sqlmodel import Field, SQLModel


class Town(SQLModel, table=True):
    """Where heroes live."""

    id: int | None = Field(default=None, primary_key=True)
''',
    "app/models/hero.py": '''"""Models that depend on more than their source."""

import os
from importlib.util import find_spec
from pathlib import Path

import library
from app.sizes import NAME
from sqlmodel import Field, SQLModel

HERE = Path(__file__).parent
with Path(os.environ["IMPORTS"]).open("a") as log:
    log.write("imported\\n")
LIMIT = int((HERE.parent / "limits.txt").read_text())
EXTRA = (HERE.parent / "extra.txt").exists()
SETS = len(list((HERE.parent / "sets").glob("*.txt"))) if (HERE.parent / "sets").is_dir() else 0


class Team(SQLModel, table=True):
    """Heroes together."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=NAME)


class Hero(SQLModel, table=True):
    """Somebody brave."""

    __tablename__ = os.environ.get("TABLE_OF_HEROES", "hero")

    id: int | None = Field(default=None, primary_key=True)
    team_id: int = Field(foreign_key="team.id")
    name: str = Field(max_length=library.LENGTH)
    note: str = Field(max_length=LIMIT, unique=EXTRA, index=SETS > 0 or find_spec("app.indexed") is not None)
''',
}


@dataclass
class Workspace:
    """The project, a separate installation of ctrlgen, and a library, which the models import."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def tool(self) -> Path:
        return self.root / "tool" / "ctrlgen"

    @property
    def library(self) -> Path:
        return self.root / "site-packages" / "library.py"

    def write(self, path: str, text: str) -> None:
        file = self.project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.project / path).read_text("utf-8")
        assert old in text
        self.write(path, text.replace(old, new))

    def run(self, *arguments: str, cwd: Path | None = None) -> tuple[int, str, str]:
        """Run ctrlgen; return its exit code, and what it printed."""
        paths = (self.root / "tool", self.root / "site-packages")
        environment = {"PYTHONPATH": os.pathsep.join(map(str, paths)), "IMPORTS": str(self.root / "imports.log")}
        done = subprocess.run(
            [sys.executable, "-m", "ctrlgen", *arguments],
            cwd=cwd or self.project,
            env={**os.environ, **environment, **self.environment, "PYTHONDONTWRITEBYTECODE": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def generate(self) -> None:
        code, stdout, stderr = self.run("generate")
        assert code == 0, stdout + stderr

    def contents(self) -> dict[Path, bytes]:
        """Return every file except those that the runs leave behind."""
        left_behind = {"__pycache__", ".ctrlgen_cache"}
        files = (
            file
            for file in self.root.rglob("*")
            if file.is_file() and file.suffix != ".log" and not left_behind & {*file.parts}
        )
        return {file: file.read_bytes() for file in files}

    def restore(self, contents: dict[Path, bytes]) -> None:
        now = self.contents()
        for file in now.keys() - contents.keys():
            file.unlink()
        for file, content in contents.items():
            if now.get(file) != content:
                file.write_bytes(content)
                # Python considers byte code current if it has the size and the time in seconds of the source.
                shutil.rmtree(file.parent / "__pycache__", ignore_errors=True)

    def imports(self) -> int:
        """Return how often the models were imported."""
        file = self.root / "imports.log"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def is_remembered(self, command: str = "check", *arguments: str) -> bool:
        """Return whether a run answers without importing the models."""
        before = self.imports()
        code, stdout, stderr = self.run(command, *arguments)
        assert code in {0, 1}, stdout + stderr
        return self.imports() == before


def make_workspace(root: Path, project: Path) -> Workspace:
    """Lay out the files, without running anything."""
    workspace = Workspace(root)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(project / "generator/ctrlgen", workspace.tool, ignore=ignored)
    shutil.copytree(project / "templates", workspace.tool / "templates", ignore=ignored)
    workspace.library.parent.mkdir()
    workspace.library.write_text("LENGTH = 40\n")
    for path, text in FILES.items():
        workspace.write(path, text)
    return workspace


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Workspace:
    """A project that is up to date, for all tests of a module."""
    workspace = make_workspace(tmp_path_factory.mktemp("record"), project)
    workspace.generate()
    return workspace


@pytest.fixture
def workspace(shared: Workspace) -> Iterator[Workspace]:
    """An up-to-date project with a record; changes by a test are undone for the next test."""
    assert shared.is_remembered() or shared.is_remembered()
    before = shared.contents()
    yield shared
    shared.environment.clear()
    shared.restore(before)
