"""The connections: asyncpg's own, kept in a list, with the rules by which one is fit to be handed out again."""

from __future__ import annotations

import asyncio
import math
import os
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeGuard, TypeVar

from typing_extensions import override

from .errors import TimedOutError, aborted, is_lost, is_outdated, sqlstate

if TYPE_CHECKING:
    from .sessions import Adapter

    class Driver:
        """What is used here of asyncpg's connection; asyncpg comes without types."""

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
_CLOSING = 5  # seconds for the server to give up a statement whose caller was cancelled
_READ_ONLY = "25006"


class Source(Protocol):
    """Where connections come from; ``shared`` if there is one for everybody, as in tests."""

    shared: bool

    async def take(self) -> Connection: ...
    async def give(self, connection: Connection, *, sound: bool = True) -> None: ...


class Connection(Driver):
    """A connection on which no rollback passes for a commit, whoever commits.

    ``failure`` is the code of the last error. A ``stale`` one leads to a server that only reads, as after a failover;
    of an ``interrupted`` one nobody knows what it is at. A ``fresh`` one was not used before.
    """

    failure, stale, interrupted, fresh, dropped = "", False, False, True, False
    adapter: Adapter

    def prepare_for_use(self, adapt: Callable[[Connection], Adapter]) -> None:
        """Remember how it looks to SQLAlchemy, which keeps the statements it has prepared there."""
        self._adapt, self.adapter, self.born = adapt, adapt(self), time.monotonic()

    def renew_adapter(self, source: Source) -> None:
        """For tests: let SQLAlchemy begin anew, while a block around may use it in another state."""
        self.adapter = self._adapt(self)
        self.adapter.source = source

    @override
    def is_in_transaction(self) -> bool:
        """Whether a transaction is open, as far as the server has said."""
        return not self.is_closed() and super().is_in_transaction()

    @override
    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        """Run a statement and return its status: ROLLBACK is the answer to the COMMIT of a failed transaction."""
        try:
            status = await super().execute(query, *args, timeout=timeout)
        except BaseException:
            self.interrupted = self.interrupted or query.startswith("BEGIN")  # the driver believes it is inside
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
        """Take note of an error, and return whether the protocol is where it was before."""
        state = sqlstate(error)
        self.failure = self.failure if state == "25P02" else state  # that one only says that there was another
        self.stale = self.stale or state == _READ_ONLY
        self.interrupted = self.interrupted or is_lost(error) or not isinstance(error, Exception)
        return getattr(error, "severity", None) is not None  # else the protocol stopped half-way

    def drop(self) -> None:
        """Close it in the background: at once would cut off a request to cancel what it was doing."""
        if not (self.dropped or self.is_closed()):
            self.dropped = True  # to close it twice would cut the request off as well
            task = asyncio.ensure_future(_close(self))
            _closing.add(task)
            task.add_done_callback(_closing.discard)


def is_ours(connection: object) -> TypeGuard[Connection]:
    """Whether a connection is of this module; every asyncpg connection is an instance of every other's class."""
    return issubclass(type(connection), Connection)


async def noted(connection: Connection, work: Awaitable[T]) -> T:
    """Return what work on a connection gives; have the connection take note of what goes wrong, be it cancelled."""
    try:
        return await work
    except BaseException as error:
        if is_ours(connection):  # and not of an engine of the caller's own
            connection.note(error)
        if is_outdated(error):
            await connection.reload_schema_state()
        raise


class Pool:
    """Open connections, the one used last on top; at most ``most``, of which ``kept`` stay open when idle."""

    shared = False

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        kept: int,
        most: int,
        patience: float,
        recycle: float,
        *,
        reset: bool,
    ) -> None:
        self._connect, self._kept, self._patience, self._recycle, self._reset = connect, kept, patience, recycle, reset
        self._free, self._most = asyncio.Semaphore(most), most
        self.idle, self.used = list[Connection](), set[Connection]()
        self._since = -math.inf  # what is older is not trusted any more

    async def take(self) -> Connection:
        """Return a connection that nobody else has, once there may be one."""
        if self._free.locked():
            try:
                async with asyncio.timeout(self._patience):
                    await self._free.acquire()
            except TimeoutError:
                raise TimedOutError.of(
                    f"no connection was free within {self._patience:g} s: all {self._most} of the pool are in use "
                    "(pool_size + max_overflow); a block, a session and a stream each hold one until their end"
                ) from None
        else:
            await self._free.acquire()  # without a wait
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
        """Take a connection back, to be used again if that is safe; without ``reset`` there is nothing to wait for."""
        try:
            if sound and self._reset and not connection.is_closed():
                sound = False
                with suppress(Exception):  # which costs the connection, and not what was done on it
                    await connection.reset()
                    sound = True
        finally:
            self._forget(connection)
            if connection.stale:
                self._since = time.monotonic()
            if sound and len(self.idle) < self._kept and self._is_fit(connection):
                self.idle.append(connection)
            else:
                connection.drop()

    def abandon(self) -> None:
        """Let go of the connections of an event loop that is closed, in which nothing can be awaited any more."""
        for connection in self.idle:
            with suppress(RuntimeError):  # "Event loop is closed"
                connection.terminate()

    async def close(self) -> None:
        """Close what is idle now, and what is in use when it is given back."""
        self._kept = 0
        while self.idle:
            self.idle.pop().drop()
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(task for task in _closing if task.get_loop() is loop))

    def _is_fit(self, connection: Connection) -> bool:
        young = time.monotonic() - connection.born < self._recycle and connection.born > self._since
        spoilt = connection.stale or connection.interrupted or connection.is_closed()
        return young and not spoilt and not connection.is_in_transaction()

    def _forget(self, connection: Connection) -> None:
        if connection in self.used:
            self.used.remove(connection)
            self._free.release()


class Pools:
    """A pool for each event loop and each process: a forked one must not read the answers to its parent."""

    def __init__(self, make: Callable[[], Pool]) -> None:
        self._make, self._by_loop = make, dict[asyncio.AbstractEventLoop, Pool]()
        self._pid, self._abandoned = os.getpid(), list[object]()

    @property
    def current(self) -> Pool:
        """The pool of this event loop, in this process."""
        if self._pid != (pid := os.getpid()):
            self._abandoned.append(self._by_loop)  # for ever: to finalize them would end the parent's sessions
            self._pid, self._by_loop = pid, dict[asyncio.AbstractEventLoop, Pool]()
        if (pool := self._by_loop.get(loop := asyncio.get_running_loop())) is None:
            for closed in [other for other in list(self._by_loop) if other.is_closed()]:
                if gone := self._by_loop.pop(closed, None):  # and not by another thread
                    gone.abandon()
            pool = self._by_loop[loop] = self._make()
        return pool

    async def dispose(self) -> None:
        """Close the connections of this event loop, waiting a second for those in use, five for the server."""
        pool = self.current
        for _ in range(100):  # a stream that was left half-way gives its connection back a moment later
            if not pool.used:
                break
            await asyncio.sleep(0.01)
        self._by_loop.pop(asyncio.get_running_loop(), None)
        await pool.close()


async def _close(connection: Connection) -> None:
    with suppress(Exception):  # it is of no more use, whatever it was
        await connection.close(timeout=_CLOSING)
    with suppress(RuntimeError):  # "Event loop is closed"
        connection.terminate()
