"""The examples of the README and of the home page: a package is generated from their models, and their calls run."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from .conftest import Walk
from .pages import blocks

GUILD = """

class Guild(SQLModel, table=True):
    id: int = Field(primary_key=True)
    users: list[User] = Relationship(back_populates="guild")
"""
TEAM = """

class Team(SQLModel, table=True):
    id: int = Field(default=None, primary_key=True)
"""
PROGRAM = """
import asyncio

from sqlmodel import SQLModel

from app.db import Database, Span
from app.models import *

cursor = None


async def main():
    async with Database() as db:
        list(db.models)
        async with db.engine.begin() as connection:
            await connection.run_sync(SQLModel.metadata.create_all)
        {before}
        await calls(db)


async def calls(db):
{calls}


asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("page", "missing_model", "before"),
    [
        ("README.md", GUILD, "await db.guild.create(id=1)"),
        ("docs/index.md", TEAM, "await db.team.create()"),
    ],
)
def test_example_of_front_page_runs(
    project: Path, tmp_path: Path, empty_database: str, page: str, missing_model: str, before: str
) -> None:
    models, calls, *later = [block for block in blocks(project / page) if block.language == "python"]
    walk = Walk(tmp_path, empty_database)
    walk.write("app/models.py", models.code + missing_model)
    walk.write("pyproject.toml", '[tool.ctrlgen]\nmodels = ["app.models"]\noutput = "app/db"\n')
    walk.type("ctrlgen generate", models)
    for block in (calls, *later):
        code = block.code.replace('"postgresql://bot@localhost/bot"', "")
        walk.write("program.py", PROGRAM.format(before=before, calls=textwrap.indent(code, " " * 4)))
        walk.type("python program.py", block)
        before = "pass"
