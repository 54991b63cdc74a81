"""The package warns once if the version of a library is not tested."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy

from generated.runtime import TESTED, warn_unless_tested


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
def test_untested_version_warns(library: str, version: str) -> None:
    with pytest.warns(
        RuntimeWarning, match=f"{library} {version} is not one of .* run your tests, or generate the package with"
    ):
        warn_unless_tested(library, version)


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
def test_tested_version_is_silent(library: str, version: str) -> None:
    warn_unless_tested(library, version)  # pytest turns any warning into an error


def test_installed_versions_are_tested_versions() -> None:
    warn_unless_tested("SQLAlchemy", sqlalchemy.__version__)
    warn_unless_tested("asyncpg", asyncpg.__version__)


def test_requirements_match_the_tested_versions(project: Path) -> None:
    settings = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    requirements = [*settings["dependencies"], *settings["optional-dependencies"]["asyncpg"]]
    assert f"sqlalchemy[asyncio]>={TESTED['SQLAlchemy'][0]},<2.2" in requirements
    assert f"asyncpg>={TESTED['asyncpg'][0]}" in requirements
    assert TESTED["SQLAlchemy"][1] == "2.1"


def test_warning_is_shown_once_at_import(project: Path) -> None:
    code = "import asyncpg; asyncpg.__version__ = '9.0'; import generated, generated.runtime.service; generated.Database('postgresql://h/d')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env=os.environ, capture_output=True, text=True, check=True
    )
    assert (
        done.stderr.count(
            "RuntimeWarning: asyncpg 9.0 is not one of 0.30 to 0.32, which generated.runtime was tested with"
        )
        == 1
    )


@pytest.mark.parametrize("library", ["asyncpg", "sqlalchemy"])
def test_missing_library_is_named_with_the_command_that_installs_it(project: Path, library: str) -> None:
    code = f"import sys; sys.modules[{library!r}] = None; import generated"
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    message = f"import of {library} halted; None in sys.modules: run `pip install asyncpg 'sqlalchemy[asyncio]'`"
    assert done.stderr.endswith(f"ModuleNotFoundError: {message}\n")
    assert "another exception" not in done.stderr
