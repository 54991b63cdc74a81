"""The service that an emitted ``Database`` derives from: the engine's life, sessions and transactions."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from typing import Any, Self, TypeVar, cast
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from .connections import Connections, Isolation, failure_of
from .driver import Connecting, ReadyPool
from .errors import CONFLICTS, TransactionError, sqlstate, translated

T = TypeVar("T")

_log = logging.getLogger(__package__)
_connections: WeakKeyDictionary[DatabaseService, Connections] = WeakKeyDictionary()
_OF_SQLALCHEMY = {"ssl", "prepared_statement_cache_size"}  # what its dialect takes from an address
_IGNORED = {"channel_binding", "gssencmode", "pgbouncer", "schema"}  # of libpq and other tools


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
    slow_call
        Seconds after which a call is logged as slow, with its model and never its values.
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
        slow_call: float | None = None,
        echo: bool = False,
    ) -> None:
        address = url or os.environ.get("DATABASE_URL") or ""
        engine_url, arguments = _address(address)
        settings = {"application_name": application_name} if application_name else {}
        if statement_timeout is not None:
            settings["statement_timeout"] = str(math.ceil(statement_timeout * 1000))
        self._shown = _shown(sa.make_url(address))
        arguments |= {"server_settings": settings, "async_creator_fn": partial(Connecting, self._shown)}
        pool: dict[str, Any] = {"pool_size": pool_size, "max_overflow": max_overflow, "pool_timeout": pool_timeout}
        pool |= {"poolclass": ReadyPool, "pool_use_lifo": True}  # the one that was used last is the warmest
        make = partial(create_async_engine, engine_url, echo=echo, hide_parameters=True, connect_args=arguments, **pool)
        self._connections = Connections(make, slow_call)
        self._controllers: dict[object, object] = {}
        _connections[self] = self._connections

    @property
    def url(self) -> str:
        """The address, without the password."""
        return self._shown

    @property
    def engine(self) -> AsyncEngine:
        """The engine, for what controllers do not do."""
        return self._connections.engine

    async def connect(self) -> Self:
        """Find out whether the server is there and lets us in."""
        await self.ping()
        _log.info("connected to %s", self.url)
        return self

    async def dispose(self) -> None:
        """Close every connection, waiting a second for those still in use; the next call opens new ones."""
        for _ in range(100):  # a stream that was left half-way gives its connection back a moment later
            if not self.pool_status()["in_use"]:
                break
            await asyncio.sleep(0.01)
        await self.engine.dispose()

    async def __aenter__(self) -> Self:
        return await self.connect()

    async def __aexit__(self, *_: object) -> None:
        await self.dispose()

    async def ping(self) -> None:
        """Ask the server for a sign of life."""
        with translated(None):
            await self._connections.call(None, lambda connection: connection.scalar(sa.text("SELECT 1")), atomic=False)

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a session of its own: commit at the end, rollback on error."""
        return self._connections.session()

    def transaction(
        self, *, isolation: Isolation | None = None, read_only: bool = False
    ) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a transaction that controller calls of this task join; inside another one, a savepoint."""
        return self._connections.transaction(isolation, read_only)

    async def run(
        self, work: Callable[[AsyncSession], Awaitable[T]], *, retries: int = 3, isolation: Isolation | None = None
    ) -> T:
        """Do ``work`` in a transaction, again from its start on serialization failures and deadlocks.

        Inside a transaction it joins that one and is not repeated: only the whole can be.
        """
        if retries < 0:
            raise ValueError("retries must not be negative")
        attempts = 0 if self._connections.ambient() else retries
        for attempt in range(attempts + 1):
            state = ""
            try:
                async with self.transaction(isolation=isolation) as session:
                    try:
                        return await work(session)
                    finally:
                        with suppress(SQLAlchemyError):  # of a session that is beyond being asked
                            state = await failure_of(session)  # which the work may have caught
            except (DBAPIError, TransactionError) as error:
                state = sqlstate(error) or state
                if state not in CONFLICTS or attempt == attempts:
                    raise
                _log.info("transaction repeated after %s", state)
            await asyncio.sleep(random.SystemRandom().uniform(0, 0.02 * 2**attempt))
        raise AssertionError

    def pool_status(self) -> dict[str, int]:
        """Return how many connections are idle, in use, and beyond the pool's size."""
        pool = self._connections.pool
        return {"idle": pool.checkedin(), "in_use": pool.checkedout(), "overflow": max(0, pool.overflow())}

    def sandbox(self) -> AbstractAsyncContextManager[None]:
        """For tests: run everything in the block, from any task, on one connection, and roll it back."""
        return self._connections.sandbox()

    def _controller(self, kind: Callable[[DatabaseService], T]) -> T:
        """Return the one instance of a controller class."""
        if kind not in self._controllers:
            self._controllers[kind] = kind(self)
        return cast("T", self._controllers[kind])


def connections(db: DatabaseService) -> Connections:
    """Return what the controllers of ``db`` run on."""
    return _connections[db]


def _address(given: str) -> tuple[sa.URL, dict[str, Any]]:
    """Return the address of a PostgreSQL for SQLAlchemy, and what does not fit in it for asyncpg.

    What libpq knows (``host=/socket/folder``, ``sslmode``, ``sslrootcert``, ``application_name`` ...) goes to asyncpg
    as an address of its own, because only that way does it read them.
    """
    if not given:
        raise ValueError("no database: give its URL, or set DATABASE_URL")
    try:
        url = sa.make_url(given)
    except (ArgumentError, ValueError):
        raise ValueError("the database's URL can not be read; it has the form postgresql://user@host/name") from None
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise ValueError(f"not the address of a PostgreSQL: {_shown(url)}")
    query = {name: value for name, value in url.query.items() if name not in _IGNORED}
    libpq = {name: query[name] for name in query.keys() - _OF_SQLALCHEMY}
    arguments: dict[str, Any] = {"timeout": float(str(libpq.pop("connect_timeout", 60))) or None}  # 0 waits for ever
    if libpq:
        arguments["dsn"] = url.set(drivername="postgresql", query=libpq).render_as_string(hide_password=False)
    kept = {name: query[name] for name in query.keys() & _OF_SQLALCHEMY}
    if kept.get("prepared_statement_cache_size") == "0":  # a pooler: no statement is to have a name that may be taken
        arguments |= {"statement_cache_size": 0, "prepared_statement_name_func": str}
    return url.set(drivername="postgresql+asyncpg", query=kept), arguments


def _shown(url: sa.URL) -> str:
    """Return an address as it may be seen: without passwords, be they in their place or in the query."""
    return url.difference_update_query(["password", "sslpassword"]).render_as_string(hide_password=True)
