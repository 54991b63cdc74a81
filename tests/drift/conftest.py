"""Fixtures: a scratch project with models and migrations, and the servers to compare it with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url

from ..cli.conftest import Project
from ..conftest import execute

MODELS = '''"""Heroes and their teams."""

from enum import Enum

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel


class Status(Enum):
    OPEN = "open"
    CLOSED = "closed"


class Team(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)


class Hero(SQLModel, table=True):
    __table_args__ = (
        Index("ix_hero_lower_name", text("lower(name)")),
        Index("ix_hero_open", "power", postgresql_where=text("status = 'OPEN'")),
        CheckConstraint("power >= 0 AND power IN (0, 1, 2)", name="ck_hero_power"),
    )

    id: int | None = Field(default=None, primary_key=True)
    name: str
    power: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    status: Status
    team_id: int = Field(foreign_key="team.id", index=True)
'''
CREATE = """
import asyncio, sys
import app.models
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

async def main():
    engine = create_async_engine(sys.argv[1])
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    await engine.dispose()

asyncio.run(main())
"""


@dataclass(frozen=True)
class Live:
    """A project, and a database that was created from its models."""

    project: Project
    url: str

    def drift(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.project.run("drift", "--database", self.url, *arguments, **environment)

    def lines(self, *arguments: str) -> list[str]:
        done = self.drift(*arguments)
        assert done.returncode in {0, 1}, done.stderr
        lines = done.stdout.splitlines()
        assert (done.returncode == 1) is any(" CG510 " not in line for line in lines), "an unused index is only noted"
        return lines

    async def execute(self, *statements: str) -> None:
        await execute(self.url, *statements)


def binaries() -> list[Path]:
    """Return the folders of servers installed here, the system's and those in `CTRLGEN_POSTGRES`, one per version."""
    named = [Path(folder) for folder in os.environ.get("CTRLGEN_POSTGRES", "").split(os.pathsep) if folder]
    found = [
        folder
        for folder in [*sorted(Path("/usr/lib/postgresql").glob("*/bin")), *named]
        if (folder / "initdb").exists()
    ]
    return found if os.getuid() else [folder for folder in found if shutil.which("runuser")]


@pytest.fixture(scope="session", params=["embedded", *map(str, binaries())])
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """Every PostgreSQL that this machine has: the embedded one, and those that are installed."""
    if request.param == "embedded":
        yield request.getfixturevalue("server_url")
        return
    bin_folder, folder = Path(request.param), Path(tempfile.mkdtemp(prefix="ctrlgen-drift-"))
    user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
    control = [*user, bin_folder / "pg_ctl", "-D", folder / "data", "-w"]
    subprocess.run(
        [*user, bin_folder / "initdb", "-D", folder / "data", "-A", "trust", "-U", "postgres"],
        check=True,
        capture_output=True,
    )
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    subprocess.run([*control, "-o", options, "-l", folder / "log", "start"], check=True, capture_output=True)
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True)
        shutil.rmtree(folder)


async def database_on(server: str) -> AsyncIterator[str]:
    """Yield the address of an empty database."""
    name = f"ctrlgen_{uuid.uuid4().hex[:12]}"
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@pytest.fixture
def scratch(tmp_path: Path) -> Project:
    """The project, without a database."""
    project = Project(tmp_path)
    project.write("pyproject.toml", '[tool.ctrlgen]\nmodels = ["app.models"]\noutput = "app/db"\n')
    project.write("app/__init__.py", "")
    project.write("app/models.py", MODELS)
    return project


def create(project: Project, url: str) -> Live:
    """Create the tables of the models."""
    address = make_url(url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
    subprocess.run([sys.executable, "-c", CREATE, address], cwd=project.root, check=True)
    return Live(project, url)


@pytest.fixture
async def live(scratch: Project, server_url: str) -> AsyncIterator[Live]:
    """The project and its database, on the embedded server."""
    async for url in database_on(server_url):
        yield create(scratch, url)


@pytest.fixture
async def live_anywhere(scratch: Project, server: str) -> AsyncIterator[Live]:
    """The project and its database, on each available server."""
    async for url in database_on(server):
        yield create(scratch, url)
