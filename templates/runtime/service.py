"""The service that an emitted ``Database`` derives from: the address, the settings, sessions and transactions."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import random
import re
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import override

from .errors import TransactionError, UnreachableError, is_conflict, translated
from .pool import Connection, Pool, Pools, Source
from .sessions import Adapter, Callback
from .sql import DIALECT
from .table import suggestion
from .transactions import Isolation, Transactions
from .versions import warn_beyond

T = TypeVar("T")

_log = logging.getLogger(__package__)
_asyncpg: Any = import_module("asyncpg")  # which has no types
_PACKAGE = __name__.rpartition(".runtime.")[0]  # the emitted one, to which modules of controllers are relative
_OPTIONAL = {"channel_binding": {"disable", "prefer"}, "gssencmode": {"disable", "prefer"}}
"""What asyncpg does not do, with the values that do not insist on it."""

warn_beyond(SQLAlchemy=sqlalchemy.__version__, asyncpg=str(_asyncpg.__version__))


class DatabaseService:
    """A PostgreSQL database; usable at once, ``connect`` only finds out early whether the server is there.

    Parameters
    ----------
    url
        Any ``postgresql://`` address; ``DATABASE_URL`` when omitted.
    pool_size, max_overflow, pool_timeout
        Connections kept, connections more under load, and seconds to wait for one.
    pool_recycle
        Seconds after which a connection is replaced.
    reset
        Clear the state of each connection that is given back (SET, advisory locks, LISTEN), at a round trip a call.
    command_timeout
        Seconds after which a call ends, whether or not the server can still be reached.
    statement_timeout
        Seconds after which the server ends a statement.
    application_name
        What ``pg_stat_activity`` calls us.
    slow_call
        Seconds after which a statement is logged as slow, never with its values.
    echo
        Log every statement, never its values.
    connect_args
        What else ``asyncpg.connect`` takes.
    """

    _controllers: ClassVar[Mapping[str, str]] = {}

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
        connect_args: dict[str, Any] | None = None,
    ) -> None:
        self._address, self._shown, arguments = _address(os.environ.get("DATABASE_URL", "") if url is None else url)
        settings = {"application_name": application_name} if application_name else {}
        if statement_timeout is not None:
            settings["statement_timeout"] = str(math.ceil(statement_timeout * 1000))
        given = dict(connect_args or {})
        given["server_settings"] = {**settings, **given.get("server_settings", {})}
        self._arguments: dict[str, Any] = {"command_timeout": command_timeout, **arguments, **given}
        self._size, self._slow, self._echo = pool_size, slow_call, echo
        most = pool_size + max_overflow
        pool = partial(Pool, self._connected, pool_size, most, pool_timeout, pool_recycle, reset=reset)
        self._transactions = Transactions(Pools(pool), echo=echo)

    @property
    def url(self) -> str:
        """The address, without passwords."""
        return self._shown

    @property
    def engine(self) -> AsyncEngine:
        """SQLAlchemy's engine over the same connections, for what controllers do not do."""
        return self.transactions.engine

    @property
    def models(self) -> list[type[SQLModel]]:
        """The models of all controllers, which are imported now: their tables are in the metadata after this."""
        return [getattr(self, name).model for name in self._controllers]

    @property
    def transactions(self) -> Transactions:
        """What the calls of controllers run on."""
        try:
            return self._transactions
        except AttributeError:
            name = type(self).__name__
            raise TransactionError(f"{name} is not ready: call super().__init__() in its __init__") from None

    @property
    def pool(self) -> Source:
        """Where connections come from."""
        return self.transactions.source or self.transactions.pools.current

    def borrow_from(self, source: Source | None) -> None:
        """For tests: take every connection from there; None ends it."""
        self.transactions.source = source

    @contextmanager
    def watched(self, callback: Callable[[str, Sequence[Any]], None]) -> Generator[None]:
        """For tests: call back with the text and the arguments of each statement that a controller sends."""
        before, self.transactions.watcher = self.transactions.watcher, callback
        try:
            yield
        finally:
            self.transactions.watcher = before

    async def connect(self) -> Self:
        """Find out whether the server is there and lets us in."""
        await self.ping()
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

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a session of its own: commit at the end, roll back on error."""
        return self.transactions.session()

    def transaction(
        self, *, isolation: Isolation | None = None, read_only: bool = False
    ) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a transaction that controller calls of this task join; inside another one, a savepoint."""
        return self.transactions.transaction(isolation, read_only=read_only)

    def after_commit(self, callback: Callback) -> None:
        """Call back once the outermost transaction around this call is stored, never after a rollback.

        Outside of a transaction it is called at once. What it returns is awaited if it can be; what it raises is
        logged, because the transaction is stored by then.
        """
        self.transactions.after_commit(callback)

    async def run(
        self, work: Callable[[AsyncSession], Awaitable[T]], *, retries: int = 3, isolation: Isolation | None = None
    ) -> T:
        """Do ``work`` in a transaction, again from its start on serialization failures, deadlocks and migrations.

        Inside a transaction it joins that one and is not repeated: only the whole can be.
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
        return {"idle": idle, "in_use": used, "overflow": max(0, idle + used - self._size)}

    async def _connected(self) -> Connection:
        """Open a connection as SQLAlchemy's dialect does, with its codecs."""
        try:
            connection: Any = await _asyncpg.connect(self._address, connection_class=Connection, **self._arguments)
        except (OSError, _asyncpg.PostgresError, _asyncpg.InterfaceError, _asyncpg.InternalClientError) as error:
            reason = str(error) or type(error).__name__
            raise UnreachableError(f"cannot connect to {self._shown}: {reason}") from error
        try:
            cached = int(self._arguments.get("statement_cache_size", 100))
            names: dict[str, Any] = {} if cached else {"prepared_statement_name_func": str}
            connection.prepare_for_use(partial(Adapter, DIALECT.dbapi, prepared_statement_cache_size=cached, **names))
            await DIALECT.setup_asyncpg_json_codec(connection.adapter)
            await DIALECT.setup_asyncpg_jsonb_codec(connection.adapter)
            await self.transactions.introduce(connection)
            if self._echo or self._slow is not None:
                connection.add_query_logger(self._log_query)
        except BaseException:
            connection.terminate()
            raise
        return cast("Connection", connection)

    def _log_query(self, query: Any) -> None:
        text = re.sub(r"E'(?:[^'\\]|\\.|'')*'", "'...'", query.query)  # a cursor's value, where no parameter will do
        if self._echo:
            _log.info("%s", text)
        if self._slow is not None and query.elapsed >= self._slow:
            _log.warning("a statement took %.3f s: %s", query.elapsed, text)

    if not TYPE_CHECKING:  # to which the facade declares its controllers

        def __getattr__(self, name: str) -> object:
            """Import the controller of this name when it is first used, and keep it."""
            if name.startswith("_") or (path := self._controllers.get(name)) is None:
                likely = suggestion(name, self._controllers)
                raise AttributeError(f"{type(self).__name__} has no controller {name!r}{likely}")
            _ = self.transactions  # or what is missing
            module, _, controller = path.partition(":")
            self.__dict__[name] = getattr(import_module(module, _PACKAGE), controller)(self)
            return self.__dict__[name]

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._shown}>"


