"""The connection pool: asyncpg's own connections, and the rules for using one again."""

from __future__ import annotations

import asyncio
import math
import os
import re
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeGuard, TypeVar

from typing_extensions import override

from .errors import TimedOutError, aborted, is_lost, is_outdated, sqlstate

if TYPE_CHECKING:
    from .sessions import Adapter

    class Driver:
        """The part of asyncpg's connection that the runtime uses; asyncpg has no types."""

        async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str: ...
        async def fetch(self, query: str, *args: Any) -> Sequence[Any]: ...
        async def fetchmany(self, query: str, args: Sequence[Sequence[Any]]) -> Sequence[Any]: ...
        async def close(self, *, timeout: float | None = None) -> None: ...
        async def reload_schema_state(self) -> None: ...
        async def reset(self) -> None: ...
        def cursor(self, query: str, *args: Any) -> Any: ...
        def transaction(self, **options: Any) -> Any: ...
        def terminate(self) -> None: ...
        def is_closed(self) -> bool: ...
        def is_in_transaction(self) -> bool: ...
        def add_termination_listener(self, callback: Callable[[Any], object]) -> None: ...
        def add_query_logger(self, callback: Callable[[Any], object]) -> None: ...
else:
    from asyncpg import Connection as Driver

T = TypeVar("T")

Rows: TypeAlias = Sequence[Sequence[Any]]

_closing = set[asyncio.Task[None]]()
_CLOSING = 5  # seconds for the server to end a statement whose caller was cancelled
_READ_ONLY = "25006"


def clock() -> float:
    """Return a time in seconds. On Linux it goes on while the machine is suspended, unlike ``time.monotonic``."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


class Source(Protocol):
    """A source of connections; ``shared`` if all callers get the same one, as in tests."""

    shared: bool

    async def take(self) -> Connection: ...
    async def give(self, connection: Connection, *, sound: bool = True) -> None: ...


class Connection(Driver):
    """A connection on which a COMMIT that PostgreSQL answers with ROLLBACK is an error, whoever commits.

    ``failure`` is the SQLSTATE of the last error. A ``stale`` connection leads to a read-only server, as after a
    failover. The state of an ``interrupted`` connection is unknown. A ``fresh`` connection has not been used before.
    """

    failure, stale, interrupted, fresh, dropped = "", False, False, True, False
    adapter: Adapter

    def prepare_for_use(self, adapt: Callable[[Connection], Adapter]) -> None:
        """Create the connection's adapter for SQLAlchemy, which holds SQLAlchemy's prepared statements."""
        self._adapt, self.adapter, self.born = adapt, adapt(self), time.monotonic()

    def renew_adapter(self, source: Source) -> None:
        """For tests: create another adapter for SQLAlchemy, because an enclosing block may still use the old one."""
        self.adapter = self._adapt(self)
        self.adapter.source = source

    @override
    def is_in_transaction(self) -> bool:
        """Whether a transaction is open, according to the server's last answer."""
        return not self.is_closed() and super().is_in_transaction()

    @override
    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        """Run a statement and return its status: ROLLBACK is the answer to the COMMIT of a failed transaction."""
        try:
            status = await super().execute(query, *args, timeout=timeout)
        except BaseException:
            self.interrupted = self.interrupted or query.startswith("BEGIN")  # asyncpg assumes that it succeeded
            raise
        if status == "ROLLBACK" and not re.match(r"\s*(rollback|abort)", query, re.IGNORECASE):
            raise aborted(None, self.failure)
        return status

    async def begin(self, **options: Any) -> Any:
        """Begin a transaction."""
        transaction, self.failure = self.transaction(**options), ""
        await transaction.start()
        return transaction

    def note(self, error: BaseException) -> bool:
        """Record an error, and return whether the server reported it, so that the connection is still usable."""
        state = sqlstate(error)
        self.failure = self.failure if state == "25P02" else state  # 25P02 only says that there was an earlier error
        self.stale = self.stale or state == _READ_ONLY
        self.interrupted = self.interrupted or is_lost(error) or not isinstance(error, Exception)
        return getattr(error, "severity", None) is not None

    def drop(self) -> None:
        """Close the connection in the background, which lets a pending request to cancel its statement complete."""
        if not (self.dropped or self.is_closed()):
            self.dropped = True  # closing it twice would cut that request off
            task = asyncio.ensure_future(_close(self))
            _closing.add(task)
            task.add_done_callback(_closing.discard)


def is_ours(connection: object) -> TypeGuard[Connection]:
    """Return whether a connection is of this class; ``isinstance`` is true for every connection of asyncpg."""
    return issubclass(type(connection), Connection)


