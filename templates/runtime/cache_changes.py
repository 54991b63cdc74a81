"""Applies the changes of writes to the caches after their COMMIT, whoever commits, and never after a rollback.

Emitted only for a package that caches a model. Every COMMIT passes through the driver's connection, which therefore
holds the pending changes; their savepoints are those of the session.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from sqlalchemy import event, orm
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from .cache import ModelCache, Tag
from .errors import is_lost
from .pool import Connection
from .sessions import is_undone_by

_PENDING = f"{__name__}.pending"
_TO_SAVEPOINT = re.compile(r"\s*rollback\s+(work\s+|transaction\s+)?to\b", re.IGNORECASE)


@dataclass(eq=False)
class Change:
    """The change of one call: the caches to clear, and the tags to drop from its own model's cache, None for all."""

    whole: Collection[ModelCache]
    own: ModelCache | None = None
    tags: Collection[Tag] | None = None

    def apply(self) -> None:
        """Invalidate the entries."""
        for cache in self.whole:
            cache.drop(None)
        if self.own and (self.tags is None or self.tags):
            self.own.drop(self.tags)

    def doubt(self) -> None:
        """Invalidate and bypass the caches, because the outcome of the write is unknown."""
        for cache in (*self.whole, *([self.own] if self.own else [])):
            cache.doubt()


Pending: TypeAlias = list[tuple[Change, orm.SessionTransaction | None]]
"""The changes of an open transaction, with their savepoints."""


class WatchedConnection(Connection):
    """A connection that applies its pending changes when the server has confirmed the COMMIT."""

    pending: Pending | None = None

    @override
    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        """Run a statement and return its status."""
        if not self.pending:
            return await super().execute(query, *args, timeout=timeout)
        try:
            status = await super().execute(query, *args, timeout=timeout)
        except BaseException as error:
            if query.startswith("COMMIT"):
                self._end(Change.doubt if is_unknown(error) else None)
            raise
        if status == "COMMIT":
            self._end(Change.apply)
        elif status == "ROLLBACK" and not _TO_SAVEPOINT.match(query):
            self._end(None)
        return status

    def _end(self, take_effect: Callable[[Change], None] | None) -> None:
        pending, self.pending = self.pending, None  # the next transaction has its own changes
        _settle(pending or [], take_effect)


def _settle(pending: Pending, take_effect: Callable[[Change], None] | None) -> None:
    changes = [change for change, _ in pending]
    pending.clear()
    if take_effect is not None:
        for change in changes:
            take_effect(change)


def is_unknown(error: BaseException) -> bool:
    """Return whether it is unknown if the failed statement took effect."""
    return not isinstance(error, Exception) or isinstance(error, TimeoutError) or is_lost(error)


def remember(connection: Connection, session: AsyncSession | None, change: Change) -> None:
    """Apply a change when the transaction of a connection commits, unless a savepoint around it is rolled back."""
    sync, is_watched = session.sync_session if session else None, issubclass(type(connection), WatchedConnection)
    pending: Pending = []
    if is_watched:  # otherwise it belongs to an engine that the caller created
        watched = cast("WatchedConnection", connection)
        pending = watched.pending = pending if watched.pending is None else watched.pending
    elif sync:
        pending = sync.info.get(_PENDING, pending)
    pending.append((change, sync.get_nested_transaction() if sync else None))
    if sync is None:
        return
    if _PENDING not in sync.info:
        event.listen(sync, "after_soft_rollback", _forget)
        if not is_watched:
            event.listen(sync, "after_commit", _committed)
    sync.info[_PENDING] = pending


def _forget(session: orm.Session, rolled_back: orm.SessionTransaction) -> None:
    pending: Pending = session.info[_PENDING]
    pending[:] = [entry for entry in pending if not is_undone_by(entry[1], rolled_back)]


def _committed(session: orm.Session) -> None:
    if not session.in_nested_transaction():
        _settle(session.info[_PENDING], Change.apply)
