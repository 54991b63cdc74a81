"""Models of a package that several projects of a repository share, as in a workspace with editable installs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Project
from .test_watch import watching

MODELS = """from sqlmodel import Field, SQLModel


class Team(SQLModel, table=True):
    id: int = Field(primary_key=True)


class Hero(SQLModel, table=True):
    id: int = Field(primary_key=True)
    team_id: int = Field(foreign_key="team.id")
"""
SETTINGS = '[tool.ctrlgen]\nmodels = ["shared.models"]\noutput = "web/db"\n'


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the shared package, which is on the import path as by an editable install."""
    folder = tmp_path / ".repository" / "libs" / "shared" / "src"
    Project(folder).write("shared/__init__.py", "")
    Project(folder).write("shared/models.py", MODELS)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder / "shared"


@pytest.fixture
def web(shared: Path, tmp_path: Path) -> Project:
    project = Project(tmp_path / ".repository" / "apps" / "web")
    project.write("pyproject.toml", SETTINGS)
    project.write("web/__init__.py", "")
    done = project.run("generate")
    assert done.returncode == 0, done.stderr
    assert "../../libs/shared/src/shared/models.py:10: warning CG101" in done.stderr
    return project


# https://github.com/evanw/esbuild/issues/3417, https://github.com/parcel-bundler/parcel/issues/4332
def test_watch_sees_their_saves(web: Project, shared: Path, tmp_path: Path) -> None:
    with watching(web, tmp_path) as watcher:
        watcher.lines(1)
        (shared / "models.py").write_text(MODELS.replace('"team.id"', '"team.id", index=True'))
        assert watcher.lines(2)[1] == f"{shared / 'models.py'}: changed web/db/hero.py"


def test_comment_in_them_silences_a_finding(web: Project, shared: Path) -> None:
    (shared / "models.py").write_text(MODELS.rstrip() + "  # ctrlgen: ignore[CG101]\n")
    assert "CG101" not in web.run("generate").stderr


def test_mistake_in_them_has_its_line(web: Project, shared: Path) -> None:
    (shared / "models.py").write_text(MODELS + "missing = {}['missing']\n")
    printed = web.fails("generate")
    assert "--> ../../libs/shared/src/shared/models.py:11" in printed
    assert "11 | missing = {}['missing']" in printed


def test_annotation_is_at_their_place_in_the_repository(web: Project, tmp_path: Path) -> None:
    (tmp_path / ".repository" / ".git").mkdir()
    assert "file=libs/shared/src/shared/models.py,line=10," in web.run("check", "--format", "github").stdout
    (problem,) = json.loads(web.run("check", "--format", "json").stdout)
    assert problem["path"] == "../../libs/shared/src/shared/models.py"
