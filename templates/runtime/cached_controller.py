"""The controller of a cached model: its getters, and optionally its finders, are answered from memory.

Emitted only for a package that caches a model.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, fields
from datetime import time
from functools import cached_property
from typing import ClassVar, Generic, Self
from uuid import UUID

from typing_extensions import override

from .cache import OPEN, Lookup, ModelCache, Tag
from .cache_changes import Change, remember
from .cache_writes import LONGEST, Cached, Watch, WatchedController
from .contracts import AnyOf, C, Filters, K, L, M, Span, U
from .pool import Connection, Rows
from .selection import Selection
from .sql import Sql, has_sql
from .statements import key_of


class CachedController(WatchedController[M, L, C, U, K], Generic[M, L, C, U, K]):
    """Reads and writes a cached model, whose primary key is a ``K``."""

    _cached: ClassVar[Cached]
    _reads_past = False

    def uncached(self) -> Self:
        """Return a controller that reads from the database; its writes still invalidate the cache."""
        clone = copy(self)
        clone._reads_past = True
        return clone

    async def invalidate(self, *keys: K) -> None:
        """Invalidate the rows with these primary keys, or the whole model, after writes that did not use controllers.

        Inside a transaction it takes effect with the commit. Synchronized processes are notified.
        """
        rows = [self._bound(self._table.key_names, self._key_values("invalidate", key)) for key in keys]
        known = bool(rows and self._cached.returned and all(map(_is_comparable, rows)))
        tags = {OPEN, *self._loose, *((tuple(self._table.key_names), row) for row in rows)} if known else None
        change = Change((), self._cache, tags)
        caching, name = self._caching, self._cached.name
        message = caching.message(name, *([None, [[*map(_plain, row)] for row in rows]] if known else []))
        message = message if len(message) < LONGEST else caching.message(name)
        session, scope = self._session, self._db.transactions.enclosing()
        if session is None and scope is not None:
            session = scope.session

        async def announce(connection: Connection) -> None:
            if connection.is_in_transaction():
                remember(connection, session, change)
            else:
                change.apply()
            if caching.channel:
                await connection.fetch("SELECT pg_notify($1, $2)", caching.channel, message)

        if session is None:
            change.apply()
        if session is not None or caching.channel:
            await self._db.transactions.send(session, announce)

    @override
    async def _get(
        self, key: Mapping[str, object], load: Iterable[L] = (), *, within: str | None = None, nulls: bool = False
    ) -> M | None:
        if within is not None or (cache := self._readable_cache()) is None:
            with self._db.primary():  # entries are also read there, so no task reads an older row than before
                return await super()._get(key, load, within=within, nulls=nulls)
        lookup = _lookup_of(tuple(key), tuple(key.values()))
        if (rows := _peek(cache, lookup)) is None:
            if lookup[0] not in self._cached.keys or not _is_plain(lookup[1], nulls=nulls):
                return await super()._get(key, load, within=within, nulls=nulls)
            rows = await self._fetch(cache, lookup, self._selecting(key_of(self._table, key, None, nulls=nulls)))
        objects = self._execution.instances.of(rows)
        if names := self._table.relations(load):
            await self._execution.loaded(objects, names)
        return objects[0] if objects else None

    @override
    def _find(
        self,
        key: Mapping[str, object],
        where: Mapping[str, object],
        filters: Filters = None,
        *,
        within: str | None = None,
    ) -> Selection[M, L, U]:
        selection = super()._find(key, where, filters, within=within)
        if where or filters is not None or within is not None or len(key) != 1:
            return selection
        ((name, value),) = key.items()
        if name not in self._cached.finders or not _is_plain((value,), nulls=True):
            return selection
        values = {field.name: getattr(selection, field.name) for field in fields(selection)}
        return CachedSelection[M, L, U](**values, _read=self._read_list, _lookup=_lookup_of((name,), (value,)))

    async def _read_list(self, selection: Sql, lookup: Lookup) -> Rows | None:
        """Return the rows of a finder, or None if the cache cannot be used."""
        if (cache := self._readable_cache()) is None:
            return None
        if (rows := _peek(cache, lookup)) is None:
            rows = await self._fetch(cache, lookup, selection)
        return rows

    def _readable_cache(self) -> ModelCache | None:
        """Return the cache, or None if it cannot be used, as in a transaction."""
        transactions = self._db.transactions
        if self._session or self._reads_past or transactions.source is not None or transactions.ambient():
            return None
        return self._cache if self._cache.is_usable() else None

    async def _fetch(self, cache: ModelCache, lookup: Lookup, statement: Sql) -> Rows:
        names, values, _ = lookup
        bound = self._bound(names, values)
        if names in self._cached.exact and not _is_comparable(bound):
            return await self._execution.rows(statement)

        def tags(rows: Rows) -> set[Tag]:
            return {*self._tags_of_lookup(names, bound, rows), *self._key_tags(rows)}

        async def read() -> Rows:
            with self._db.primary():  # a replica may lack the write that invalidated the entry
                return await self._execution.rows(statement)

        return (await cache.fetch(lookup, read, tags)).rows

    def _tags_of_lookup(self, names: tuple[str, ...], bound: tuple[object, ...], rows: Rows) -> Iterator[Tag]:
        if names in self._cached.exact:
            yield names, bound
        if names not in self._cached.keys or not rows:  # a new row may change this entry
            yield OPEN
            if names not in self._cached.exact:
                yield _loose(names)

    def _key_tags(self, rows: Rows) -> Iterator[Tag]:
        columns, names = list(self._table.columns), tuple(self._table.key_names)
        positions = [columns.index(name) for name in names]
        for row in rows:
            yield names, tuple([row[position] for position in positions])

    def _tags_of_written(self, rows: Sequence[Sequence[object]]) -> set[Tag]:
        """Return the tags of written rows, given by their ``returned`` columns."""
        names = [tuple(self._table.key_names), *self._cached.exact]
        positions = [[self._cached.returned.index(name) for name in key] for key in names]
        tags = {
            (key, tuple([row[position] for position in of_key]))
            for row in rows
            for key, of_key in zip(names, positions, strict=True)
        }
        return {*tags, *self._loose} if tags else set()

    def _tags_of_message(self, written: Sequence[object] | None, keys: Sequence[Sequence[object]]) -> set[Tag] | None:
        """Return the tags of a notification, which has a written row or primary keys."""
        if written is not None:
            return self._tags_of_written([self._revived(self._cached.returned, written)])
        names = tuple(self._table.key_names)
        return {OPEN, *self._loose, *((names, self._revived(names, key)) for key in keys)}

    def _revived(self, names: Iterable[str], values: Iterable[object]) -> tuple[object, ...]:
        """Return values as the driver returns them: JSON and callers may use strings for UUIDs."""
        uuids = self._cached.uuids
        return tuple([_uuid(value) if name in uuids else value for name, value in zip(names, values, strict=True)])

    def _bound(self, names: Iterable[str], values: Iterable[object]) -> tuple[object, ...]:
        operands, names = self._table.operands, list(names)
        return self._revived(names, [operands[name].converted(each) for name, each in zip(names, values, strict=True)])

    @cached_property
    def _loose(self) -> Collection[Tag]:
        """The tags of keys that cannot be compared with the values of a written row."""
        names = [*self._cached.keys, *((name,) for name in self._cached.finders)]
        return [_loose(key) for key in names if key not in self._cached.exact]

    @cached_property
    def _cache(self) -> ModelCache:
        cache = self._caching.caches[self._cached.name]
        cache.tags_of_message = self._tags_of_message
        return cache

    @cached_property
    @override
    def _watch(self) -> Watch:
        return Watch(self._caching, self._table, self._effects, self._cached, self._tags_of_written)


@dataclass(frozen=True, eq=False, repr=False)
class CachedSelection(Selection[M, L, U], Generic[M, L, U]):
    """The rows of a finder, which are answered from memory unless the selection is refined by more than ``load``."""

    _read: Callable[[Sql, Lookup], Awaitable[Rows | None]] | None = None
    _lookup: Lookup = ((), (), ())

    @override
    async def _all(self) -> list[M]:
        limited = self._limit is not None or self._offset is not None
        if self._read is None or self._order or self._options or self._lock is not None or limited:
            return await super()._all()
        if (rows := await self._read(self._statement(), self._lookup)) is None:
            with self._execution.transactions.primary():
                return await super()._all()
        return await self._execution.objects_of(rows, self._relations)


def _lookup_of(names: tuple[str, ...], values: tuple[object, ...]) -> Lookup:
    return names, values, tuple(map(type, values))


def _peek(cache: ModelCache, lookup: Lookup) -> Rows | None:
    try:
        entry = cache.peek(lookup)
    except TypeError:  # a value is not hashable
        return None
    return entry.rows if entry is not None else None


def _is_plain(values: Collection[object], *, nulls: bool) -> bool:
    """Return whether these are single values, which identify a lookup."""
    if has_sql(values) or not (nulls or None not in values):
        return False
    try:
        hash(tuple(values))
    except TypeError:
        return False
    return not any(isinstance(value, (AnyOf, Span)) or _is_vague(value) for value in values)


def _is_vague(value: object) -> bool:
    """Return whether PostgreSQL may store different values that are equal in Python."""
    if isinstance(value, time) and value.tzinfo:  # 10:00+00 and 11:00+01 are different values in PostgreSQL
        return True
    return value is not None and type(value).__hash__ is object.__hash__  # compared by identity, but mutable


def _is_comparable(values: Iterable[object]) -> bool:
    """Return whether these values of exact keys have the types that the driver returns, not others that it accepts."""
    return all(value is None or isinstance(value, (int, str, UUID)) for value in values)


def _loose(names: tuple[str, ...]) -> Tag:
    return "loose", names


def _uuid(value: object) -> object:
    try:
        return UUID(value) if isinstance(value, str) else value
    except ValueError:
        return value  # the driver refuses it


def _plain(value: object) -> object:
    return str(value) if isinstance(value, UUID) else value
