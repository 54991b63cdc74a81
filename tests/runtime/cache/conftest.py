"""Two emitted packages for one database: ``cached_db``, and ``synced_db`` with `cache_sync = "notify"`."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from ctrlgen.pipeline import generate
from ctrlgen.settings import CacheSettings, Config, Options
from tests.conftest import make_tables
from tests.runtime.cache.models import Base

if TYPE_CHECKING:
    from cached_db import Database
    from synced_db import Database as SyncedDatabase

    from tests.conftest import NewDatabase

OPTIONS = Options(
    cache={
        "Config": CacheSettings(ttl=300, size=100),
        "Setting": CacheSettings(ttl=300, size=100),
        "Member": CacheSettings(ttl=300, size=100, finders=True),
        "MemberTag": CacheSettings(ttl=300, size=100, finders=True),
        "Note": CacheSettings(ttl=300, size=100, finders=True),
        "Door": CacheSettings(ttl=300, size=100),
        "Place": CacheSettings(ttl=300, size=3),
    }
)


def emit(folder: Path) -> None:
    """Emit both packages into a folder."""
    project = Path(__file__).resolve().parents[3]
    for package, options in (("cached_db", OPTIONS), ("synced_db", replace(OPTIONS, cache_sync=True))):
        config = Config(project, ("tests.runtime.cache.models",), folder / package, package, None, options)
        for path, text in generate(config).files.items():
            (folder / package / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / package / path).write_text(text)


FOLDER = Path(tempfile.mkdtemp(prefix="cached-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
emit(FOLDER)
sys.path.append(str(FOLDER))


@pytest.fixture(scope="session")
async def url(new_database: NewDatabase) -> AsyncIterator[str]:
    from cached_db import Database

    async with new_database() as url:
        async with Database(url) as db:
            await make_tables(db.engine, Base.metadata)
        yield url


async def emptied(url: str) -> None:
    """Leave one guild in the database."""
    from cached_db import Database

    async with Database(url) as db, db.engine.begin() as connection:
        names = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
        await connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
        await connection.execute(
            sa.text("INSERT INTO guild (id, code, name) VALUES (1, 'a', 'home'), (2, 'b', 'away')")
        )


@pytest.fixture
async def db(url: str) -> AsyncIterator[Database]:
    """The package ``cached_db`` on a database with one guild, with empty caches."""
    from cached_db import Database

    await emptied(url)
    async with Database(url) as db:
        yield db


@pytest.fixture
async def synced(url: str) -> AsyncIterator[SyncedDatabase]:
    """The package ``synced_db``, which notifies other processes of its writes."""
    from synced_db import Database

    await emptied(url)
    async with Database(url) as db:
        yield db


@pytest.fixture
async def other(url: str, synced: SyncedDatabase) -> AsyncIterator[SyncedDatabase]:
    """A second ``Database`` of ``synced_db`` with its own caches, as in another process."""
    from synced_db import Database

    async with Database(url) as db:
        yield db


@contextmanager
def statements(db: Database | SyncedDatabase) -> Iterator[list[str]]:
    """Record the statements that controllers send."""
    sent = list[str]()
    with db.watched(lambda statement, _: sent.append(statement)):
        yield sent
