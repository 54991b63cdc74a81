"""``Selection``: the rows a finder stands for, until something is done with them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, Self, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.exc import MultipleResultsFound
from sqlalchemy.sql.base import ExecutableOption
from sqlmodel import SQLModel

from .arguments import Page
from .arrays import python_type
from .driver import Rows
from .entity import Entity, is_sql
from .errors import NotFoundError, TransactionError
from .execution import Execution
from .filters import Where, refuse_others
from .keyset import Order
from .statements import change_of, update_rows
from .validation import Validation

M = TypeVar("M", bound=SQLModel)
L = TypeVar("L", bound=str)
N = TypeVar("N")


@dataclass(frozen=True, eq=False, repr=False)
class Selection(Generic[M, L]):
    """Rows that match, lazily: ``await`` gives the list, ``async for`` one after the other in bounded memory.

    Every refinement returns a new selection. Without ``order_by`` the order is the primary key's.
    """

    _execution: Execution[M]
    _validation: Validation
    _where: Where
    _order: tuple[sa.SQLColumnExpression[object], ...] = ()
    _limit: int | None = None
    _offset: int | None = None
    _options: tuple[ExecutableOption, ...] = ()
    _relations: tuple[str, ...] = ()
    _lock: Literal["wait", "skip"] | None = None

    def order_by(self, *clauses: sa.SQLColumnExpression[object]) -> Self:
        """Order by these, in place of any order before."""
        for clause in clauses:
            if not is_sql(clause):
                raise TypeError(f"an order is a column or expression such as c.points.desc(), not {clause!r}")
            refuse_others(self._entity, clause)
        return replace(self, _order=clauses)

    def limit(self, limit: int | None) -> Self:
        """Take at most this many rows."""
        _check_count("limit", limit)
        return replace(self, _limit=limit)

    def offset(self, offset: int | None) -> Self:
        """Leave out this many rows at the start."""
        _check_count("offset", offset)
        return replace(self, _offset=offset)

    def load(self, *names: L) -> Self:
        """Load these relationships too, each with one more statement."""
        return replace(self, _relations=(*self._relations, *self._entity.relations(names)))

    def options(self, *options: ExecutableOption) -> Self:
        """Add SQLAlchemy's own loader options."""
        return replace(self, _options=(*self._options, *options))

    def for_update(self, *, skip_locked: bool = False) -> Self:
        """Lock the rows until the end of the transaction; wait for those that others have locked, or skip them."""
        return replace(self, _lock="skip" if skip_locked else "wait")

    def in_total_order(self) -> Self:
        """Break ties of the order by the primary key, so that what comes first is certain."""
        return self.order_by(*self._total_order().clauses)

    def __await__(self) -> Generator[Any, None, list[M]]:
        return self._all().__await__()

    def __aiter__(self) -> AsyncGenerator[M, None]:
        if not self._execution.streams:
            return self._one_by_one()
        return self._execution.stream(self._statement(), self._values, self._relations, by_orm=self._by_orm)

    def __bool__(self) -> bool:
        raise TypeError("a selection is no answer yet: await it, or ask it with exists() or count()")

    async def first(self) -> M | None:
        """Return the first row, or None."""
        return await self._first(1)

    async def one(self) -> M:
        """Return the only row; none is a NotFoundError, several are SQLAlchemy's MultipleResultsFound."""
        if (found := await self.one_or_none()) is None:
            raise NotFoundError(self._entity.model)
        return found

    async def one_or_none(self) -> M | None:
        """Return the only row, or None; several are SQLAlchemy's MultipleResultsFound."""
        return await self._first(2)

    async def page(self, size: int = 50, after: str | None = None) -> Page[M]:
        """Return the rows that follow a cursor, or the first; every page costs the same."""
        self._refuse_limits("page")
        if size < 1:
            raise ValueError("a page has at least one row")
        order, values = self._total_order(), {**self._where.values, "limit__": size + 1}
        texts = None if after is None else order.position_of(after)
        if texts is not None:
            values |= order.values(texts)
        nulls = None if texts is None else tuple([text is None for text in texts])
        keep = self._where.shape and order.shape and not (self._by_orm or self._lock)
        statement = self._entity.prepared(
            ("page", self._where.shape, order.shape, nulls) if keep else None,
            lambda: self._paged(order, texts),
        )
        rows, hydrator = await self._rows(statement, values), self._entity.hydrator
        items = [row[0] for row in rows[:size]] if self._by_orm else hydrator.of_rows(rows[:size])
        if self._relations:
            await self._execution.run(lambda connection: self._execution.load_into(connection, items, self._relations))
        width = 1 if self._by_orm else len(hydrator.columns)
        return Page(items, order.cursor(rows[size - 1][width:]) if len(rows) > size else None)

    async def count(self) -> int:
        """Return how many rows there are."""
        return cast("int", await self._aggregate("count", sa.func.count()))

    async def exists(self) -> bool:
        """Return whether there is any."""
        self._refuse_limits("exists")
        statement = self._entity.prepared(
            self._where.shape and ("exists", self._where.shape),
            lambda: sa.select(sa.exists(sa.select(1).select_from(self._entity.table).where(*self._where.conditions))),
        )
        return bool(await self._execution.scalar(statement, self._where.values))

    async def sum(self, column: sa.SQLColumnExpression[N]) -> N:
        """Return the sum of a column; of no rows, zero."""
        if not is_sql(column):
            raise TypeError(f"sum takes a column such as c.points, not {column!r}")
        refuse_others(self._entity, column)
        expression = sa.func.sum(column)
        total, kind = cast("Any", await self._aggregate("sum", expression)), python_type(expression.type)
        return cast("N", kind(total or 0) if kind is int or not total else total)  # of bigint it is a numeric

    async def delete(self, *, all_rows: bool = False) -> int:
        """Delete the rows and return how many there were; every row of the table only with ``all_rows``."""
        where = self._targets(all_rows)
        statement = self._entity.prepared(
            where.shape and ("delete", where.shape), lambda: sa.delete(self._entity.table).where(*where.conditions)
        )
        return await self._execution.affected(statement, where.values)

    async def update(
        self, values: Mapping[str, object] | None = None, /, *, all_rows: bool = False, **more: object
    ) -> int:
        """Set values, which may be SQL expressions, and return how many rows there were."""
        where, changes = self._targets(all_rows), self._validation.change({**(values or {}), **more})
        if not changes:
            return await self.count() if self._limit is None and self._offset is None else len(await self)
        setting = change_of(self._entity, changes)
        statement = update_rows(self._entity, where, setting)
        return await self._execution.affected(statement, {**where.values, **setting.values})

    @property
    def _entity(self) -> Entity[M]:
        return self._execution.entity

    @property
    def _by_orm(self) -> bool:
        if self._lock and not self._execution.in_transaction:
            raise TransactionError("for_update() locks until the end of a transaction: open one around the call")
        return bool(self._options) or not self._entity.hydrator.plain

    @property
    def _values(self) -> dict[str, object]:
        bounds = {"limit__": self._limit, "offset__": self._offset}
        return {**self._where.values, **{name: value for name, value in bounds.items() if value is not None}}

    async def _one_by_one(self) -> AsyncGenerator[M, None]:
        for one in await self._all():
            yield one

    async def _all(self) -> list[M]:
        if self._by_orm:
            return await self._execution.run(self._objects_by_orm)
        return await self._execution.objects(self._statement(), self._values, self._relations)

    async def _first(self, most: int) -> M | None:
        """Return the only one of at most that many rows; ``limit`` may allow still fewer."""
        found = await self.limit(most if self._limit is None else min(most, self._limit))
        if len(found) > 1:
            raise MultipleResultsFound(f"more than one {self._entity.model.__name__}")
        return found[0] if found else None

    async def _aggregate(self, name: str, function: sa.ColumnElement[Any]) -> object:
        self._refuse_limits(name)
        statement = self._entity.prepared(
            (self._where.shape and name == "count" and ("count", self._where.shape)) or None,
            lambda: sa.select(function).select_from(self._entity.table).where(*self._where.conditions),
        )
        return await self._execution.scalar(statement, self._where.values)

    def _objects_by_orm(self, connection: sa.Connection) -> list[M]:
        found = [row[0] for row in self._entity.hydrator.by_orm(connection, self._statement(), self._values)]
        self._execution.load_into(connection, found, self._relations)
        return found

    def _paged(self, order: Order, texts: Sequence[str | None] | None) -> sa.Select[Any]:
        """Return the statement of a page, each row of it with its position."""
        statement = self.order_by(*order.clauses).limit(1)._built().add_columns(*order.position())
        return statement if texts is None else statement.where(order.after(texts))

    async def _rows(self, statement: sa.Select[Any], values: Mapping[str, object]) -> Rows:
        if not self._by_orm:
            return await self._execution.rows(statement, values)
        by_orm = self._entity.hydrator.by_orm
        return await self._execution.run(lambda connection: by_orm(connection, statement, values))

    def _statement(self) -> sa.Select[Any]:
        keep = not (self._order or self._by_orm) and self._where.shape is not None
        shape = ("select", self._where.shape, self._limit is None, self._offset is None, self._lock) if keep else None
        return self._entity.prepared(shape, self._built)

    def _built(self) -> sa.Select[Any]:
        entity = self._entity
        what = [entity.model] if self._by_orm else entity.hydrator.columns
        statement = self._refined(cast("sa.Select[Any]", sa.select(*what)))
        if self._by_orm:
            statement = statement.options(*entity.hydrator.explicit, *self._options)
        return statement.with_for_update(of=entity.table, skip_locked=self._lock == "skip") if self._lock else statement

    def _refined(self, statement: sa.Select[Any]) -> sa.Select[Any]:
        limit = None if self._limit is None else sa.bindparam("limit__", type_=sa.BigInteger())
        offset = None if self._offset is None else sa.bindparam("offset__", type_=sa.BigInteger())
        order = self._order or self._entity.primary_key.values()
        return statement.where(*self._where.conditions).order_by(*order).limit(limit).offset(offset)

    def _targets(self, all_rows: bool) -> Where:
        """Return the conditions of the rows to change."""
        chosen = self._limit is not None or self._offset is not None or self._lock is not None
        if not (chosen or self._where.conditions or all_rows):
            raise TypeError("this would change every row of the table: give a filter, or all_rows=True")
        if not chosen:
            return self._where
        key = self._entity.primary_key.values()
        rows = self._refined(cast("sa.Select[Any]", sa.select(*key)))
        rows = rows.with_for_update(skip_locked=self._lock == "skip")  # and so evaluated once
        return Where(None, (sa.tuple_(*key).in_(sa.select(*rows.cte("chosen").columns)),), self._values)

    def _total_order(self) -> Order:
        key = self._entity.primary_key.values()
        return Order(self._order, key) if self._order else self._entity.prepared("order", lambda: Order((), key))

    def _refuse_limits(self, method: str) -> None:
        if self._limit is not None or self._offset is not None:
            raise TypeError(f"{method}() is about all rows that match: it takes no limit and no offset")


def _check_count(name: str, number: object) -> None:
    if number is None:
        return
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(f"{name} takes a whole number, not {number!r}")
    if number < 0:
        raise ValueError(f"{name} must not be negative")
