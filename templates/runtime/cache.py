"""The cached rows of one model: how they are stored, invalidated, and read on a miss.

Emitted only for a package that caches a model. An *entry* is the result of one lookup, ``get_by_id(5)``. Its *tags*
are the requested key and the primary keys of its rows. A write invalidates the tags of the row that it stores, which
covers an entry whose row has changed, whose row now exists, or whose row no longer matches.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from threading import Lock
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from typing_extensions import override

from .pool import Rows, clock

try:
    from cachetools import TTLCache
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "this package caches models, for which it needs cachetools 8 or newer: install ctrlgen[cache], or cachetools",
        name="cachetools",
    ) from error

Lookup: TypeAlias = tuple[tuple[str, ...], tuple[object, ...], tuple[type, ...]]
"""The names of a key, the values that the caller passed, and their types: True and 1 are equal only in Python."""
Tag: TypeAlias = Hashable

OPEN: Tag = "open"
"""The tag of entries that any new row may change: those without a row, and lists."""
IN_DOUBT = 10.0
"""Seconds for which a model is not cached after a write whose outcome is unknown."""

_IMMUTABLE = frozenset({bool, bytes, date, datetime, Decimal, float, int, str, timedelta, type(None), UUID})


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a model's cache: seconds, and rows; a lookup without a row counts as one."""

    ttl: float
    size: int


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """The statistics of one model's cache: calls answered from memory, and calls that read the database."""

    hits: int
    misses: int
    size: int
    limit: int

    @property
    def hit_rate(self) -> float:
        """The fraction of the calls that were answered from memory."""
        return self.hits / calls if (calls := self.hits + self.misses) else 0.0


class Gate(Protocol):
    """Decides whether the cache may be used, which depends on the notifications of other processes."""

    def is_open(self) -> bool:
        """Whether the cache may be used."""
        ...


class Entry:
    """The rows of a lookup as the driver returned them, and the tags that invalidate them."""

    __slots__ = ("_mutable", "_rows", "tags")

    def __init__(self, rows: Rows, tags: Collection[Tag]) -> None:
        self._rows, self.tags = rows, tags
        mutable = [[number for number, value in enumerate(row) if _is_mutable(value)] for row in rows]
        self._mutable = mutable if any(mutable) else None

    @property
    def rows(self) -> Rows:
        """The rows, with copies of mutable values."""
        if self._mutable is None:
            return self._rows
        rows = [list(row) for row in self._rows]
        for row, numbers in zip(rows, self._mutable, strict=True):
            for number in numbers:
                row[number] = deepcopy(row[number])
        return rows

    @property
    def size(self) -> int:
        """The size of the entry in rows."""
        return len(self._rows) or 1


@dataclass(eq=False)
class Flight:
    """A pending read; ``touched`` has the tags that were invalidated meanwhile, ``lost`` is set if all of them were."""

    task: asyncio.Task[Entry] | None = None
    touched: set[Tag] = field(default_factory=set[Tag])
    lost: bool = False


