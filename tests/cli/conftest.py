"""Fixtures: a scratch project, and the command as a user runs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

MODELS = '''"""A model."""

from sqlmodel import Field, SQLModel


class Hero(SQLModel, table=True):
    """Somebody brave."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
'''
SETTINGS = '[tool.ctrlgen]\nmodels = ["app.models"]\noutput = "app/db"\n'


@dataclass(frozen=True)
class Project:
    """A user's project on disk."""

    root: Path

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run ctrlgen here."""
        command = [sys.executable, "-m", "ctrlgen", *arguments]
        return subprocess.run(
            command, cwd=self.root, env=os.environ | environment, capture_output=True, encoding="utf-8", check=False
        )

    def fails(self, *arguments: str) -> str:
        """Run ctrlgen, which must fail with exit code 2 and without a traceback; return its error output."""
        before = self.files()
        done = self.run(*arguments)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert re.search(r"^error CGE\d\d\d: ", done.stderr, re.MULTILINE), done.stderr
        assert self.files() == before, "a failed run must not change any file"
        return done.stderr

    def files(self) -> dict[str, bytes]:
        """Every file of the project."""
        files = (
            path
            for path in self.root.rglob("*")
            if path.is_file() and not {"__pycache__", ".ctrlgen_cache"} & {*path.parts}
        )
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose controllers are generated already; copied for each test."""
    app = Project(tmp_path_factory.mktemp("app"))
    app.write("pyproject.toml", SETTINGS)
    app.write("app/__init__.py", "")
    app.write("app/models.py", MODELS)
    done = app.run("generate")
    assert done.returncode == 0, done.stderr
    assert "created  app/db/hero.py" in done.stdout
    return app.root


@pytest.fixture
def app(generated: Path, tmp_path: Path) -> Project:
    """A project whose controllers are generated already."""
    shutil.copytree(generated, tmp_path, dirs_exist_ok=True)
    return Project(tmp_path)
