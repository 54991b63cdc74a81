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
from .errors import NotFoundError, TransactionError
from .execution import Execution
from .keyset import Order
from .relations import explicit_only
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
    _where: tuple[sa.ColumnElement[bool], ...] = ()
    _order: tuple[sa.SQLColumnExpression[object], ...] = ()
    _limit: int | None = None
    _offset: int | None = None
    _options: tuple[ExecutableOption, ...] = ()
    _relations: tuple[str, ...] = ()
    _lock: Literal["wait", "skip"] | None = None

    def order_by(self, *clauses: sa.SQLColumnExpression[object]) -> Self:
        """Order by these, in place of any order before."""
        return replace(self, _order=clauses)

    def limit(self, limit: int | None) -> Self:
        """Take at most this many rows."""
        return replace(self, _limit=limit)

    def offset(self, offset: int | None) -> Self:
        """Leave out this many rows at the start."""
        return replace(self, _offset=offset)

    def load(self, *names: L) -> Self:
        """Load these relationships too, each with one more statement."""
        return replace(self, _relations=(*self._relations, *self._execution.entity.relations(names)))

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

    async def __aiter__(self) -> AsyncGenerator[M, None]:
        async for one in self._execution.stream(self._statement(), self._relations):
            yield one

    async def first(self) -> M | None:
        """Return the first row, or None."""
        return await self._execution.first(self.limit(1)._statement(), self._relations)

    async def one(self) -> M:
        """Return the only row; none is a NotFoundError, several are SQLAlchemy's MultipleResultsFound."""
        if (found := await self.one_or_none()) is None:
            raise NotFoundError(self._execution.entity.model)
        return found

    async def one_or_none(self) -> M | None:
        """Return the only row, or None; several are SQLAlchemy's MultipleResultsFound."""
        found = await self._execution.objects(self._statement().order_by(None).limit(2), self._relations)
        if len(found) > 1:
            raise MultipleResultsFound(f"more than one {self._execution.entity.model.__name__}")
        return found[0] if found else None

    async def page(self, size: int = 50, after: str | None = None) -> Page[M]:
        """Return the rows that follow a cursor, or the first; every page costs the same."""
        self._refuse_limits("page")
        if size < 1:
            raise ValueError("a page has at least one row")
        order = self._total_order()
        statement = self.order_by(*order.clauses)._statement().add_columns(*order.position()).limit(size + 1)
        if after is not None:
            statement = statement.where(order.after(after))
        rows = await self._execution.rows(statement, self._relations)
        following = order.cursor(rows[size - 1][1:]) if len(rows) > size else None
        return Page([row[0] for row in rows[:size]], following)

    async def count(self) -> int:
        """Return how many rows there are."""
        return cast("int", await self._aggregate("count", sa.func.count()))

    async def exists(self) -> bool:
        """Return whether there is any."""
        self._refuse_limits("exists")
        rows = sa.select(sa.literal(1)).select_from(self._execution.entity.model).where(*self._where)
        return bool(await self._execution.scalar(sa.select(rows.exists())))

    async def sum(self, column: sa.SQLColumnExpression[N]) -> N:
        """Return the sum of a column; of no rows, zero."""
        expression = sa.func.sum(column)
        total, kind = cast("Any", await self._aggregate("sum", expression)), expression.type.python_type
        return cast("N", kind(total or 0) if kind is int or not total else total)  # of bigint it is a numeric

    async def delete(self, *, all_rows: bool = False) -> int:
        """Delete the rows and return how many there were; every row of the table only with ``all_rows``."""
        statement = sa.delete(self._execution.entity.model).where(*self._targets(all_rows))
        return await self._execution.affected(statement)

    async def update(
        self, values: Mapping[str, object] | None = None, /, *, all_rows: bool = False, **more: object
    ) -> int:
        """Set values, which may be SQL expressions, and return how many rows there were."""
        changes = self._validation.change({**(values or {}), **more})
        if not changes:
            return await self.count()
        statement = sa.update(self._execution.entity.model).where(*self._targets(all_rows))
        return await self._execution.affected(statement.values(self._execution.entity.assigned(changes)))

    async def _all(self) -> list[M]:
        return await self._execution.objects(self._statement(), self._relations)

    async def _aggregate(self, name: str, function: sa.ColumnElement[Any]) -> object:
        self._refuse_limits(name)
        model = self._execution.entity.model
        return await self._execution.scalar(sa.select(function).select_from(model).where(*self._where))

    def _statement(self) -> sa.Select[Any]:
        entity = self._execution.entity
        statement = self._refined(sa.select(entity.model)).options(*explicit_only(entity.mapper), *self._options)
        if self._lock is None:
            return statement
        if not self._execution.in_transaction:
            raise TransactionError("for_update() locks until the end of a transaction: open one around the call")
        return statement.with_for_update(of=entity.model, skip_locked=self._lock == "skip")

    def _refined(self, statement: sa.Select[Any]) -> sa.Select[Any]:
        order = self._order or self._execution.entity.primary_key.values()
        return statement.where(*self._where).order_by(*order).limit(self._limit).offset(self._offset)

    def _targets(self, all_rows: bool) -> Sequence[sa.ColumnElement[bool]]:
        """Return the conditions of the rows to change."""
        if self._limit is None and self._offset is None:
            if not (self._where or all_rows):
                raise TypeError("this would change every row of the table: give a filter, or all_rows=True")
            return self._where
        key = self._execution.entity.primary_key.values()
        chosen = self._refined(cast("sa.Select[Any]", sa.select(*key)))
        chosen = chosen.with_for_update(skip_locked=self._lock == "skip")  # and so evaluated once
        return [sa.tuple_(*key).in_(sa.select(*chosen.cte("chosen").columns))]

    def _total_order(self) -> Order:
        return Order(self._order, self._execution.entity.primary_key.values())

    def _refuse_limits(self, method: str) -> None:
        if self._limit is not None or self._offset is not None:
            raise TypeError(f"{method}() is about all rows that match: it takes no limit and no offset")
