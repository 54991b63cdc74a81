"""The wheel is complete: installed into an empty environment, it generates a package."""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ..conftest import NewDatabase
from .conftest import Run
from .test_determinism import install

pytestmark = pytest.mark.usefixtures("real_processes")


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


QUERY = """
import asyncio, sys
from db import Database
from sqlmodel import SQLModel, select

async def main():
    async with Database(sys.argv[1]) as db:
        from shop import Customer
        assert db.models
        async with db.engine.begin() as connection:
            await connection.run_sync(SQLModel.metadata.create_all)
        await db.customer.create(email="a@b.c")
        async with db.transaction() as session:
            found = await db.customer.get_by_email("a@b.c")
            assert (await session.exec(select(Customer))).one() == found, "both see the row of the block"
    assert not {"ctrlgen", "alembic", "libcst"} & {*sys.modules}

asyncio.run(main())
"""


def requirements(page: str) -> list[str]:
    """Return the production requirements from the docs."""
    (line,) = re.findall(r"^pip install ('sqlmodel.*)$", page, re.MULTILINE)
    return re.findall(r"'([^']+)'", line)


async def test_package_runs_with_the_documented_production_requirements(
    project: Path, shop: Path, tmp_path: Path, run: Run, tool: tuple[str, ...], new_database: NewDatabase
) -> None:
    run(*tool, "generate", "-q", cwd=shop)
    (shop / "query.py").write_text(QUERY)
    folder = tmp_path / "production"
    run(sys.executable, "-m", "venv", folder, cwd=tmp_path)
    pip = (folder / "bin/python", "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check")
    exact = requirements((project / "docs/versions.md").read_text())
    run(*pip, "--constraint", project / "constraints.txt", *exact, cwd=tmp_path)
    async with new_database() as url:
        run(folder / "bin/python", "-W", "error", "query.py", url, cwd=shop)
    run(folder / "bin/python", "-m", "pip", "uninstall", "--quiet", "--yes", "greenlet", cwd=shop)
    done = run(folder / "bin/python", "-c", "import db", cwd=shop, code=1)
    assert "greenlet" in done.stderr, "the extra `asyncio` is required"


async def test_wheel_with_the_drift_extra_compares_with_a_database(
    wheel: Path, project: Path, shop: Path, tmp_path: Path, run: Run, new_database: NewDatabase
) -> None:
    environment = install(wheel, sys.executable, tmp_path / "environment", project, run)
    without = run(environment / "bin/ctrlgen", "drift", "--database", "postgresql://h/d", cwd=shop, code=2)
    assert (
        "error CGE501: `alembic` is not installed; `ctrlgen drift` needs it\nhint: run `pip install 'ctrlgen[drift]'`"
        in without.stderr
    )
    pip = (environment / "bin/python", "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check")
    run(*pip, "--constraint", project / "constraints.txt", f"{wheel}[drift]", cwd=project)
    async with new_database() as url:
        done = run(environment / "bin/ctrlgen", "drift", "--database", url, cwd=shop, code=1)
    assert "shop.py:6: CG501 `Customer` has no table: `customer` is not in the database\n" in done.stdout
