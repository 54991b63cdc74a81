"""The service that an emitted ``Database`` derives from: the engine's life, sessions and transactions."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Self, TypeVar, cast
from weakref import WeakKeyDictionary

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from .address import address
from .connections import Connections, Isolation
from .errors import UnreachableError, sqlstate

T = TypeVar("T")

_connections: WeakKeyDictionary[DatabaseService, Connections] = WeakKeyDictionary()
_log = logging.getLogger(__package__)
_jitter = random.SystemRandom()
_RETRYABLE = {"40001", "40P01"}  # serialization failure, deadlock


class DatabaseService:
    """A PostgreSQL database; usable at once, ``connect`` only finds out early whether the server is there.

    Parameters
    ----------
    url
        Any ``postgresql://`` address; ``DATABASE_URL`` when omitted.
    pool_size, max_overflow, pool_timeout
        Connections kept, connections more under load, and seconds to wait for one.
    statement_timeout
        Seconds after which the server ends a statement.
    application_name
        What ``pg_stat_activity`` calls us.
    echo
        Log every statement, never its values.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        pool_size: int = 5,
        max_overflow: int = 10,
        pool_timeout: float = 30,
        statement_timeout: float | None = None,
        application_name: str | None = None,
        echo: bool = False,
    ) -> None:
        given = url or os.environ.get("DATABASE_URL")
        if not given:
            raise ValueError("no database: give its URL, or set DATABASE_URL")
        self._address = address(given)
        settings = {"application_name": application_name} if application_name else {}
        if statement_timeout is not None:
            settings["statement_timeout"] = str(round(statement_timeout * 1000))
        options: dict[str, Any] = {
            "pool_size": pool_size,
            "max_overflow": max_overflow,
            "pool_timeout": pool_timeout,
            "echo": echo,
            "hide_parameters": True,
            "connect_args": {**self._address.arguments, "server_settings": settings},
        }
        self._connections = Connections(partial(create_async_engine, self._address.url, **options))
        self._controllers: dict[object, object] = {}
        _connections[self] = self._connections

    @property
    def url(self) -> str:
        """The address, without the password."""
        return self._address.url.render_as_string(hide_password=True)

    @property
    def engine(self) -> AsyncEngine:
        """The engine, for what controllers do not do."""
        return self._connections.engine

    async def connect(self) -> Self:
        """Find out whether the server is there and lets us in."""
        try:
            await self.ping()
        except (OSError, DBAPIError) as error:
            raise UnreachableError(f"can not connect to {self.url}: {error.__class__.__name__}") from error
        _log.info("connected to %s", self.url)
        return self

    async def dispose(self) -> None:
        """Close every connection; the next call opens new ones."""
        await self.engine.dispose()

    async def __aenter__(self) -> Self:
        return await self.connect()

    async def __aexit__(self, *_: object) -> None:
        await self.dispose()

    async def ping(self) -> None:
        """Ask the server for a sign of life."""
        async with self._connections.autocommit.connect() as connection:
            await connection.execute(text("SELECT 1"))

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a session of its own: commit at the end, rollback on error."""
        return self._connections.session()

    def transaction(
        self, *, isolation: Isolation | None = None, read_only: bool = False
    ) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a transaction that controller calls of this task join; inside another one, a savepoint."""
        return self._connections.transaction(isolation, read_only)

    async def run(
        self,
        work: Callable[[AsyncSession], Awaitable[T]],
        *,
        retries: int = 3,
        isolation: Isolation | None = None,
    ) -> T:
        """Do ``work`` in a transaction, again from its start on serialization failures and deadlocks.

        Inside a transaction it joins that one and is not repeated: only the whole can be.
        """
        attempts = 0 if self._connections.ambient() else retries
        for attempt in range(attempts):
            try:
                return await self._once(work, isolation)
            except DBAPIError as error:
                if sqlstate(error) not in _RETRYABLE:
                    raise
                _log.info("transaction repeated after %s", sqlstate(error))
            await asyncio.sleep(_jitter.uniform(0, 0.02 * 2**attempt))
        return await self._once(work, isolation)

    def sandbox(self) -> AbstractAsyncContextManager[None]:
        """For tests: run everything in the block, from any task, on one connection, and roll it back."""
        return self._connections.sandbox()

    async def _once(self, work: Callable[[AsyncSession], Awaitable[T]], isolation: Isolation | None) -> T:
        async with self.transaction(isolation=isolation) as session:
            return await work(session)

    def _controller(self, kind: Callable[[DatabaseService], T]) -> T:
        """Return the one instance of a controller class."""
        if kind not in self._controllers:
            self._controllers[kind] = kind(self)
        return cast("T", self._controllers[kind])


def connections(db: DatabaseService) -> Connections:
    """Return what the controllers of ``db`` run on."""
    return _connections[db]
