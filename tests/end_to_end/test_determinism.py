"""Same models, same bytes, for any hash seed, import order, working directory and version of Python."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import Run

Emitted = Callable[[Path], dict[str, bytes]]


@pytest.fixture
def expected(project: Path, emitted: Emitted) -> dict[str, bytes]:
    """The committed files."""
    return emitted(project / "generated")


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_hash_seed_does_not_matter(
    seed: str, reference: Path, run: Run, tool: tuple[str, ...], emitted: Emitted, expected: dict[str, bytes]
) -> None:
    run(*tool, "generate", cwd=reference, PYTHONHASHSEED=seed)
    assert emitted(reference / "generated") == expected


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_import_order_does_not_matter(
    seed: int, reference: Path, run: Run, tool: tuple[str, ...], emitted: Emitted, expected: dict[str, bytes]
) -> None:
    modules = [f"models.{path.stem}" for path in sorted((reference / "models").glob("[!_]*.py"))]
    random.Random(seed).shuffle(modules)
    flags = [flag for module in ["models", *modules] for flag in ("--models", module)]
    (reference / "models/__init__.py").write_text("")  # otherwise the package's own imports determine the order
    run(*tool, "generate", *flags[2:], cwd=reference)
    assert emitted(reference / "generated") == expected


def test_working_directory_does_not_matter(
    reference: Path,
    tmp_path: Path,
    run: Run,
    tool: tuple[str, ...],
    emitted: Emitted,
    expected: dict[str, bytes],
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run(*tool, "generate", "--project", reference, cwd=elsewhere)
    assert emitted(reference / "generated") == expected


def pythons() -> Iterator[str]:
    """Yield a Python of each minor version from 3.11 on this machine, except the one that runs the other tests."""
    folders = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
    folders += sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/3.*/bin"))
    for minor in {*range(11, 20)} - {sys.version_info.minor}:
        candidates = (folder / f"python3.{minor}" for folder in folders)
        yield from [str(path) for path in candidates if _starts(path)][:1]


def _starts(python: Path) -> bool:
    return python.exists() and subprocess.run([python, "-m", "venv", "-h"], capture_output=True).returncode == 0


@pytest.mark.parametrize("python", list(pythons()) or [sys.executable])
def test_python_version_does_not_matter(
    python: str,
    project: Path,
    reference: Path,
    wheel: Path,
    tmp_path: Path,
    run: Run,
    emitted: Emitted,
    expected: dict[str, bytes],
) -> None:
    environment = install(wheel, python, tmp_path / "environment", project, run)
    run(environment / "bin/ctrlgen", "generate", cwd=reference)
    assert emitted(reference / "generated") == expected


def install(wheel: Path, python: str, folder: Path, project: Path, run: Run) -> Path:
    """Install the built wheel, and nothing else from this repository, into an empty environment."""
    shutil.rmtree(folder, ignore_errors=True)
    run(python, "-m", "venv", folder, cwd=project)
    pip = (folder / "bin/python", "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check")
    run(*pip, "--constraint", project / "constraints.txt", f"{wheel}[asyncpg]", cwd=project)
    return folder
