"""Fixtures: the runtime as part of an emitted package, ``guild_db``, on a database with a few tables.

The package is emitted when this module is imported, for the models of this folder. The modules of its test stubs,
``guild_conftest`` and ``guild_query_plans``, are in the same folder.
"""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from ctrlgen.pipeline import generate
from ctrlgen.render.templates import render_template
from ctrlgen.settings import Config
from tests.conftest import make_tables
from tests.runtime.models import Base

if TYPE_CHECKING:
    from guild_db import Database

    from tests.conftest import NewDatabase

MODELS = tuple(
    f"tests.runtime.{name}models" for name in ("", "odd_", "type_", "fault_", "report_", "declared_", "partition_")
)


def emit(folder: Path) -> None:
    """Emit the package and its test stubs into a folder."""
    project = Path(__file__).resolve().parent.parent.parent
    generation = generate(Config(project, MODELS, folder / "guild_db", "guild_db", None))
    sources = {f"guild_db/{path}": text for path, text in generation.files.items()}
    for name in ("conftest", "query_plans"):
        sources[f"guild_{name}.py"] = render_template(f"stubs/{name}.py.jinja", package=generation.package)
    for path, text in sources.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


FOLDER = Path(tempfile.mkdtemp(prefix="guild-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
emit(FOLDER)
sys.path.append(str(FOLDER))


@pytest.fixture(scope="session")
async def url(new_database: NewDatabase) -> AsyncIterator[str]:
    from guild_db import Database

    async with new_database() as url:
        async with Database(url) as db:
            await make_tables(db.engine, Base.metadata)
        yield url


@pytest.fixture
async def db(url: str) -> AsyncIterator[Database]:
    """A database with one guild and no other rows."""
    from guild_db import Database

    async with Database(url) as db:
        names = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
        async with db.engine.begin() as connection:
            await connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
        await db.guild.create(id=1, name="home")
        yield db


class Statements(list[str]):
    """The statements that controllers have sent."""

    def beginning(self, word: str) -> list[str]:
        """Return the statements that begin with a word."""
        return [statement for statement in self if statement.startswith(word)]


@contextmanager
def statements(db: Database) -> Iterator[Statements]:
    """Record the statements that controllers send."""
    sent = Statements()

    def note(statement: str, _arguments: Sequence[object]) -> None:
        sent.append(statement)

    with db.watched(note):
        yield sent