async def noted(connection: Connection, work: Awaitable[T]) -> T:
    """Await work on a connection, and record its error or cancellation on the connection."""
    try:
        return await work
    except BaseException as error:
        if is_ours(connection):  # otherwise it belongs to an engine that the caller created
            connection.note(error)
        if is_outdated(error):
            await connection.reload_schema_state()
        raise


class Pool:
    """At most ``max_size`` connections, of which ``size`` stay open when idle; the last used is the first reused."""

    shared = False

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        size: int,
        max_size: int,
        timeout: float,
        recycle: float,
        *,
        reset: bool,
    ) -> None:
        self._connect, self._size, self._timeout, self._recycle, self._reset = connect, size, timeout, recycle, reset
        self._free, self._max_size = asyncio.Semaphore(max_size), max_size
        self.idle, self.used = list[Connection](), set[Connection]()
        self._distrusted_before = -math.inf

    async def take(self) -> Connection:
        """Return a connection for exclusive use, once one is available."""
        if self._free.locked():
            try:
                async with asyncio.timeout(self._timeout):
                    await self._free.acquire()
            except TimeoutError:
                raise TimedOutError.of(
                    f"no connection was free within {self._timeout:g} s: all {self._max_size} of the pool are in use "
                    "(pool_size + max_overflow); a block, a session and a stream each hold one until their end"
                ) from None
        else:
            await self._free.acquire()  # does not wait
        while self.idle:
            connection = self.idle.pop()
            connection.fresh = False
            if self._is_fit(connection):
                self.used.add(connection)
                return connection
            connection.drop()
        try:
            connection = await self._connect()
        except BaseException:
            self._free.release()
            raise
        connection.add_termination_listener(self._forget)
        self.used.add(connection)
        return connection

    async def give(self, connection: Connection, *, sound: bool = True) -> None:
        """Return a connection to the pool, which keeps it if it is safe to use again; only ``reset`` waits."""
        try:
            if sound and self._reset and not connection.is_closed():
                sound = False
                with suppress(Exception):  # a failed reset closes the connection, and must not fail the call
                    await connection.reset()
                    sound = True
        finally:
            self._forget(connection)
            if connection.stale:
                self._distrusted_before = time.monotonic()
            if sound and len(self.idle) < self._size and self._is_fit(connection):
                self.idle.append(connection)
            else:
                connection.drop()

    def in_use(self) -> int:
        """Return how many connections are in use, whichever server they lead to."""
        return len(self.used)

    def abandon(self) -> None:
        """Terminate the connections of an event loop that is closed, in which nothing can be awaited."""
        for connection in self.idle:
            with suppress(RuntimeError):  # "Event loop is closed"
                connection.terminate()

    async def close(self) -> None:
        """Close the idle connections now, and those in use when they are returned."""
        self._size = 0
        while self.idle:
            self.idle.pop().drop()
        await asyncio.gather(*(task for task in _closing if task.get_loop() is asyncio.get_running_loop()))

    def _is_fit(self, connection: Connection) -> bool:
        recent = time.monotonic() - connection.born < self._recycle and connection.born > self._distrusted_before
        unusable = connection.stale or connection.interrupted or connection.is_closed()
        return recent and not unusable and not connection.is_in_transaction()

    def _forget(self, connection: Connection) -> None:
        if connection in self.used:
            self.used.remove(connection)
            self._free.release()


class Pools:
    """A pool per event loop and process: a forked process must not read the replies to its parent."""

    def __init__(self, make: Callable[[], Pool]) -> None:
        self._make, self._by_loop = make, dict[asyncio.AbstractEventLoop, Pool]()
        self._pid, self._abandoned = os.getpid(), list[object]()

    @property
    def current(self) -> Pool:
        """The pool of this event loop, in this process."""
        if self._pid != (pid := os.getpid()):
            self._abandoned.append(self._by_loop)  # kept forever: finalizing them would end the parent's sessions
            self._pid, self._by_loop = pid, dict[asyncio.AbstractEventLoop, Pool]()
        if (pool := self._by_loop.get(loop := asyncio.get_running_loop())) is None:
            for closed in [other for other in list(self._by_loop) if other.is_closed()]:
                if pool := self._by_loop.pop(closed, None):  # unless another thread did so
                    pool.abandon()
            pool = self._by_loop[loop] = self._make()
        return pool

    async def dispose(self) -> None:
        """Close the connections of this event loop, waiting a second for those in use, five for the server."""
        pool = self.current
        for _ in range(100):  # a stream that was not read to its end returns its connection a moment later
            if pool.in_use():
                await asyncio.sleep(0.01)
        self._by_loop.pop(asyncio.get_running_loop(), None)
        await pool.close()


async def _close(connection: Connection) -> None:
    with suppress(Exception):  # whatever is wrong with it, it is not used again
        await connection.close(timeout=_CLOSING)
    with suppress(RuntimeError):  # "Event loop is closed"
        connection.terminate()