def _address(given: str) -> tuple[str, str, dict[str, Any]]:
    """Return the address as asyncpg reads it, as it may be shown, and what does not fit in it.

    Raises
    ------
    ValueError
        If it is not the address of a PostgreSQL, or asks for what neither we nor asyncpg do.
    """
    if not given:
        raise ValueError("no database: give its URL, or set DATABASE_URL")
    parts = urlsplit(given)
    scheme = parts.scheme.partition("+")[0]
    if "@" in parts.path + parts.query + parts.fragment or parts.fragment:
        raise ValueError("the database's URL has a / ? # or @ that belongs to its user or password: percent-encode it")
    if scheme not in {"postgresql", "postgres"}:
        raise ValueError(f"this is not the URL of a PostgreSQL database, postgresql://user@host/name: {scheme}://...")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name, accepted in _OPTIONAL.items():
        if (value := query.pop(name, "prefer")) not in accepted:
            raise ValueError(f"{name}={value} cannot be had with asyncpg: take it out of the database's URL")
    if refused := query.keys() & {"schema", "pgbouncer"}:
        advice = "search_path=... for schema, prepared_statement_cache_size=0 for pgbouncer"
        raise ValueError(
            f"{', '.join(sorted(refused))} in the database's URL means nothing to PostgreSQL; give {advice}"
        )
    for name in ("connect_timeout", "prepared_statement_cache_size"):
        if not query.get(name, "0").isdecimal():
            raise ValueError(f"{name} in the database's URL takes a whole number")
    arguments: dict[str, Any] = {"timeout": float(query.pop("connect_timeout", 60)) or None}  # 0 waits for ever
    if "ssl" in query:
        arguments["ssl"] = query.pop("ssl")
    if (size := query.pop("prepared_statement_cache_size", None)) is not None:  # 0 behind a pooler
        arguments["statement_cache_size"] = int(size)
    address = urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(query), ""))
    user, at, host = parts.netloc.rpartition("@")
    hidden = {name: value for name, value in query.items() if name not in {"password", "sslpassword"}}
    netloc = re.sub(":.*", ":***", user) + at + host
    return address, urlunsplit(("postgresql", netloc, parts.path, urlencode(hidden, safe="/"), "")), arguments
