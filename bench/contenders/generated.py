"""ctrlgen: the controllers for ``bench.models``, generated again for each run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import copy
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import ClassVar, Protocol, Self

from sqlalchemy import SQLColumnExpression
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import TypedDict, Unpack, override

from bench.contender import POOL_SIZE, Calls, Change, Contender, NewAuthor, Score
from bench.hook import Hook
from bench.models import Author
from bench.server import Address

PROJECT = Path(__file__).resolve().parents[2]


class Page(Protocol):
    """A keyset page."""

    items: list[Author]
    next: str | None


class Selection(Awaitable[list[Author]], Protocol):
    """The result of a finder."""

    def load(self, *names: str) -> Selection:
        """Also load relationships."""
        ...

    async def page(self, *, size: int, after: str | None) -> Page:
        """Return a keyset page."""
        ...


class Columns(Protocol):
    """The column that the expression uses."""

    @property
    def score(self) -> SQLColumnExpression[int]: ...  # noqa: D102


class Settable(TypedDict, total=False):
    """The keywords of an update: values and expressions."""

    score: int | SQLColumnExpression[int]
    note: str


class Authors(Protocol):
    """The part of the generated controller that the benchmark uses."""

    @property
    def c(self) -> Columns: ...  # noqa: D102
    async def get_by_id(self, id: int, /) -> Author | None: ...  # noqa: A002, D102
    async def get_by_handle(self, handle: str, /) -> Author | None: ...  # noqa: D102
    async def create(self, **values: Unpack[NewAuthor]) -> Author: ...  # noqa: D102
    async def update_by_id(self, id: int, /, **values: Unpack[Settable]) -> Author: ...  # noqa: A002, D102
    async def upsert_by_handle(self, **values: Unpack[NewAuthor]) -> Author: ...  # noqa: D102
    async def count(self, *, group_id: int) -> int: ...  # noqa: D102
    async def exists(self, *, group_id: int) -> bool: ...  # noqa: D102
    async def create_many(self, rows: Sequence[NewAuthor]) -> list[Author]: ...  # noqa: D102
    async def bulk_update(self, rows: Sequence[Score]) -> int: ...  # noqa: D102
    def find_by_group_id(self, group_id: int, /) -> Selection: ...  # noqa: D102
    def find_all(self) -> Selection: ...  # noqa: D102


class Database(Protocol):
    """The part of the generated facade that the benchmark uses."""

    @property
    def author(self) -> Authors: ...  # noqa: D102
    def transaction(self) -> AbstractAsyncContextManager[object]: ...  # noqa: D102
    @property
    def engine(self) -> AsyncEngine: ...  # noqa: D102
    async def dispose(self) -> None: ...  # noqa: D102


class Ctrlgen(Contender):
    """The generated controllers, used as in ctrlgen's guide."""

    notes: ClassVar = {}

    @override
    async def setup(self, address: Address) -> None:
        package = _generated()
        self._open = partial(package.Database, address.url, pool_size=POOL_SIZE, max_overflow=0)
        self._db: Database = self._open()
        self._opened = [self._db]

    @override
    async def teardown(self) -> None:
        for db in self._opened:
            await db.dispose()

    @override
    def hooked(self, hook: Hook) -> Self:
        twin = copy(self)
        twin._db = self._open()
        self._opened.append(twin._db)
        hook.listen(twin._db.engine)
        return twin

    @override
    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Calls, None]:
        async with self._db.transaction():
            yield self

    @override
    async def get(self, key: int) -> object:
        return await self._db.author.get_by_id(key)

    @override
    async def get_unique(self, handle: str) -> object:
        return await self._db.author.get_by_handle(handle)

    @override
    async def list_group(self, group_id: int) -> Sequence[object]:
        return await self._db.author.find_by_group_id(group_id)

    @override
    async def relations(self, group_id: int) -> Sequence[object]:
        return await self._db.author.find_by_group_id(group_id).load("posts")

    @override
    def family(self, item: object) -> tuple[object, Sequence[object]]:
        assert isinstance(item, Author)
        return item, item.posts

    @override
    async def create(self, values: NewAuthor) -> object:
        return await self._db.author.create(**values)

    @override
    async def update(self, key: int, change: Change) -> object:
        return await self._db.author.update_by_id(key, **change)

    @override
    async def update_expression(self, key: int) -> object:
        return await self._db.author.update_by_id(key, score=self._db.author.c.score + 1)

    @override
    async def upsert(self, values: NewAuthor) -> object:
        return await self._db.author.upsert_by_handle(**values)

    @override
    async def count(self, group_id: int) -> int:
        return await self._db.author.count(group_id=group_id)

    @override
    async def exists(self, group_id: int) -> bool:
        return await self._db.author.exists(group_id=group_id)

    @override
    async def page(self, after: object | None) -> tuple[Sequence[object], object | None]:
        assert after is None or isinstance(after, str)
        page = await self._db.author.find_all().page(size=50, after=after)
        return page.items, page.next

    @override
    async def bulk_create(self, rows: Sequence[NewAuthor]) -> Sequence[object]:
        return await self._db.author.create_many(rows)

    @override
    async def bulk_update(self, rows: Sequence[Score]) -> None:
        await self._db.author.bulk_update(rows)


def _generated() -> ModuleType:
    """Generate and import the package in a temporary folder, which is deleted once all its modules are imported."""
    with TemporaryDirectory(prefix="ctrlgen-bench-") as folder:
        _generate(Path(folder))
        sys.path.insert(0, folder)
        try:
            package = import_module("bench_generated")
            import_module("bench_generated.author")
        finally:
            sys.path.remove(folder)
    return package


def _generate(folder: Path) -> None:
    """Run the generator in a separate project, so that this repository's settings do not apply."""
    command = [sys.executable, "-m", "ctrlgen", "generate", "--quiet", "--project", "."]
    command += ["--models", "bench.models", "--output", "bench_generated", "--package", "bench_generated"]
    path = os.pathsep.join([str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])])
    subprocess.run(command, check=True, cwd=folder, env=os.environ | {"PYTHONPATH": path})
