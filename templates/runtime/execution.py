"""Runs the statements of one model, and turns their rows into detached objects."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import nullcontext
from itertools import groupby
from operator import methodcaller
from typing import Any, Generic

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.base import ExecutableOption
from sqlmodel import SQLModel

from .contracts import M, T
from .errors import ConflictError, NotStoredError, TransactionError, is_outdated, translated
from .instances import Instances, detach
from .pool import Connection, Rows, noted
from .sessions import new_session
from .sql import Sql
from .table import Table
from .transactions import Transactions

_BATCH = 500  # rows of a stream in memory at a time
_KEYS = 1_000  # keys in one statement of the ORM


class Execution(Generic[M]):
    """Runs the statements of one model: in ``session``, else in the transaction of the current task, else alone."""

    def __init__(self, transactions: Transactions, table: Table[M], session: AsyncSession | None = None) -> None:
        self.transactions, self.table, self.session = transactions, table, session
        self.instances = Instances(table)

    @property
    def around(self) -> AsyncSession | None:
        """The session of the transaction around the call, None if the call is its own transaction."""
        scope = None if self.session else self.transactions.ambient()
        return scope.session if scope else self.session

    async def atomic(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run work in one transaction; outside of another transaction, repeat it once after a migration."""
        if around := self.around:
            connection = await self.transactions.driver(around)
            begun = connection.is_in_transaction() or connection.is_closed()
            async with nullcontext() if begun else connection.transaction():  # a session in autocommit has none
                return await work()
        try:
            async with self.transactions.transaction():
                return await work()
        except ConflictError as error:
            if not is_outdated(error):
                raise
        async with self.transactions.transaction():
            return await work()

    async def rows(self, statement: Sql) -> Rows:
        """Return the rows of a statement as the driver returns them."""
        return await self._send(
            statement, lambda connection: connection.fetch(statement.numbered, *statement.arguments)
        )

    async def affected(self, statement: Sql) -> int:
        """Run a statement and return how many rows it affected."""
        text, arguments = statement.numbered, statement.arguments
        status = await self._send(statement, lambda connection: connection.execute(text, *arguments))
        return int(status.rpartition(" ")[2])

    async def many(self, statements: Iterable[Sql]) -> list[Sequence[Any]]:
        """Run statements of at most one row each in order, all or none, and return the rows.

        Consecutive statements with the same text are sent together in one round trip.
        """
        runs = [list(run) for _, run in groupby(statements, key=lambda statement: statement.text)]

        async def work() -> list[Sequence[Any]]:
            rows: list[Sequence[Any]] = []
            for run in runs:
                send = methodcaller("fetchmany", run[0].numbered, [statement.arguments for statement in run])
                rows += await self._send(run[0], send)
            return rows

        return await (self.atomic(work) if len(runs) > 1 else work())

    async def objects(
        self, statement: Sql, load: Sequence[str] = (), options: Sequence[ExecutableOption] = ()
    ) -> list[M]:
        """Return the objects of a statement, with these relationships."""

        async def work() -> list[M]:
            return await self.objects_of(await self.rows(statement), load, options)

        return await (self.atomic(work) if self.table.facts.by_orm else work())

    async def stored(self, statement: Sql) -> M:
        """Return the object of the row that a statement writes.

        Raises
        ------
        NotStoredError
            If a trigger skipped it.
        """
        for stored in await self.objects(statement):
            return stored
        raise NotStoredError.of(f"{self.table.model.__name__}: a trigger skipped the row", model=self.table.model)

    async def objects_of(
        self, rows: Rows, load: Sequence[str] = (), options: Sequence[ExecutableOption] = ()
    ) -> list[M]:
        """Return the objects of rows that begin with the select list, or with the primary key if there are options."""
        if options or self.table.facts.by_orm:
            objects = await self.by_orm(self.keys_of(rows), options)
        else:
            objects = self.instances.of(rows)
        return await self.loaded(objects, load)

    async def loaded(self, objects: list[M], load: Sequence[str]) -> list[M]:
        """Load these relationships of objects, and return the objects; each related row is one object."""
        seen: dict[Any, SQLModel] | None = (
            {orm.attributes.instance_state(item).key: item for item in objects} if len(load) > 1 else None
        )
        for name in load:
            await self.table.facts.relations[name](self, name, objects, seen)
        return objects

    def keys_of(self, rows: Rows) -> list[tuple[Any, ...]]:
        """Return the primary keys that rows begin with."""
        parts = [(number, part.result) for number, part in enumerate(self.table.primary_key)]
        return [tuple([result(row[n]) if result else row[n] for n, result in parts]) for row in rows]

    async def by_orm(self, keys: Sequence[tuple[Any, ...]], options: Iterable[ExecutableOption] = ()) -> list[M]:
        """Return the objects with these keys, in the order of the keys, read by the ORM."""
        mapper = self.table.mapper
        statement = sa.select(self.table.model).options(orm.lazyload("*"), *options)

        def work(outer: orm.Session) -> dict[tuple[Any, ...], M]:
            objects: dict[tuple[Any, ...], M] = {}
            outer.flush()
            for begin in range(0, len(keys), _KEYS):
                batch = [list(key) for key in keys[begin : begin + _KEYS]]
                has_key = sa.tuple_(*mapper.primary_key).in_(batch)
                with orm.Session(outer.connection(), join_transaction_mode="rollback_only") as session:
                    for item in session.scalars(statement.where(has_key)).unique():
                        objects[tuple(mapper.primary_key_from_instance(item))] = item
                    detach(session)
            return objects

        if not keys:
            return []
        with translated(self.table.model):
            around = self.around  # otherwise a session that commits nothing, because it only reads
            async with nullcontext(around) if around else new_session(self.transactions.engine) as session:
                by_key = await session.run_sync(work)
        return [by_key[key] for key in keys if key in by_key]

    async def stream(
        self, statement: Sql, load: Sequence[str], options: Sequence[ExecutableOption]
    ) -> AsyncGenerator[M, None]:
        """Yield the objects of a statement, with at most one batch of rows in memory."""
        # No other async generator may be used in here, not even as a context manager: when a stream is abandoned, the
        # event loop closes all of its generators at the same time.
        around = self.around
        session = around or new_session(self.transactions.engine)
        try:
            try:
                connection, cursor = await self._opened(session, statement)
            except ConflictError as error:  # nothing has been yielded yet
                if around or not is_outdated(error):
                    raise
                await session.close()
                session = new_session(self.transactions.engine)
                connection, cursor = await self._opened(session, statement)
            within = type(self)(self.transactions, self.table, session)
            rows: Rows = ((),)
            while rows:
                with translated(self.table.model, statement.names):
                    if await self.transactions.driver(session) is not connection:  # other calls may use it by now
                        raise TransactionError("the transaction of this stream is over: read it to its end inside")
                    rows = await noted(connection, cursor.fetch(_BATCH))
                for item in await within.objects_of(rows, load, options):
                    yield item
        finally:
            if around is None:
                with translated(self.table.model):
                    await session.close()

    async def _opened(self, session: AsyncSession, statement: Sql) -> tuple[Connection, Any]:
        """Return the connection of a session, and a cursor over the rows of a statement on it."""
        with translated(self.table.model, statement.names):
            connection = await self.transactions.driver(session)
            return connection, await noted(connection, connection.cursor(statement.numbered, *statement.arguments))

    async def _send(self, statement: Sql, work: Callable[[Connection], Awaitable[T]]) -> T:
        if watcher := self.transactions.watcher:
            watcher(statement.numbered, statement.arguments)
        with translated(self.table.model, statement.names):
            return await self.transactions.send(self.session, work, statement.text)
