"""The service of a package that caches models: one cache for each, and what becomes of them.

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
    """The caches of one database in this process, by what the facade calls their models.

    ``channel`` is where processes tell each other of their writes, empty where they do not.
    """

    def __init__(self, transactions: Transactions, limits: Mapping[str, Limits], channel: str) -> None:
        self.channel, self._transactions = channel, transactions
        self.caches = {name: ModelCache(one) for name, one in limits.items()}

    @property
    def is_active(self) -> bool:
        """Whether calls are what they seem: in the sandbox of a test, all of them are in a transaction."""
        return self._transactions.source is None

    def guard(self, gate: Gate) -> None:
        """Have the caches be of use only while a gate is open."""
        for one in self.caches.values():
            one.gate = gate

    def message(self, name: str, *rest: object) -> str:
        """Return the message that all of a model has changed, or a part of it."""
        return json.dumps([self.caches[name].sender, name, *rest])

    def begin_anew(self) -> None:
        """Begin with nothing cached, as a process of its own."""
        for one in self.caches.values():
            one.begin_anew()

    def forget(self) -> None:
        """Forget everything."""
        for one in self.caches.values():
            one.drop(None)


class CachingService(DatabaseService):
    """A PostgreSQL database some of whose models are cached."""

    _limits: ClassVar[Mapping[str, Limits]] = {}
    _channel: ClassVar[str] = ""
    _caching: Caching
    _driver: ClassVar[type[Connection]] = WatchedConnection

    if not TYPE_CHECKING:  # to which the constructor is the base's

        def __init__(self, *arguments: Any, **settings: Any) -> None:
            super().__init__(*arguments, **settings)
            self._caching = Caching(self.transactions, self._limits, self._channel)
            _services.add(self)

    @property
    def caching(self) -> Caching:
        """What is cached."""
        _ = self.transactions  # or what is missing
        return self._caching

    def cache_info(self) -> dict[str, CacheInfo]:
        """Return what the cache of each model has done so far, by what the facade calls it."""
        return {name: one.info for name, one in self.caching.caches.items()}

    @override
    async def dispose(self) -> None:
        """Close every connection and forget what is cached; the next call opens new ones."""
        self.caching.forget()
        await super().dispose()

    def begin_caching(self) -> None:
        """Begin with nothing cached, as a process of its own."""
        self.caching.begin_anew()


_services = WeakSet[CachingService]()


def _begin_after_fork() -> None:
    for one in _services:
        one.begin_caching()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_after_fork)
