"""When what a write has changed is forgotten: once it is committed, whoever commits it, and never if it is undone.

Emitted only for a package that caches a model. Every COMMIT passes through the driver's connection, so it is there that
changes wait for it; savepoints around them are the session's.
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

_PENDING = f"{__name__}.pending"
_TO_SAVEPOINT = re.compile(r"\s*rollback\s+(work\s+|transaction\s+)?to\b", re.IGNORECASE)


@dataclass(eq=False)
class Change:
    """What one call changes: all of some caches, and of its own model the rows with these tags, None for all."""

    whole: Collection[ModelCache]
    own: ModelCache | None = None
    tags: Collection[Tag] | None = None

    def apply(self) -> None:
        """Forget what is no longer so."""
        for one in self.whole:
            one.drop(None)
        if self.own and (self.tags is None or self.tags):
            self.own.drop(self.tags)

    def doubt(self) -> None:
        """Forget all that may no longer be so."""
        for one in (*self.whole, *([self.own] if self.own else [])):
            one.doubt()


Pending: TypeAlias = list[tuple[Change, orm.SessionTransaction | None]]
"""Changes of an open transaction, with the savepoint they are in."""


class WatchedConnection(Connection):
    """A connection that has the changes made on it take effect when the server has answered the COMMIT."""

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
        pending, self.pending = self.pending, None  # the next transaction is another session's, and has its own
        _settle(pending or [], take_effect)


def _settle(pending: Pending, take_effect: Callable[[Change], None] | None) -> None:
    changes = [change for change, _ in pending]
    pending.clear()
    if take_effect is not None:
        for change in changes:
            take_effect(change)


def is_unknown(error: BaseException) -> bool:
    """Whether nobody knows if the statement that failed has been done."""
    return not isinstance(error, Exception) or isinstance(error, TimeoutError) or is_lost(error)


def remember(connection: Connection, session: AsyncSession | None, change: Change) -> None:
    """Have a change take effect with the transaction of a connection, unless a savepoint around it is undone."""
    sync, is_watched = session.sync_session if session else None, issubclass(type(connection), WatchedConnection)
    pending: Pending
    if is_watched:  # and not of an engine of the caller's own
        watched = cast("WatchedConnection", connection)
        pending = watched.pending = [] if watched.pending is None else watched.pending
    else:
        new: Pending = []
        pending = sync.info.get(_PENDING, new) if sync else new
    pending.append((change, sync.get_nested_transaction() if sync else None))
    if sync is None:
        return
    if _PENDING not in sync.info:
        event.listen(sync, "after_soft_rollback", _forget)
        if not is_watched:
            event.listen(sync, "after_commit", _committed)
    sync.info[_PENDING] = pending


def _forget(session: orm.Session, undone: orm.SessionTransaction) -> None:
    def is_inside(transaction: orm.SessionTransaction | None) -> bool:
        while transaction is not None and transaction is not undone:
            transaction = transaction.parent
        return transaction is undone

    pending: Pending = session.info[_PENDING]
    pending[:] = [entry for entry in pending if undone.parent is not None and not is_inside(entry[1])]


def _committed(session: orm.Session) -> None:
    if not session.in_nested_transaction():
        _settle(session.info[_PENDING], Change.apply)
