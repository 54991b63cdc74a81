"""The base class of the emitted ``Database``: its address and settings, its sessions and transactions."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import random
import re
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, TypeVar, cast
from urllib.parse import parse_qsl, quote, urlencode

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import override

from .contracts import ReplicaStatus
from .errors import TransactionError, UnreachableError, is_conflict, translated
from .mistakes import suggestion
from .pool import Connection, Pool, Pools, Source
from .sessions import Adapter, Callback, statement_log, time_statements
from .sql import DIALECT
from .transactions import Isolation, Transactions

T = TypeVar("T")

_log = logging.getLogger(__package__)
_asyncpg: Any = import_module("asyncpg")  # asyncpg has no types
_FAILURES = (_asyncpg.PostgresError, _asyncpg.InterfaceError, _asyncpg.InternalClientError)
_PACKAGE = __name__.rpartition(".runtime.")[0]  # the emitted package, to which the controllers' modules are relative
_URL = re.compile(r"postgres(?:ql)?(?:\+\w+)?://(?:([^/?#]*)(@))?([^/?#@]*)([^?#]*)\??([^#]*)(.*)")
"""The user, the ``@`` behind it, the hosts, the path, the options, and what cannot be part of a URL."""


class Server(NamedTuple):
    """A server as asyncpg reads its URL, the URL without passwords, and the arguments of ``asyncpg.connect``."""

    address: str
    url: str
    arguments: Mapping[str, Any]


class DatabaseService:
    """A PostgreSQL database. It is usable at once: ``connect`` only checks early that the server is reachable.

    Parameters
    ----------
    url
        Any ``postgresql://`` URL; by default the environment variable ``DATABASE_URL``.
    pool_size, max_overflow, pool_timeout
        Connections kept open, further connections under load, and seconds to wait for a free one.
    pool_recycle
        Seconds after which a connection is replaced.
    reset
        Reset the state of a connection (SET, advisory locks, LISTEN) that returns to the pool: a round trip per call.
    command_timeout
        Seconds after which a call fails, even if the server is no longer reachable.
    statement_timeout
        Seconds after which the server cancels a statement.
    application_name
        The name of this application in ``pg_stat_activity``.
    slow_call
        Seconds after which a statement is logged as slow, without its values.
    echo
        Log every statement, without its values.
    replicas
        URLs of streaming standbys, which answer reads outside of transactions.
    max_staleness
        Seconds by which a replica may lag, and for which a task reads from the primary after a write.
    connect_args
        Further arguments of ``asyncpg.connect``.
    """

    _controllers: ClassVar[Mapping[str, str]] = {}
    _driver: ClassVar[type[Connection]] = Connection

    def __init__(
        self,
        url: str | None = None,
        *,
        pool_size: int = 5,
        max_overflow: int = 10,
        pool_timeout: float = 30,
        pool_recycle: float = math.inf,
        reset: bool = False,
        command_timeout: float | None = None,
        statement_timeout: float | None = None,
        application_name: str | None = None,
        slow_call: float | None = None,
        echo: bool = False,
        replicas: Sequence[str] = (),
        max_staleness: float = 5,
        connect_args: dict[str, Any] | None = None,
    ) -> None:
        settings = {"application_name": application_name} if application_name else {}
        if statement_timeout is not None:
            settings["statement_timeout"] = str(math.ceil(statement_timeout * 1000))
        further: dict[str, Any] = {"command_timeout": command_timeout, **(connect_args or {})}
        further["server_settings"] = {**settings, **further.get("server_settings", {})}
        self._server = server_at(os.environ.get("DATABASE_URL", "") if url is None else url, further)
        self._pool_size, self._log = pool_size, statement_log(slow_call, echo=echo)
        limits: dict[str, Any] = {"size": pool_size, "max_size": pool_size + max_overflow, "timeout": pool_timeout}
        limits |= {"recycle": pool_recycle, "reset": reset}
        if replicas:
            from .replicas import ReplicatedTransactions  # most databases have none

            server_of = partial(server_at, further=further)
            self.transactions: Transactions = ReplicatedTransactions(
                self._connect, replicas, server_of, max_staleness, limits
            )
        else:
            self.transactions = Transactions(Pools(partial(Pool, self._connect, **limits)))
        """The transactions of this database, in which the calls of controllers run."""
        if self._log:
            time_statements(self.transactions.engine, self._log)

    @property
    def url(self) -> str:
        """The URL of the database, without passwords."""
        return self._server.url

    @property
    def engine(self) -> AsyncEngine:
        """A SQLAlchemy engine on the same connections, for whatever the controllers do not offer."""
        return self.transactions.engine

    @property
    def models(self) -> list[type[SQLModel]]:
        """The models of all controllers. Reading this imports them, so that their tables are in the metadata."""
        return [getattr(self, name).model for name in self._controllers]

    @property
    def pool(self) -> Source:
        """The source of connections."""
        return self.transactions.source or self.transactions.pools.current

    def borrow_from(self, source: Source | None) -> None:
        """For tests: take every connection from ``source`` instead of the pool, until None is passed."""
        self.transactions.source = source

    @contextmanager
    def watched(self, callback: Callable[[str, Sequence[Any]], None]) -> Generator[None]:
        """For tests: call ``callback`` with the text and the arguments of each statement that a controller sends."""
        before, self.transactions.watcher = self.transactions.watcher, callback
        try:
            yield
        finally:
            self.transactions.watcher = before

    async def connect(self) -> Self:
        """Check that the server is reachable and accepts the credentials, and look for the replicas."""
        await self.ping()
        await self.transactions.ready()
        _log.info("connected to %s", self.url)
        return self

    async def dispose(self) -> None:
        """Close every connection, waiting a second for those still in use; the next call opens new ones."""
        await self.transactions.pools.dispose()

    async def __aenter__(self) -> Self:
        return await self.connect()

    async def __aexit__(self, *_: object) -> None:
        await self.dispose()

    async def ping(self) -> None:
        """Check that the server answers."""
        with translated(None):
            await self.transactions.send(None, lambda connection: connection.execute("SELECT 1"))

    def primary(self) -> AbstractContextManager[None]:
        """Read from the primary inside this block, which also holds for the tasks that are started inside."""
        return self.transactions.primary()

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a session, which commits at the end of the block and rolls back on an error."""
        return self.transactions.session()

    def transaction(
        self, *, isolation: Isolation | None = None, read_only: bool = False
    ) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a transaction that the controller calls of this task join; inside another transaction, a savepoint."""
        return self.transactions.transaction(isolation, read_only=read_only)

    def after_commit(self, callback: Callback) -> None:
        """Run ``callback`` after the outermost transaction around this call commits, never after a rollback.

        Outside of a transaction it runs at once. An awaitable result is awaited; an exception is logged, because the
        transaction has been committed by then.
        """
        self.transactions.after_commit(callback)

    async def run(
        self, work: Callable[[AsyncSession], Awaitable[T]], *, retries: int = 3, isolation: Isolation | None = None
    ) -> T:
        """Run ``work`` in a transaction, and repeat it after a serialization failure, a deadlock or a migration.

        Inside another transaction ``work`` joins it and is not repeated: only an outermost transaction can be.
        """
        if retries < 0:
            raise ValueError("retries must not be negative")
        scope = self.transactions.scope()
        attempts = 0 if scope and scope.task is asyncio.current_task() else retries
        for attempt in range(attempts + 1):
            try:
                async with self.transaction(isolation=isolation) as session:
                    return await work(session)
            except Exception as error:
                if not is_conflict(error) or attempt == attempts:
                    raise
                _log.info("a transaction is repeated: %s", type(error).__name__)
            await asyncio.sleep(random.SystemRandom().uniform(0, 0.02 * 2**attempt))
        raise AssertionError

    def pool_status(self) -> dict[str, int]:
        """Return how many connections are idle, in use, and beyond the pool's size."""
        pool = self.transactions.pools.current
        idle, used = len(pool.idle), len(pool.used)
        return {"idle": idle, "in_use": used, "overflow": max(0, idle + used - self._pool_size)}

    def replica_status(self) -> list[ReplicaStatus]:
        """Return for each replica whether reads may go to it, or why not, and its connections."""
        return self.transactions.replica_status()

    async def _connect(self, server: Server | None = None) -> Connection:
        """Open a connection with the codecs of SQLAlchemy's dialect, to the primary or to a replica."""
        address, url, arguments = server or self._server
        try:
            connection: Any = await _asyncpg.connect(address, connection_class=self._driver, **arguments)
        except (OSError, KeyError, *_FAILURES) as error:  # KeyError: the user of the system has no name, either
            reason = "it names no user" if isinstance(error, KeyError) else str(error) or type(error).__name__
            raise UnreachableError(f"cannot connect to {url}: {reason}") from error
        try:
            cache_size = int(arguments["statement_cache_size"])
            options: dict[str, Any] = {"prepared_statement_cache_size": cache_size}
            options |= {} if cache_size else {"prepared_statement_name_func": str}
            connection.prepare_for_use(partial(Adapter, DIALECT.dbapi, **options))
            await DIALECT.setup_asyncpg_json_codec(connection.adapter)
            await DIALECT.setup_asyncpg_jsonb_codec(connection.adapter)
            await self.transactions.initialize_dialect(connection)
            if self._log:
                connection.add_query_logger(self._log_query)
        except BaseException:
            connection.terminate()
            raise
        return cast("Connection", connection)

    def _log_query(self, query: Any) -> None:
        if self._log:
            self._log(query.query, query.elapsed)

    if not TYPE_CHECKING:  # `Database` declares its controllers

        def __getattr__(self, name: str) -> object:
            """Import the controller of this name when it is first used, and keep it."""
            if name == "transactions":
                raise TransactionError(f"{type(self).__name__} is not ready: call super().__init__() in its __init__")
            if name.startswith("_") or (path := self._controllers.get(name)) is None:
                hint = suggestion(name, self._controllers)
                raise AttributeError(f"{type(self).__name__} has no controller {name!r}{hint}")
            _ = self.transactions  # raises an error if __init__ was not called
            module, _, controller = path.partition(":")
            self.__dict__[name] = getattr(import_module(module, _PACKAGE), controller)(self)
            return self.__dict__[name]

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"


