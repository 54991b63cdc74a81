"""``Selection``: the lazy result of a finder, which sends its statement when it is awaited."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Generic, Literal, Self, TypeAlias, TypeVar, cast, overload

import sqlalchemy as sa
from sqlalchemy.sql.base import ExecutableOption
from typing_extensions import override

from .contracts import L, M, Page, U
from .errors import MultipleFoundError, NotFoundError, TransactionError
from .execution import Execution
from .keyset import Order
from .mistakes import Unawaited
from .sql import MARK, Sql, is_sql, joined, result_of
from .statements import update_rows
from .table import Table
from .validation import Validation

A = TypeVar("A")
B = TypeVar("B")
D = TypeVar("D")
E = TypeVar("E")
N = TypeVar("N")

Expression: TypeAlias = sa.SQLColumnExpression[N]

_NO_TENANT = Sql("")
_ZEROS: dict[str, object] = {"interval": timedelta(), "numeric": Decimal(0), "real": 0.0, "double precision": 0.0}
_WHOLE = {"smallint", "integer", "bigint"}


@dataclass(frozen=True, eq=False, repr=False)
class Selection(Unawaited, Generic[M, L, U]):
    """The matching rows, read lazily: ``await`` returns a list, ``async for`` streams them in bounded memory.

    Every refinement returns a new selection. Without ``order_by`` only pages have a defined order.
    """

    _execution: Execution[M]
    _validation: Validation
    _where: Sql
    _tenant: Sql = _NO_TENANT
    _order: tuple[sa.SQLColumnExpression[object], ...] = ()
    _limit: int | None = None
    _offset: int | None = None
    _options: tuple[ExecutableOption, ...] = ()
    _relations: tuple[str, ...] = ()
    _lock: Literal["", " SKIP LOCKED"] | None = None

    def order_by(self, *clauses: sa.SQLColumnExpression[object]) -> Self:
        """Order by these expressions, which replace an earlier order."""
        for clause in clauses:
            if not is_sql(clause):
                raise TypeError(f"order_by takes columns or expressions such as c.points.desc(), not {clause!r}")
            self._table.embedded(clause)
        return replace(self, _order=clauses)

    def limit(self, limit: int | None) -> Self:
        """Return at most this many rows."""
        _check_count("limit", limit)
        return replace(self, _limit=limit)

    def offset(self, offset: int | None) -> Self:
        """Skip this many rows."""
        _check_count("offset", offset)
        return replace(self, _offset=offset)

    def load(self, *names: L) -> Self:
        """Also load these relationships, each with one more statement."""
        return replace(self, _relations=(*self._relations, *self._table.relations(names)))

    def options(self, *options: ExecutableOption) -> Self:
        """Add SQLAlchemy's own loader options."""
        return replace(self, _options=(*self._options, *options))

    def for_update(self, *, skip_locked: bool = False) -> Self:
        """Lock the rows until the end of the transaction; wait for rows that are locked, or skip them."""
        return replace(self, _lock=" SKIP LOCKED" if skip_locked else "")

    def in_total_order(self) -> Self:
        """Break ties of the order by the primary key, so that the order is always the same."""
        return self.order_by(*Order(self._table, self._order).clauses)

    def __await__(self) -> Generator[Any, None, list[M]]:
        return self._all().__await__()

    def __aiter__(self) -> AsyncGenerator[M, None]:
        source = self._execution.transactions.source
        if source is not None and source.shared:  # other calls need the connection before the end of the stream
            return self._unstreamed()
        return self._execution.stream(self._statement(), self._relations, self._options)

    @override
    def __repr__(self) -> str:
        return f"<Selection of {self._table.model.__name__}{self._where.text.replace(MARK, '?')}: await it>"

    async def first(self) -> M | None:
        """Return the first row, or None."""
        return await self._first(1)

    async def one(self) -> M:
        """Return the only row; raise NotFoundError if there is none, MultipleFoundError if there are several."""
        if (row := await self.one_or_none()) is None:
            raise NotFoundError.of(f"no such {self._table.model.__name__}", model=self._table.model)
        return row

    async def one_or_none(self) -> M | None:
        """Return the only row, or None; raise MultipleFoundError if there are several."""
        return await self._first(2)

    async def page(self, size: int = 50, after: str | None = None) -> Page[M]:
        """Return the page after a cursor, or the first page, in the requested order and then by primary key.

        With an index on the columns of the order and the primary key, every page costs the same.
        """
        self._refuse_limits("page")
        if size < 1:
            raise ValueError("a page has at least one row")
        order, where = Order(self._table, self._order), self._where
        if after is not None:
            where = self._where + (" AND " if self._where.text else " WHERE ") + order.after(after)
        statement = Sql(f"SELECT {self._columns}, ") + order.position + f" FROM {self._table.sql}" + where + order.sql
        with self._server():
            rows = await self._execution.rows(self._locked(statement + Sql(f" LIMIT {MARK}", ("size",), (size + 1,))))
        items = await self._execution.objects_of(rows[:size], self._relations, self._options)
        return Page(items, order.cursor(tuple(rows[size - 1])[-len(order.terms) :]) if len(rows) > size else None)

    async def count(self) -> int:
        """Return how many rows there are."""
        self._refuse_limits("count")
        return int(await self._scalar(Sql(f"SELECT count(*) FROM {self._table.sql}") + self._where))

    async def exists(self) -> bool:
        """Return whether there is any row."""
        self._refuse_limits("exists")
        return bool(await self._scalar(Sql(f"SELECT EXISTS (SELECT 1 FROM {self._table.sql}") + self._where + ")"))

    @overload
    async def values(self, column: Expression[A], /) -> list[A]: ...
    @overload
    async def values(self, column: Expression[A], second: Expression[B], /) -> list[tuple[A, B]]: ...
    @overload
    async def values(
        self, column: Expression[A], second: Expression[B], third: Expression[D], /
    ) -> list[tuple[A, B, D]]: ...
    @overload
    async def values(
        self, column: Expression[A], second: Expression[B], third: Expression[D], fourth: Expression[E], /
    ) -> list[tuple[A, B, D, E]]: ...
    @overload
    async def values(self, *columns: Expression[object]) -> list[tuple[object, ...]]: ...

    async def values(self, *columns: Expression[Any]) -> list[Any]:
        """Return values instead of objects: a list for a single column, a list of tuples for several."""
        terms = [self._table.term(column, "values") for column in columns]
        rows = await self._execution.rows(self._statement(joined(", ", [sql for sql, _ in terms])))
        lists = [[convert(row[n]) if convert else row[n] for row in rows] for n, (_, convert) in enumerate(terms)]
        return lists[0] if len(lists) == 1 else list(zip(*lists, strict=True))

    async def count_by(self, column: Expression[N]) -> dict[N, int]:
        """Return how many rows there are for each value of a column."""
        self._refuse_limits("count_by")
        sql, convert = self._table.term(column, "count_by")
        counts = Sql("SELECT ") + sql + f", count(*) FROM {self._table.sql}" + self._where + " GROUP BY 1"
        return {convert(value) if convert else value: number for value, number in await self._execution.rows(counts)}

    async def sum(self, column: Expression[N]) -> N:
        """Return the sum of a column, in the type of PostgreSQL's result; zero if there are no rows."""
        return cast("N", await self._aggregate("sum", column))

    async def min(self, column: Expression[N]) -> N | None:
        """Return the least value of a column, None if there are no rows."""
        return cast("N | None", await self._aggregate("min", column))

    async def max(self, column: Expression[N]) -> N | None:
        """Return the greatest value of a column, None if there are no rows."""
        return cast("N | None", await self._aggregate("max", column))

    @overload
    async def avg(self, column: Expression[int] | Expression[int | None]) -> Decimal | None: ...
    @overload
    async def avg(self, column: Expression[N]) -> N | None: ...

    async def avg(self, column: Expression[Any]) -> Any:
        """Return the average of a column, a Decimal for whole numbers; None if there are no rows."""
        return await self._aggregate("avg", column)

    async def delete(self, *, all_rows: bool = False) -> int:
        """Delete the rows and return how many; the whole table only with ``all_rows``."""
        return await self._execution.affected(Sql(f"DELETE FROM {self._table.sql}") + self._targets(all_rows))

    async def update(self, values: U, /, *, all_rows: bool = False) -> int:
        """Set values, which may be SQL expressions, and return the number of rows."""
        where, changes = self._targets(all_rows), self._validation.change(values)
        if not changes:
            with self._execution.transactions.primary():
                return await self.count() if self._limit is None and self._offset is None else len(await self)
        return await self._execution.affected(update_rows(self._table, where, changes))

    @property
    def _table(self) -> Table[M]:
        return self._execution.table

    @property
    def _columns(self) -> str:
        return self._table.keys if self._options else self._table.select_list

    async def _aggregate(self, function: str, column: Expression[Any]) -> Any:
        self._refuse_limits(function)
        term, _ = self._table.term(column, function)
        kind = cast("sa.ColumnElement[Any]", column).type
        columns = Sql(f"{function}(") + term + "), pg_typeof(min(" + term + "))::text"
        statement = Sql("SELECT ") + columns + f" FROM {self._table.sql}" + self._where
        value, stored = (await self._execution.rows(statement))[0]
        if value is None and function != "sum":
            return None
        whole = stored in _WHOLE
        if function == "avg" and whole and not isinstance(kind, sa.TypeDecorator):
            return value
        value = _ZEROS.get(stored, 0) if value is None else int(value) if whole and function == "sum" else value
        convert = None if whole and isinstance(kind, sa.Numeric) else result_of(kind, exact=stored == "numeric")
        return convert(value) if convert else value

    def _server(self) -> AbstractContextManager[None]:
        """Read keys from the primary if the ORM reads the objects."""
        by_orm = self._options or self._table.facts.by_orm
        return self._execution.transactions.primary() if by_orm else nullcontext()

    async def _scalar(self, statement: Sql) -> Any:
        return (await self._execution.rows(statement))[0][0]

    async def _unstreamed(self) -> AsyncGenerator[M, None]:
        for item in await self._all():
            yield item

    async def _all(self) -> list[M]:
        with self._server():
            return await self._execution.objects(self._statement(), self._relations, self._options)

    async def _first(self, limit: int) -> M | None:
        """Return the first of at most ``limit`` rows, which must be the only one."""
        rows = await self.limit(limit if self._limit is None else min(limit, self._limit))
        if len(rows) > 1:
            model = self._table.model
            raise MultipleFoundError.of(f"more than one {model.__name__}", model=model)
        return rows[0] if rows else None

    def _statement(self, columns: Sql | None = None) -> Sql:
        statement = Sql("SELECT ") + (columns or self._columns) + f" FROM {self._table.sql}" + self._where
        if self._order:
            statement += self._table.order_by(self._order)
        for word, number in (("LIMIT", self._limit), ("OFFSET", self._offset)):
            if number is not None:
                statement += Sql(f" {word} {MARK}", (word,), (number,))
        return self._locked(statement)

    def _locked(self, statement: Sql) -> Sql:
        if self._lock is None:
            return statement
        if not self._execution.around:
            raise TransactionError("for_update() needs a transaction, at whose end it unlocks: open db.transaction()")
        return statement + f" FOR UPDATE OF {self._table.alias}{self._lock}"

    def _targets(self, all_rows: bool) -> Sql:
        """Return the WHERE clause of the rows to change."""
        if self._limit is None and self._offset is None and self._lock is None:
            if not (self._where.text or all_rows):
                raise TypeError("this would change every row of the table: pass a filter, or all_rows=True")
            return self._where
        keys = self._table.keys
        rows = self._statement(Sql(keys)) + ("" if self._lock is not None else " FOR UPDATE")  # evaluated only once
        within = self._tenant + " AND " if self._tenant.text else Sql(" WHERE ")
        return within + f"({keys}) IN (WITH chosen AS MATERIALIZED (" + rows + ") SELECT * FROM chosen)"

    def _refuse_limits(self, method: str) -> None:
        if self._limit is not None or self._offset is not None:
            raise TypeError(f"{method}() uses all matching rows: remove the limit and the offset")


def _check_count(name: str, number: object) -> None:
    if number is not None and (not isinstance(number, int) or isinstance(number, bool)):
        raise TypeError(f"{name} takes a whole number, not {number!r}")
    if isinstance(number, int) and number < 0:
        raise ValueError(f"{name} must not be negative")
