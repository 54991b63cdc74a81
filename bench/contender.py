"""The interface of a contender: a method for each operation, and a transaction for the operations that need one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import ClassVar, Protocol, Self

from typing_extensions import TypedDict

from bench.hook import Hook
from bench.models import Kind
from bench.server import Address

POOL_SIZE = 10


class NewAuthor(TypedDict):
    """The values of a new row; the other four columns take their defaults."""

    handle: str
    group_id: int
    name: str
    score: int
    rating: float
    kind: Kind
    details: dict[str, object]


class Change(TypedDict):
    """The values that an update sets."""

    score: int
    note: str


class Score(TypedDict):
    """One row of a bulk update."""

    id: int
    score: int


class NotOfferedError(Exception):
    """The library has no call for this operation."""


class Calls(Protocol):
    """The calls that can also run inside a caller's transaction."""

    async def get(self, key: int) -> object:
        """Return the author with this primary key."""
        raise NotOfferedError

    async def create(self, values: NewAuthor) -> object:
        """Insert an author and return the row."""
        raise NotOfferedError

    async def update(self, key: int, change: Change) -> object:
        """Change an author and return the row."""
        raise NotOfferedError


class Contender(Calls, Protocol):
    """One library, used as its documentation recommends.

    ``notes`` maps the name of an operation to a footnote, if the library does less than the others or does it
    differently.
    """

    notes: ClassVar[Mapping[str, str]] = {}

    async def setup(self, address: Address) -> None:
        """Open a pool of ``POOL_SIZE`` connections."""

    async def teardown(self) -> None:
        """Close the pool."""

    def hooked(self, hook: Hook) -> Self:
        """Return a contender that the hook observes: itself, if the library sends everything by asyncpg's calls."""
        return self

    def transaction(self) -> AbstractAsyncContextManager[Calls]:
        """Open a transaction on a connection of the pool, and yield the calls inside it."""
        raise NotOfferedError

    async def get_unique(self, handle: str) -> object:
        """Return the author with this handle."""
        raise NotOfferedError

    async def list_group(self, group_id: int) -> Sequence[object]:
        """Return the 100 authors of a group."""
        raise NotOfferedError

    async def relations(self, group_id: int) -> Sequence[object]:
        """Return the 100 authors of a group, each with its five posts."""
        raise NotOfferedError

    def family(self, item: object) -> tuple[object, Sequence[object]]:
        """Return an author from a result of ``relations``, and its posts; not timed."""
        raise NotOfferedError

    async def update_expression(self, key: int) -> object:
        """Add one to an author's score, in the database, and return the row."""
        raise NotOfferedError

    async def upsert(self, values: NewAuthor) -> object:
        """Insert an author, or update the author with this handle, and return the row."""
        raise NotOfferedError

    async def count(self, group_id: int) -> int:
        """Count the authors of a group."""
        raise NotOfferedError

    async def exists(self, group_id: int) -> bool:
        """Return whether a group has any author."""
        raise NotOfferedError

    async def page(self, after: object | None) -> tuple[Sequence[object], object | None]:
        """Return the page of 50 authors after a cursor, by primary key, and the next cursor."""
        raise NotOfferedError

    async def bulk_create(self, rows: Sequence[NewAuthor]) -> Sequence[object]:
        """Insert all authors or none, and return the rows."""
        raise NotOfferedError

    async def bulk_update(self, rows: Sequence[Score]) -> None:
        """Set a different score for each of these authors, for all or none."""
        raise NotOfferedError
