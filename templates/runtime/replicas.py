"""Read replicas: which standby answers a read outside of a transaction, and when only the primary may.

Used only by a database that has ``replicas``. A background task regularly asks the primary for its position in the
write-ahead log, and each replica for the position that it has replayed. A replica that has replayed a position has
everything that was committed when the primary was asked for it. Reads go to a replica only while that was less than
``max_staleness`` seconds ago, so a replica that no longer answers is left out by itself.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from contextvars import Context, ContextVar
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast
from weakref import WeakKeyDictionary, ref

from sqlalchemy import engine, event, orm
from sqlalchemy.ext.asyncio import AsyncSession as PlainSession
from typing_extensions import override

from .contracts import ReplicaStatus
from .errors import TimedOutError, is_lost, sqlstate
from .pool import Connection, Pool, Pools, clock
from .sessions import Session
from .transactions import Isolation, Transactions

if TYPE_CHECKING:
    from .service import Server

T = TypeVar("T")

Connect: TypeAlias = Callable[[], Awaitable[Connection]]

_log = logging.getLogger(__package__)
_IDENTITY = "current_database() || ' ' || (SELECT system_identifier FROM pg_control_system())"
_PRIMARY = (
    f"SELECT {_IDENTITY}, ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint, "
    "(pg_current_wal_flush_lsn() - '0/0')::bigint"
)
_REPLICA = (
    f"SELECT {_IDENTITY}, (SELECT min_recovery_end_timeline::bigint FROM pg_control_recovery()), "
    "(pg_last_wal_replay_lsn() - '0/0')::bigint, pg_is_in_recovery()"
)
_HOSTS = re.compile(r"[^?]*,|.*[?&]host=[^&]*(,|%2C)", re.IGNORECASE)
_WRITE = f"{__name__}.write"
_PROMOTED = "it is not a standby; after a promotion it may have other rows than the primary"
_FOREIGN = "it follows another server than the primary, or its URL names another database"


class ReplicaError(Exception):
    """A server cannot be used as a replica."""


class Write:
    """A write of a task, which is open until someone sets ``ended``, or until the transaction of ``within`` is over."""

    def __init__(self, within: engine.Connection | orm.Session | None = None) -> None:
        self.ended, self._within = math.inf, ref(within) if within else None

    def is_open(self) -> bool:
        """Whether the write goes on, as far as SQLAlchemy knows, which does not say when its transaction ended."""
        if self.ended == math.inf and self._within and not ((within := self._within()) and within.in_transaction()):
            self.ended = clock()
        return self.ended == math.inf


class Line:
    """A connection of its own on which a server is asked about its log, however busy the pool is."""

    def __init__(self, connect: Connect, question: str, patience: float) -> None:
        self._connect, self._question, self._patience = connect, question, patience
        self._connection: Connection | None = None

    async def ask(self) -> Sequence[Any] | BaseException:
        """Return the answer to the question, or the error, whatever it is."""
        return (await asyncio.gather(self._ask(), return_exceptions=True))[0]

    async def _ask(self) -> Sequence[Any]:
        try:
            async with asyncio.timeout(self._patience):
                if self._connection is None:
                    self._connection = await self._connect()
                (answer,) = await self._connection.fetch(self._question)
                return cast("Sequence[Any]", answer)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        if self._connection is not None:
            with suppress(RuntimeError):  # "Event loop is closed"
                self._connection.terminate()
        self._connection = None


class StandbyPool(Pool):
    """The connections to a standby, which refuses writes without being stale."""

    @override
    async def give(self, connection: Connection, *, sound: bool = True) -> None:
        connection.stale = False
        await super().give(connection, sound=sound)


class Replica:
    """A standby as one event loop sees it. It has everything that was committed at ``current_at``."""

    def __init__(self, url: str, connect: Connect, pool: Pool, max_staleness: float) -> None:
        self.url, self.pool, self._max_staleness = url, pool, max_staleness
        self._patience = patience(max_staleness)
        self.line = Line(connect, _REPLICA, self._patience)
        self.current_at = self._asked_at = self._answered_at = self._retry_at = -math.inf
        self._reason, self._reads, self._replayed = "it has not answered yet", set[asyncio.Timeout](), 0

    @property
    def status(self) -> ReplicaStatus:
        """What is known of the replica."""
        usable = (age := clock() - self.current_at) <= self._max_staleness
        reason, staleness = "" if usable else self._reason, age if age < math.inf else None
        return ReplicaStatus(self.url, usable, reason, staleness, len(self.pool.idle), self.pool.in_use())

    async def read(self, work: Awaitable[T]) -> T:
        """Await a read, until the server turns out not to answer."""
        async with asyncio.timeout(None) as limit:
            self._reads.add(limit)
            try:
                return await work
            except TimedOutError as error:  # of the pool
                raise TimedOutError.of(f"replica {self.url}: {error}") from None
            finally:
                self._reads.discard(limit)

    def is_at_fault(self, error: Exception, begun: float) -> bool:
        """Whether the primary may answer a read that has failed; a replica that cannot answer any is left out."""
        # Conflicts with recovery, functions that write, and tables, columns and labels that are not replayed yet.
        repeat, failed = sqlstate(error) not in {"", "57014"}, isinstance(error, ReplicaError) or is_lost(error)
        if isinstance(error, TimeoutError):  # of a slow statement, unless the server answers nothing else either
            repeat = not isinstance(error, TimedOutError) and (self._answered_at < begun or self.current_at < 0)
            failed = repeat and (self._answered_at < self._asked_at < begun or self.current_at < 0)
        if failed:
            self.leave_out(error)
        return repeat or failed

    def leave_out(self, error: BaseException) -> None:
        """Send no reads to the replica, until it answers after a pause."""
        self.current_at, self._retry_at = -math.inf, clock() + self._patience
        detail = str(error) or type(error).__name__
        self.explain(detail if isinstance(error, ReplicaError) else f"it does not answer ({detail})")

    async def probe(self, positions: Sequence[tuple[float, int]], identity: str, timeline: int) -> None:
        """Ask the replica what it has replayed, and compare that with what the primary has answered before."""
        begun = self._asked_at = clock()
        if isinstance(answer := await self.line.ask(), BaseException):
            self.leave_out(answer)
            while self._reads and isinstance(answer, TimeoutError):
                self._reads.pop().reschedule(0)  # which ends the read
            return
        own_identity, own_timeline, replayed, in_recovery = answer
        asked_at, position = positions[-1]
        ahead = self._answered_at < asked_at and self._replayed > position
        self._answered_at, self._replayed = clock(), replayed or 0
        if not in_recovery:
            self.leave_out(ReplicaError(_PROMOTED))
        elif ahead or own_identity != identity or own_timeline > timeline:
            self.leave_out(ReplicaError(_FOREIGN))
        elif begun >= self._retry_at:
            known = (asked_at for asked_at, position in reversed(positions) if position <= self._replayed)
            self.current_at = max(self.current_at, next(known, -math.inf))
            lags = self._answered_at - max(self.current_at, positions[0][0]) > self._max_staleness
            if lags or self.current_at > -math.inf:  # else it is not known yet
                self.explain(f"it lags by more than {self._max_staleness:g} s" if lags else "")

    def explain(self, reason: str) -> None:
        """Log why no reads go to the replica, or that they do again; details are in parentheses."""
        if reason and reason.partition(" (")[0] != self._reason.partition(" (")[0]:
            _log.warning("no reads go to the replica %s: %s", self.url, reason)
        elif self._reason and not reason:
            _log.info("reads go to the replica %s", self.url)
        self._reason = reason


class WatchingPool(Pool):
    """The connections of one event loop to the primary, and the replicas, which a task of this loop watches."""

    def __init__(self, connect: Connect, replicas: list[Replica], max_staleness: float, **limits: Any) -> None:
        super().__init__(connect, **limits)
        self.replicas, self._max_staleness = replicas, max_staleness
        self._interval = min(max(max_staleness / 4, 0.05), 1)
        self._positions = deque[tuple[float, int]](maxlen=math.ceil(max_staleness / self._interval) + 2)
        self._line, self._turns = Line(connect, _PRIMARY, patience(max_staleness)), count()
        self._chosen: WeakKeyDictionary[asyncio.Task[Any], Replica] = WeakKeyDictionary()
        self._watching: asyncio.Task[None] | None = None
        self._probes, self._first = dict[Replica, asyncio.Task[None]](), asyncio.Event()

    def choose(self) -> Replica | None:
        """Return the replica that the current task reads from, the same one while it can be used."""
        self.watch()
        oldest, task = clock() - self._max_staleness, cast("asyncio.Task[Any]", asyncio.current_task())
        if (chosen := self._chosen.get(task)) is None or chosen.current_at < oldest:
            usable = [replica for replica in self.replicas if replica.current_at >= oldest]
            if not usable:
                return None
            chosen = self._chosen[task] = usable[next(self._turns) % len(usable)]
        return chosen

    def watch(self) -> None:
        """Start to watch the replicas, unless a task does."""
        if self._watching is None or self._watching.done():  # its context is not that of the first request
            self._watching = asyncio.get_running_loop().create_task(self._watch(), context=Context())
            self._watching.add_done_callback(self._end_watch)

    async def ready(self) -> None:
        """Wait until each replica has answered, or has not in time."""
        self.watch()
        await self._first.wait()

    @override
    async def close(self) -> None:
        if self._watching is not None:
            for task in (self._watching, *self._probes.values()):
                task.cancel()
            await asyncio.wait([self._watching, *self._probes.values()])
        await asyncio.gather(super().close(), *(replica.pool.close() for replica in self.replicas))

    @override
    def in_use(self) -> int:
        return super().in_use() + sum(replica.pool.in_use() for replica in self.replicas)

    @override
    def abandon(self) -> None:
        self._end_watch()
        for replica in self.replicas:
            replica.pool.abandon()
        super().abandon()

    def _end_watch(self, _watching: object = None) -> None:
        self._first.set()  # nobody waits for a pool that is closed
        for line in (self._line, *(replica.line for replica in self.replicas)):
            line.close()

    async def _watch(self) -> None:
        while True:
            asked_at = clock()
            if isinstance(answer := await self._line.ask(), BaseException):
                for replica in self.replicas:
                    replica.explain(f"the primary does not answer ({str(answer) or type(answer).__name__})")
            else:
                identity, timeline, position = answer
                self._positions.append((asked_at, position))
                for replica in self.replicas:  # each in a task, as they do not wait for one that does not answer
                    if (probe := self._probes.get(replica)) is None or probe.done():
                        self._probes[replica] = asyncio.create_task(replica.probe(self._positions, identity, timeline))
                if not self._first.is_set():
                    await asyncio.wait(self._probes.values())
            self._first.set()
            await asyncio.sleep(self._interval)


class ReplicatedTransactions(Transactions):
    """The transactions of a database with replicas: they are on the primary, as are reads soon after a write."""

    def __init__(
        self,
        connect: Callable[[Server | None], Awaitable[Connection]],
        urls: Sequence[str],
        server_of: Callable[[str], Server],
        max_staleness: float,
        limits: Mapping[str, Any],
    ) -> None:
        if isinstance(urls, str):
            raise TypeError("replicas takes a list of URLs")
        for number, url in enumerate(urls):
            if not (url and isinstance(cast("object", url), str)):
                raise ValueError(f"replicas[{number}] is {url!r}, not a URL")
        if not 0 < max_staleness < math.inf:
            raise ValueError("max_staleness must be a number of seconds above 0")
        servers = [server_of(url) for url in urls]
        if several := next((server.url for server in servers if _HOSTS.match(server.address)), None):
            raise ValueError(f"each URL of replicas is of one server, because each is watched: {several}")

        def new_pool() -> WatchingPool:
            connects = [(server.url, partial(connect, server)) for server in servers]
            replicas = [Replica(url, one, StandbyPool(one, **limits), max_staleness) for url, one in connects]
            return WatchingPool(partial(connect, None), replicas, max_staleness, **limits)

        super().__init__(Pools(new_pool))
        self._max_staleness, self._pinned = max_staleness, ContextVar("pinned", default=False)
        self._writes = ContextVar[tuple[Write, ...]]("writes", default=())
        event.listen(self.engine.sync_engine, "before_cursor_execute", self._begin_write)
        event.listen(self.engine.sync_engine, "commit", self._begin_write)
        event.listen(self.engine.sync_engine, "checkin", self._end_write)

    @override
    async def ready(self) -> None:
        await self._pool.ready()

    @override
    def replica_status(self) -> list[ReplicaStatus]:
        return [replica.status for replica in self._pool.replicas]

    @override
    @contextmanager
    def primary(self) -> Generator[None]:
        before = self._pinned.get()
        self._pinned.set(True)
        try:
            yield
        finally:  # not by token, because a fixture may leave the block in another context
            self._pinned.set(before)

    @override
    @asynccontextmanager
    async def transaction(
        self, isolation: Isolation | None = None, *, read_only: bool = False
    ) -> AsyncGenerator[Session, None]:
        with nullcontext() if read_only else self._writing():
            async with super().transaction(isolation, read_only=read_only) as session:
                yield session

    @override
    async def send(
        self, session: PlainSession | None, work: Callable[[Connection], Awaitable[T]], statement: str = ""
    ) -> T:
        if session is not None and statement and not statement.startswith("SELECT"):

            def noted(connection: Connection) -> Awaitable[T]:  # now the session has begun its transaction
                sync = session.sync_session
                self._note(session.info, sync.connection() if sync.in_transaction() else sync)
                return work(connection)

            return await super().send(session, noted)
        if not statement or session is not None or self.source is not None or self.ambient():
            return await super().send(session, work)
        if statement.startswith("SELECT"):
            return await self._read(work)
        with self._writing():
            return await self._alone(work)

    async def _read(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        begun = clock()
        wrote = any(write.is_open() or write.ended >= begun - self._max_staleness for write in self._writes.get())
        replica = None if wrote or self._pinned.get() else self._pool.choose()
        if replica is not None:
            try:
                return await replica.read(self._alone(partial(_read_from_standby, work), replica.pool))
            except Exception as error:
                if not replica.is_at_fault(error, begun):
                    raise
                _log.info("a read is repeated on the primary: %s", type(error).__name__)
        return await self._alone(work)

    @property
    def _pool(self) -> WatchingPool:
        return cast("WatchingPool", self.pools.current)

    @contextmanager
    def _writing(self) -> Generator[None]:
        """Have this task and its children read from the primary during the block, and for a while after it."""
        write = self._note({})
        try:
            yield
        finally:
            write.ended = clock()

    def _note(self, info: dict[Any, Any], within: engine.Connection | orm.Session | None = None) -> Write:
        """Return the open write that is kept in ``info``, or a new one, which is now a write of this task."""
        if _WRITE not in info or not info[_WRITE].is_open():
            info[_WRITE] = Write(within)
        write, writes = cast("Write", info[_WRITE]), self._writes.get()
        if write not in writes:  # of the others only those count that may end later
            self._writes.set((*(other for other in writes if other.is_open()), write))
        return write

    def _begin_write(self, connection: Any, _cursor: object = None, statement: str = "", *_: object) -> None:
        """Note a COMMIT or a write of SQLAlchemy, which ends when the connection is returned."""
        if not statement.lstrip().upper().startswith("SELECT"):
            self._note(connection.info, connection)

    def _end_write(self, _connection: object, record: Any) -> None:
        if write := record.info.pop(_WRITE, None):
            write.ended = clock()


def patience(max_staleness: float) -> float:
    """Return for how many seconds an answer is awaited, and for how long a replica that has failed is left out."""
    return min(max(max_staleness, 1), 5)


async def _read_from_standby(work: Callable[[Connection], Awaitable[T]], connection: Connection) -> T:
    result = await work(connection)
    settings: Any = cast("Any", connection).get_settings()  # which the server sends anew with the answer
    if getattr(settings, "in_hot_standby", "on") == "off":
        raise ReplicaError(_PROMOTED)
    return result
