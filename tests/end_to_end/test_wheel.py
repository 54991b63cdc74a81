"""The wheel carries all it needs: installed into an empty environment, it generates."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from .conftest import Run
from .test_determinism import install


def test_wheel_holds_the_package_and_the_templates_and_nothing_else(wheel: Path, project: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    templates = {
        f"ctrlgen/{path.relative_to(project).as_posix()}"
        for path in (project / "templates").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert templates <= names
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"ctrlgen"}


def test_installed_wheel_generates_a_package_that_imports(
    wheel: Path,
    project: Path,
    shop: Path,
    tmp_path: Path,
    run: Run,
    emitted: Callable[[Path], dict[str, bytes]],
) -> None:
    environment = install(wheel, sys.executable, tmp_path / "environment", project, run)
    done = run(environment / "bin/ctrlgen", "generate", cwd=shop)
    assert "customer.py" in done.stdout
    assert "customer.py" in emitted(shop / "db")
    run(environment / "bin/python", "-c", "import db.database, db.customer, db.order", cwd=shop)
    run(environment / "bin/ctrlgen", "check", cwd=shop)
