"""A user's project in a temporary folder, loaded by the real child process."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ctrlgen.child import schema_from_child
from ctrlgen.schema import Schema

HERO = """
from sqlmodel import Field, SQLModel

class Hero(SQLModel, table=True):
    id: int = Field(primary_key=True)
"""


@dataclass(frozen=True)
class Settings:
    """The part of the configuration that loading reads."""

    project: Path
    models: tuple[str, ...]
    package: str = "generated"


@dataclass(frozen=True)
class Workspace:
    """A project's folder."""

    root: Path

    def write(self, **sources: str) -> None:
        """Write modules: ``app__models="..."`` is ``app/models.py``, ``app__`` is ``app/__init__.py``."""
        for name, source in sources.items():
            *folders, stem = name.split("__")
            path = Path(self.root, *folders, f"{stem or '__init__'}.py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(source).lstrip())

    def load(self, *models: str) -> Schema:
        """Load the modules of that name."""
        return schema_from_child(Settings(self.root, models))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty project, in a folder with a space in its name."""
    root = tmp_path / "a project"
    root.mkdir()
    return Workspace(root)


@pytest.fixture
def names() -> Callable[[Schema], list[str]]:
    """Return the models of a schema as ``module.Class``."""

    def names(schema: Schema) -> list[str]:
        return [f"{model.reference.module}.{model.reference.name}" for model in schema.models]

    return names
