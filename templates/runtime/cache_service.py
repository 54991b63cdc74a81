"""The base class of ``Database`` in a package that caches models, with a cache per model.

Emitted only for a package that caches a model; its ``Database`` derives from ``CachingService``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakSet

from typing_extensions import override

from .cache import CacheInfo, Gate, Limits, ModelCache
from .cache_changes import WatchedConnection
from .pool import Connection
from .service import DatabaseService
from .transactions import Transactions


class Caching:
    """The caches of one database in this process, by their models' names in the facade.

    ``channel`` is the channel of notifications, empty if processes are not synchronized.
    """

    def __init__(self, transactions: Transactions, limits: Mapping[str, Limits], channel: str) -> None:
        self.channel, self._transactions = channel, transactions
        self.caches = {name: ModelCache(limit) for name, limit in limits.items()}

    @property
    def is_active(self) -> bool:
        """Whether caches are in use; in the sandbox of a test they are not, because all calls share a transaction."""
        return self._transactions.source is None

    def guard(self, gate: Gate) -> None:
        """Use the caches only while a gate is open."""
        for cache in self.caches.values():
            cache.gate = gate

    def message(self, name: str, *rest: object) -> str:
        """Return the notification that a model has changed, as a whole or in part."""
        return json.dumps([self.caches[name].sender, name, *rest])

    def reset(self) -> None:
        """Start with empty caches, as a forked process must."""
        for cache in self.caches.values():
            cache.reset()

    def forget(self) -> None:
        """Clear all caches."""
        for cache in self.caches.values():
            cache.drop(None)


class CachingService(DatabaseService):
    """A PostgreSQL database some of whose models are cached."""

    _limits: ClassVar[Mapping[str, Limits]] = {}
    _channel: ClassVar[str] = ""
    _caching: Caching
    _driver: ClassVar[type[Connection]] = WatchedConnection

    if not TYPE_CHECKING:  # type checkers see the constructor of the base

        def __init__(self, *arguments: Any, **settings: Any) -> None:
            super().__init__(*arguments, **settings)
            self._caching = Caching(self.transactions, self._limits, self._channel)
            _services.add(self)

    @property
    def caching(self) -> Caching:
        """The caches of this database."""
        _ = self.transactions  # raises an error if __init__ was not called
        return self._caching

    def cache_info(self) -> dict[str, CacheInfo]:
        """Return the statistics of each model's cache, by the model's name in the facade."""
        return {name: cache.info for name, cache in self.caching.caches.items()}

    @override
    async def dispose(self) -> None:
        """Close every connection and clear the caches; the next call opens new connections."""
        self.caching.forget()
        await super().dispose()

    def begin_caching(self) -> None:
        """Start with empty caches, as a forked process must."""
        self.caching.reset()


_services = WeakSet[CachingService]()


def _begin_after_fork() -> None:
    for service in _services:
        service.begin_caching()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_after_fork)
