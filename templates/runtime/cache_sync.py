"""Synchronizes the caches of several processes: each notifies the others of its writes, in the writing transaction.

Emitted only for a package whose models are cached with ``cache_sync = "notify"``; its ``Database`` derives from
``SyncedService``. The cache is used only if a message that this process sent to itself has arrived within the last few
seconds, because all earlier messages have then arrived as well. The first such message is sent on another connection:
a pooler in transaction mode only delivers a client's own messages.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from typing_extensions import override

from .cache_service import Caching, CachingService
from .pool import Connection, clock

_log = logging.getLogger(__package__)

TRUSTED = 5.0
"""Seconds for which a received message proves that notifications arrive; the bound on the age of an answer."""
_INTERVAL = 1.5  # seconds between two such messages
_PAUSES = (0.1, 5.0)  # seconds before the next attempt to listen: the first pause, and the longest


class Listener:
    """Listens on its own connection, and is the gate of the caches, which is open while notifications arrive.

    It runs in the event loop that first uses it, and after that loop is closed, in the next one.
    """

    def __init__(
        self,
        caching: Caching,
        connect: Callable[[], Awaitable[Connection]],
    ) -> None:
        self._caching, self._connect = caching, connect
        self._trusted_until, self._hears = 0.0, False
        self._task: asyncio.Task[None] | None = None
        self._abandoned = list[object]()
        self._starting, self._echo, self._own = Lock(), asyncio.Event(), ""

    def is_open(self) -> bool:
        """Whether notifications of other processes arrive; starts to listen if it does not."""
        if clock() < self._trusted_until:
            return True
        self._start()
        return False

    async def hearing(self) -> None:
        """Wait until notifications arrive, at most a few seconds; until then nothing is cached."""
        for _ in range(int(TRUSTED * 100)):
            if self.is_open():
                break
            await asyncio.sleep(0.01)  # an asyncio.Event would belong to one event loop

    async def stop(self) -> None:
        """Stop listening."""
        task, self._task = self._task, None
        if task is not None and task.get_loop() is asyncio.get_running_loop():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def reset(self) -> None:
        """Abandon the connection of the process that this one was forked from."""
        self._abandoned.append(self._task)  # kept forever: finalizing it would end the parent's connection
        self._task, self._trusted_until, self._starting = None, 0.0, Lock()

    def _start(self) -> None:
        with self._starting:
            if self._task is None or self._task.done() or self._task.get_loop().is_closed():
                self._task = asyncio.get_running_loop().create_task(self._listen())

    async def _listen(self) -> None:
        pause = _PAUSES[0]
        while True:
            (outcome,) = await asyncio.gather(self._listen_once(), return_exceptions=True)
            if outcome is not None:  # every error leads to another attempt
                _log.warning("nothing is cached: listening failed (%s%s)", type(outcome).__name__, _reason(outcome))
            pause = _PAUSES[0] if self._hears else min(2 * pause, _PAUSES[1])
            self._hears = False
            await asyncio.sleep(pause)

    async def _listen_once(self) -> None:
        """Listen until the connection is lost."""
        async with asyncio.timeout(TRUSTED):
            connection: Any = await self._connect()
        lost, self._echo, self._own = asyncio.Event(), asyncio.Event(), secrets.token_hex(4)

        def lose(_connection: object) -> None:
            self._distrust()
            lost.set()

        connection.add_termination_listener(lose)
        try:
            async with asyncio.timeout(TRUSTED):
                await connection.add_listener(self._caching.channel, self._hear)
                another = await self._connect()
            begun = clock()
            try:
                await self._echoed(another)
            finally:
                another.drop()
            self._caching.forget()  # entries that were read before listening may be outdated
            while not lost.is_set():
                self._trusted_until, self._hears = begun + TRUSTED, True
                with suppress(TimeoutError):
                    async with asyncio.timeout(_INTERVAL):
                        await lost.wait()
                begun = clock()
                if not lost.is_set():
                    await self._echoed(connection)
        finally:
            self._distrust()
            connection.terminate()

    async def _echoed(self, connection: Connection) -> None:
        """Send a message to this process on a connection, and wait until it arrives."""
        async with asyncio.timeout(TRUSTED):
            self._echo.clear()
            await connection.fetch("SELECT pg_notify($1, $2)", self._caching.channel, json.dumps([self._own]))
            await self._echo.wait()

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: str) -> None:
        """Invalidate the rows that another process wrote."""
        with suppress(ValueError, TypeError, LookupError, AttributeError):  # any program may write to the channel
            sender, *about = json.loads(payload)
            if not about:
                if sender == self._own:
                    self._echo.set()
                return
            name, *rest = about
            cache = self._caching.caches[name]
            if sender == cache.sender:
                return
            tags = None
            if rest and cache.tags_of_message is not None:
                with suppress(ValueError, TypeError, LookupError, AttributeError):
                    tags = cache.tags_of_message(*rest, *([()] if len(rest) == 1 else []))
            cache.drop(tags)

    def _distrust(self) -> None:
        self._trusted_until = 0.0
        self._caching.forget()


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return ": messages do not arrive, as behind a pooler in transaction mode"
    return ""


class SyncedService(CachingService):
    """A PostgreSQL database whose caches are notified of the writes of other processes."""

    if not TYPE_CHECKING:  # type checkers see the constructor of the base

        def __init__(self, *arguments: Any, **settings: Any) -> None:
            super().__init__(*arguments, **settings)
            self._listener = Listener(self.caching, self._connect)
            self.caching.guard(self._listener)

    _listener: Listener

    @override
    async def connect(self) -> Self:
        """Check that the server is reachable and accepts the credentials, and listen for notifications."""
        _ = await super().connect()
        await self._listener.hearing()
        return self

    @override
    async def dispose(self) -> None:
        """Close every connection and clear the caches; the next call opens new connections."""
        await self._listener.stop()
        await super().dispose()

    @override
    def begin_caching(self) -> None:
        """Start with empty caches, and listen when they are first used."""
        super().begin_caching()
        self._listener.reset()