class _Store(TTLCache[Lookup, Entry]):
    """Entries by their lookups, limited in number and age; ``tagged`` has the lookups of each tag."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits.size, limits.ttl, timer=clock, getsizeof=_size_of)
        self.tagged: dict[Tag, set[Lookup]] = {}

    def put(self, lookup: Lookup, entry: Entry) -> None:
        """Store an entry, unless it exceeds the size of the whole cache."""
        self.drop(lookup)
        if entry.size <= self.maxsize:
            self[lookup] = entry
            for tag in entry.tags:
                self.tagged.setdefault(tag, set()).add(lookup)

    def drop(self, lookup: Lookup) -> None:
        """Remove an entry."""
        if (entry := self.pop(lookup, None)) is not None:
            self._untag(lookup, entry)

    def lookups(self, tags: Iterable[Tag]) -> set[Lookup]:
        """Return the lookups that have one of these tags."""
        return set[Lookup]().union(*(self.tagged.get(tag, ()) for tag in tags))

    @override
    def expire(self, time: float | None = None) -> list[tuple[Lookup, Entry]]:
        expired = list(super().expire(time))
        for lookup, entry in expired:
            self._untag(lookup, entry)
        return expired

    @override
    def popitem(self) -> tuple[Lookup, Entry]:
        lookup, entry = super().popitem()
        self._untag(lookup, entry)
        return lookup, entry

    def _untag(self, lookup: Lookup, entry: Entry) -> None:
        for tag in entry.tags:
            if lookups := self.tagged.get(tag):
                lookups.discard(lookup)
                if not lookups:
                    del self.tagged[tag]


class ModelCache:
    """The cache of one model, shared by all event loops of the process.

    ``tags_of_message`` is set by the controller, and returns the tags of a notification of another process. ``gate``
    says whether such notifications arrive. ``sender`` identifies the notifications of this cache's own writes.
    """

    gate: Gate | None = None
    tags_of_message: Callable[[Sequence[object] | None, Sequence[Sequence[object]]], Collection[Tag] | None] | None = (
        None
    )

    def __init__(self, limits: Limits) -> None:
        self._limits, self._doubted_until = limits, 0.0
        self.reset()

    def reset(self) -> None:
        """Start with an empty cache, as a forked process must, which has none of its parent's pending reads."""
        self._lock, self._store = Lock(), _Store(self._limits)
        self._flights, self._joinable = set[Flight](), dict[tuple[object, Lookup], Flight]()
        self._hits = self._misses = 0
        self.sender = secrets.token_hex(4)

    @property
    def info(self) -> CacheInfo:
        """The statistics of this cache."""
        with self._lock:
            self._store.expire()
            return CacheInfo(self._hits, self._misses, int(self._store.currsize), self._limits.size)

    def is_usable(self) -> bool:
        """Whether the cache is known to agree with the database."""
        if self._doubted_until and clock() < self._doubted_until:
            return False
        return self.gate is None or self.gate.is_open()

    def peek(self, lookup: Lookup) -> Entry | None:
        """Return an entry, or None on a miss."""
        with self._lock:
            try:
                entry = self._store[lookup]
            except KeyError:
                return None
            self._hits += 1
            return entry

    async def fetch(
        self, lookup: Lookup, read: Callable[[], Awaitable[Rows]], tags: Callable[[Rows], Collection[Tag]]
    ) -> Entry:
        """Read an entry on a miss; concurrent calls for the same lookup await the same statement.

        The read continues if the task that started it is cancelled.
        """
        loop = asyncio.get_running_loop()
        with self._lock:
            self._misses += 1
            if (flight := self._joinable.get((loop, lookup))) is None:
                flight = self._joinable[loop, lookup] = Flight()
                self._flights.add(flight)
                flight.task = loop.create_task(self._fly(flight, lookup, read, tags))
                flight.task.add_done_callback(_retrieve)
            task = flight.task
        assert task is not None
        return await asyncio.shield(task)

    def drop(self, tags: Collection[Tag] | None) -> None:
        """Invalidate the entries with one of these tags, or all; the results of pending reads are not stored."""
        with self._lock:
            self._joinable.clear()  # later calls must see the write, so they start reads of their own
            for flight in self._flights:
                if tags is None:
                    flight.lost = True
                else:
                    flight.touched.update(tags)
            if tags is None:
                self._store = _Store(self._limits)
            else:
                for lookup in self._store.lookups(tags):
                    self._store.drop(lookup)

    def doubt(self) -> None:
        """Invalidate everything and bypass the cache for a while: the outcome of a write is unknown.

        With a new ``sender``, a notification of that write is not mistaken for one of a write that was completed here.
        """
        self._doubted_until, self.sender = clock() + IN_DOUBT, secrets.token_hex(4)
        self.drop(None)

    async def _fly(
        self,
        flight: Flight,
        lookup: Lookup,
        read: Callable[[], Awaitable[Rows]],
        tags: Callable[[Rows], Collection[Tag]],
    ) -> Entry:
        trusted = self.is_usable()
        try:
            rows = await read()
            entry = Entry(rows, tags(rows))
            trusted = trusted and self.is_usable()  # later invalidations also mark the flight
            with self._lock:
                if trusted and not flight.lost and flight.touched.isdisjoint(entry.tags):
                    self._store.put(lookup, entry)
            return entry
        finally:
            with self._lock:
                self._flights.discard(flight)
                if self._joinable.get(key := (asyncio.get_running_loop(), lookup)) is flight:
                    del self._joinable[key]


def _size_of(entry: Entry) -> int:
    return entry.size


def _is_mutable(value: object) -> bool:
    kind: type[Any] = type(value)
    return kind not in _IMMUTABLE and not issubclass(kind, UUID)  # asyncpg has a subclass of it


def _retrieve(task: asyncio.Task[Entry]) -> None:
    if not task.cancelled():  # otherwise asyncio logs an exception that no caller awaited
        task.exception()
