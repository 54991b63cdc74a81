"""Helpers for tests that run ctrlgen as its users do: as a command, in a separate project."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

SHOP = '''"""Two small models."""

from sqlmodel import Field, Relationship, SQLModel


class Customer(SQLModel, table=True):
    """Someone who buys."""

    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True, max_length=200)
    orders: list["Order"] = Relationship(back_populates="customer")


class Order(SQLModel, table=True):
    """What was bought."""

    id: int | None = Field(default=None, primary_key=True)
    customer_id: int = Field(foreign_key="customer.id", index=True)
    total: int = Field(ge=0)
    customer: Customer = Relationship(back_populates="orders")
'''


@pytest.fixture(scope="session")
def run() -> Run:
    """Run a command and return the finished process; a failure shows its whole output."""

    def run(*command: str | Path, cwd: Path, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture(scope="session")
def tool() -> tuple[str, str, str]:
    """ctrlgen as installed in this environment."""
    return (sys.executable, "-m", "ctrlgen")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A user's project with two models, configured and not yet generated."""
    folder = tmp_path / "a shop"
    folder.mkdir()
    (folder / "shop.py").write_text(SHOP)
    (folder / "pyproject.toml").write_text('[tool.ctrlgen]\nmodels = ["shop"]\noutput = "db"\n')
    return folder


@pytest.fixture
def reference(project: Path, tmp_path: Path) -> Path:
    """A copy of this repository's models and configuration, to generate from without touching the tree."""
    folder = tmp_path / "reference"
    for part in ("models", "bot/controllers"):  # the classes in the latter derive from the emitted controllers
        shutil.copytree(project / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    settings = tomllib.loads((project / "pyproject.toml").read_text())["tool"]["ctrlgen"]
    own = "".join(f'{model} = "{controller}"\n' for model, controller in settings["controllers"].items())
    cache = "".join(
        f"{model} = {{ {', '.join(f'{key} = {json.dumps(value)}' for key, value in each.items())} }}\n"
        for model, each in settings["cache"].items()
    )
    (folder / "pyproject.toml").write_text(
        f'[tool.ctrlgen]\nmodels = ["models"]\noutput = "generated"\ncache_sync = "{settings["cache_sync"]}"\n\n'
        f"[tool.ctrlgen.controllers]\n{own}\n[tool.ctrlgen.cache]\n{cache}"
        "\n[tool.ruff]\nline-length = 120\n"
    )
    return folder


@pytest.fixture(scope="session")
def emitted() -> Callable[[Path], dict[str, bytes]]:
    """Return a folder's files, path to bytes, without the cache files of Python."""

    def emitted(folder: Path) -> dict[str, bytes]:
        files = (
            path
            for path in folder.rglob("*")
            if path.is_file() and not {"__pycache__", ".ctrlgen_cache"} & {*path.parts}
        )
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(files)}

    return emitted


@pytest.fixture(scope="session")
def wheel(project: Path, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel of this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, cwd=project)
    return next(folder.glob("*.whl"))
