"""The rows of one model in memory: what is kept of them, until which write, and who reads what is missing.

Emitted only for a package that caches a model. An *entry* is what one lookup, ``get_by_id(5)``, has found. Its *tags*
tell by what it is dropped: the keys that were asked for, and the primary keys of the rows. A write drops the tags of
the row it leaves behind, so an entry goes whether the row has changed, comes to be found, or is found no more.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from threading import Lock
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from typing_extensions import override

from .pool import Rows

try:
    from cachetools import TTLCache
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "this package caches models, for which it needs cachetools 8 or newer: install ctrlgen[cache], or cachetools",
        name="cachetools",
    ) from error

Lookup: TypeAlias = tuple[tuple[str, ...], tuple[object, ...], tuple[type, ...]]
"""The names of a key, the values that the caller has given, and their types: True and 1 are equal only in Python."""
Tag: TypeAlias = Hashable

OPEN: Tag = "open"
"""Of entries that a new row may belong to, whatever its keys are: of no row, and of lists."""
IN_DOUBT = 10.0
"""Seconds for which a model is not cached when nobody knows whether a write has happened, or still will."""

_IMMUTABLE = frozenset({bool, bytes, date, datetime, Decimal, float, int, str, timedelta, type(None), UUID})


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a model is cached: seconds, and rows; a lookup that has found nothing counts as a row."""

    ttl: float
    size: int


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """What the cache of one model has done so far: calls that it has answered, calls that went on to the database."""

    hits: int
    misses: int
    size: int
    limit: int

    @property
    def hit_rate(self) -> float:
        """The part of the calls that were answered from memory."""
        return self.hits / calls if (calls := self.hits + self.misses) else 0.0


class Gate(Protocol):
    """Decides whether the cache may be used; what other processes write must be known until now."""

    def is_open(self) -> bool:
        """Whether it may."""
        ...


class Entry:
    """What a lookup has found, as the driver has given it, and the tags by which it is dropped."""

    __slots__ = ("_mutable", "_rows", "tags")

    def __init__(self, rows: Rows, tags: Collection[Tag]) -> None:
        self._rows, self.tags = rows, tags
        mutable = [[number for number, value in enumerate(row) if _is_mutable(value)] for row in rows]
        self._mutable = mutable if any(mutable) else None

    @property
    def rows(self) -> Rows:
        """The rows, with copies of all that a caller could change."""
        if self._mutable is None:
            return self._rows
        rows = [list(row) for row in self._rows]
        for row, numbers in zip(rows, self._mutable, strict=True):
            for number in numbers:
                row[number] = deepcopy(row[number])
        return rows

    @property
    def size(self) -> int:
        """How many rows it counts for."""
        return len(self._rows) or 1


@dataclass(eq=False)
class Flight:
    """A read on its way; ``touched`` has the tags that were dropped meanwhile, and ``lost`` tells that all were."""

    task: asyncio.Task[Entry] | None = None
    touched: set[Tag] = field(default_factory=set[Tag])
    lost: bool = False


class _Store(TTLCache[Lookup, Entry]):
    """Entries by their lookups, at most so many for so long; ``tagged`` has the lookups of each tag."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits.size, limits.ttl, getsizeof=_size_of)
        self.tagged: dict[Tag, set[Lookup]] = {}

    def put(self, lookup: Lookup, entry: Entry) -> None:
        """Keep an entry, unless it is larger than the whole cache may be."""
        self.drop(lookup)
        if entry.size <= self.maxsize:
            self[lookup] = entry
            for tag in entry.tags:
                self.tagged.setdefault(tag, set()).add(lookup)

    def drop(self, lookup: Lookup) -> None:
        """Forget an entry."""
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
    """The cache of one model, in all event loops of the process.

    ``tags_of_message`` is what its controller makes of a message of another process, once there is one; ``gate`` tells
    whether such messages are heard, where there are any; by ``sender`` its own are known, whose writes it has seen.
    """

    gate: Gate | None = None
    tags_of_message: Callable[[Sequence[object] | None, Sequence[Sequence[object]]], Collection[Tag] | None] | None = (
        None
    )

    def __init__(self, limits: Limits) -> None:
        self._limits, self._lock = limits, Lock()
        self._store = _Store(limits)
        self._flights, self._joinable = set[Flight](), dict[tuple[object, Lookup], Flight]()
        self._hits = self._misses = 0
        self._doubted_until, self.sender = 0.0, secrets.token_hex(4)

    @property
    def info(self) -> CacheInfo:
        """What it has done so far."""
        with self._lock:
            self._store.expire()
            return CacheInfo(self._hits, self._misses, int(self._store.currsize), self._limits.size)

    def is_usable(self) -> bool:
        """Whether what it has may be taken for what the database has."""
        if self._doubted_until and time.monotonic() < self._doubted_until:
            return False
        return self.gate is None or self.gate.is_open()

    def peek(self, lookup: Lookup) -> Entry | None:
        """Return what is there; None says that it must be read."""
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
        """Read what is missing; whoever asks for the same in the meantime waits for the same statement.

        It goes on if whoever began it is cancelled.
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
        """Forget what has one of these tags, None for everything; reads on their way must not bring it back."""
        with self._lock:
            self._joinable.clear()  # who comes from now on must see what has been written
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

    def begin_anew(self) -> None:
        """Begin with nothing, as a forked process does, in which nobody reads any more."""
        self._lock, self._store = Lock(), _Store(self._limits)
        self._flights, self._joinable = set[Flight](), dict[tuple[object, Lookup], Flight]()
        self._hits = self._misses = 0
        self.sender = secrets.token_hex(4)

    def doubt(self) -> None:
        """Forget everything, and be of no use for a while: a write may have happened, or be about to.

        If it happens even later, its message is no longer taken for one whose write has been seen.
        """
        self._doubted_until, self.sender = time.monotonic() + IN_DOUBT, secrets.token_hex(4)
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
            trusted = trusted and self.is_usable()  # what ends that later on, takes the flight with it
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
    if not task.cancelled():  # those who wait get it; nobody else must hear that nobody did
        task.exception()
