"""The package says, once, when a library is not one of the versions that it was proved with."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy

from generated.runtime.versions import PROVED, warn_beyond


@pytest.mark.parametrize(
    ("library", "version"),
    [
        ("SQLAlchemy", "2.0.37"),
        ("SQLAlchemy", "2.2.0b1"),
        ("SQLAlchemy", "3.0"),
        ("asyncpg", "0.29.0"),
        ("asyncpg", "0.33.0"),
        ("asyncpg", "1.0"),
    ],
)
def test_version_beyond_the_proved_ones_is_warned_about(library: str, version: str) -> None:
    with pytest.warns(RuntimeWarning, match=f"{library} {version} is beyond .* run your tests, or generate it with"):
        warn_beyond(**{library: version})


@pytest.mark.parametrize(
    ("library", "version"),
    [
        ("SQLAlchemy", "2.0.38"),
        ("SQLAlchemy", "2.0.99"),
        ("SQLAlchemy", "2.1.40"),
        ("asyncpg", "0.30.0"),
        ("asyncpg", "0.32.7"),
    ],
)
def test_proved_version_is_silent(library: str, version: str) -> None:
    warn_beyond(**{library: version})  # any warning is an error in these tests


def test_what_is_installed_here_is_proved() -> None:
    warn_beyond(SQLAlchemy=sqlalchemy.__version__, asyncpg=asyncpg.__version__)


def test_requirements_are_the_proved_versions(project: Path) -> None:
    settings = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    requirements = [*settings["dependencies"], *settings["optional-dependencies"]["asyncpg"]]
    assert f"sqlalchemy[asyncio]>={PROVED['SQLAlchemy'][0]},<2.2" in requirements
    assert f"asyncpg>={PROVED['asyncpg'][0]}" in requirements
    assert PROVED["SQLAlchemy"][1] == "2.1"


def test_warning_comes_once_at_the_import_of_the_package(project: Path) -> None:
    code = "import asyncpg; asyncpg.__version__ = '9.0'; import generated, generated.runtime.service; generated.Database('postgresql://h/d')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env=os.environ, capture_output=True, text=True, check=True
    )
    assert (
        done.stderr.count("RuntimeWarning: asyncpg 9.0 is beyond 0.30 to 0.32, which generated.runtime was proved") == 1
    )