def server_at(url: str, further: Mapping[str, Any]) -> Server:
    """Return the server at a URL, which is connected to with ``further`` arguments.

    Raises
    ------
    ValueError
        If this is not the URL of a PostgreSQL database, or has an option that is not supported.
    """
    if not url:
        raise ValueError("no database URL: pass one, or set DATABASE_URL")
    if not (match := _URL.fullmatch(url.strip())):
        raise ValueError("the database URL does not begin with postgresql://, as in postgresql://user@host/name")
    user, at, hosts, path, options, fragment = match.groups("")
    if fragment or "@" in user + path + options:
        raise ValueError("percent-encode each / ? # and @ in the user and the password of the database URL")
    query = dict(parse_qsl(options, keep_blank_values=True))
    ports = [host.rpartition("]")[2].partition(":")[2] for host in hosts.split(",")] + query.get("port", "").split(",")
    if not all(port.isdecimal() and 0 < int(port) < 65536 for port in ports if port):
        raise ValueError("each host of the database URL is name:port or [IPv6]:port, with a port from 1 to 65535")
    for name in ("channel_binding", "gssencmode"):
        if (value := query.pop(name, "prefer")) not in {"disable", "prefer"}:
            raise ValueError(f"asyncpg does not support {name}={value}: remove it from the database URL")
    for name, replacement in (("schema", "search_path=..."), ("pgbouncer", "prepared_statement_cache_size=0")):
        if name in query:
            raise ValueError(f"PostgreSQL has no option {name}: write {replacement} in the database URL instead")
    for name in ("connect_timeout", "prepared_statement_cache_size"):
        if not query.get(name, "0").isdecimal():
            raise ValueError(f"{name} in the database URL takes a whole number")
    arguments: dict[str, Any] = {"timeout": float(query.pop("connect_timeout", 60)) or None}  # 0 waits forever
    arguments["statement_cache_size"] = int(query.pop("prepared_statement_cache_size", 100))  # 0 behind PgBouncer
    arguments |= {"ssl": query.pop("ssl")} if "ssl" in query else {}
    public = {name: value for name, value in query.items() if name not in {"password", "sslpassword"}}
    address = quote(user, safe="%:") + at + quote(hosts, safe="%:,[]")  # urllib refuses some other characters
    shown = re.sub(":.*", ":***", user) + at + hosts
    return Server(_url(address, path, query), _url(shown, path, public), {**arguments, **further})


def _url(netloc: str, path: str, query: Mapping[str, str]) -> str:
    return f"postgresql://{netloc}{path}{'?' if query else ''}{urlencode(query, safe='/')}"
