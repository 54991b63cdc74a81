"""The base class of every emitted controller, whose methods are single calls into this class."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, cast

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import instance_state
from typing_extensions import override

from . import statements
from .contracts import C, Facts, Filters, K, L, M, OrderBy, PaginationResult, Refinements, U
from .errors import NotFoundError, NotStoredError, UniqueViolation
from .execution import Execution
from .instances import uninterrupted
from .mistakes import Columns, pairs, why_absent
from .operand import Operand
from .selection import Selection
from .service import DatabaseService
from .sql import Sql, is_sql
from .statements import Build, Values
from .table import Table
from .validation import Validation

_REFINEMENTS = frozenset(Refinements.__annotations__)


class BaseController(Generic[M, L, C, U, K]):
    """Reads and writes one model. Its primary key is a ``K``: a value, or a tuple if it has several columns."""

    model: type[M]
    _facts: ClassVar[Facts] = Facts()

    def __init__(self, db: DatabaseService, session: AsyncSession | None = None) -> None:
        self._db, self._session = db, session

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._db!r}>"

    if not TYPE_CHECKING:  # each emitted class declares its columns and its database

        def __init_subclass__(cls) -> None:
            """Set ``c`` to the columns of the model."""
            cls.c = Columns(cls.model) if hasattr(cls, "model") else None

        @property
        def db(self) -> DatabaseService:
            """The database, with the other controllers."""
            return self._db

        def __getattr__(self, name: str) -> object:
            """Raise an error with the reason why the method does not exist, or with a suggestion."""
            if name.startswith("_") or hasattr(type(self), name):
                return object.__getattribute__(self, name)  # raises the error of a property again
            why = why_absent(name, self._facts.absent, dir(type(self)), self._table.operands)
            raise AttributeError(f"{type(self).__name__} has no {name}{why}", name=name, obj=self)

    def using(self, session: AsyncSession) -> Self:
        """Return a controller whose calls run in the transaction of this session."""
        _ = self._validation  # built once for both controllers
        clone = copy(self)
        clone._session = session
        clone.__dict__.pop("_execution", None)
        return clone

    async def create_many(self, rows: Iterable[C]) -> list[M]:
        """Insert rows, all or none, and return them in the same order."""
        return await self._stored(
            self._statements(self._validation.new, rows, lambda row, _: statements.insert_row(self._table, row))
        )

    async def upsert_many(self, rows: Iterable[C], *, key: Collection[str] = ()) -> list[M]:
        """Insert rows, or update those whose unique key exists, all or none; return them in the same order.

        An existing row keeps the values of columns that its dict does not name. ``key`` lists the attributes of the
        unique key, by default the primary key.
        """
        if isinstance(key, str):
            raise TypeError(f'key takes a list of attributes: ["{key}"]')
        table, keys = self._table, tuple(key or self._table.key_names)
        table.conflict(keys, None)  # raises an error if this is not a unique key
        upserts = self._statements(
            self._validation.new, rows, lambda row, names: statements.upsert_row(table, row, keys, None, names)
        )
        stored = await self._stored(upserts)
        by_key = {repr(instance_state(item).key): item for item in stored}  # rows of one key are one object
        return [by_key[repr(instance_state(item).key)] for item in stored]

    async def update_many(self, rows: Iterable[tuple[K, U]]) -> int:
        """Update rows by pairs of a primary key and its changes, all or none; return how many rows existed."""
        names = self._table.key_names
        return await self.bulk_update(
            {**changes, **dict(zip(names, self._key_values("update_many", key), strict=True))}
            for key, changes in pairs(rows)
        )

    async def bulk_update(self, updates: Iterable[Mapping[str, object]]) -> int:
        """Update rows by dicts of the primary key and the changes, all or none; return how many rows existed."""
        changes = self._statements(
            self._validation.keyed, updates, lambda row, _: statements.update_key(self._table, row)
        )
        with self._db.primary():  # a statement without changes is a SELECT
            return len(await self._execution.many(changes))

    async def delete_many(self, keys: Iterable[K]) -> int:
        """Delete the rows with these primary keys, and return how many existed."""
        table, rows, tenant = self._table, [self._key_values("delete_many", key) for key in keys], self._facts.tenant
        condition = statements.any_of(table.primary_key, rows)
        if tenant is not None:
            position = table.key_names.index(tenant)
            condition = statements.any_within(table.primary_key, rows, position, [table.operands[tenant]])
        return await self._execution.affected(Sql(f"DELETE FROM {self._table.sql} WHERE ") + condition)

    async def delete_where(self, filters: Filters = None, *, all_rows: bool = False) -> int:
        """Delete the matching rows and return how many; the whole table only with ``all_rows``."""
        return await self._find({}, {}, filters).delete(all_rows=all_rows)

    async def paginate(
        self, filters: Filters = None, *, page: int = 1, per_page: int = 50, order_by: OrderBy = None
    ) -> PaginationResult[M]:
        """Return a numbered page and the number of all rows; ``Selection.page`` is cheaper far from the start."""
        if page < 1 or per_page < 1:
            raise ValueError("pages are counted from 1, and have at least one row")
        selection = self._find({}, {"order_by": order_by}, filters)
        total = await selection.count()
        items = await selection.in_total_order().limit(per_page).offset((page - 1) * per_page)
        return PaginationResult(items, total, page, per_page)

    async def _create(self, values: C) -> M:
        return await self._execution.stored(statements.insert_row(self._table, self._validation.new(values)))

    async def _get(
        self, key: Mapping[str, object], load: Iterable[L] = (), *, within: str | None = None, nulls: bool = False
    ) -> M | None:
        statement = self._selecting(statements.key_of(self._table, key, within, nulls=nulls))
        objects = await self._execution.objects(statement, self._table.relations(load))
        return objects[0] if objects else None

    def _required(self, row: M | None) -> M:
        if row is None:
            raise NotFoundError.of(f"no such {self.model.__name__}", model=self.model)
        return row

    async def _update(
        self, key: Mapping[str, object], values: U, *, within: str | None = None, nulls: bool = False
    ) -> M | None:
        where, changes = statements.key_of(self._table, key, within, nulls=nulls), self._validation.change(values)
        if not changes:
            with self._db.primary():
                return await self._get(key, within=within, nulls=nulls)
        statement = statements.update_rows(self._table, where, changes) + f" RETURNING {self._table.select_list}"
        objects = await self._execution.objects(statement)
        return objects[0] if objects else None

    async def _delete(self, key: Mapping[str, object], *, within: str | None = None, nulls: bool = False) -> bool:
        where = statements.key_of(self._table, key, within, nulls=nulls)
        return await self._execution.affected(Sql(f"DELETE FROM {self._table.sql}") + where) > 0

    async def _get_or_create(self, keys: Collection[str], values: C, *, within: str | None = None) -> tuple[M, bool]:
        row = statements.row_within(self._table, values, within, self._validation.new)
        key = statements.key_values(self._table, row, keys)
        select = self._selecting(statements.where_of(self._table, key, within))
        insert = statements.insert_once(self._table, row, keys, within)
        collision: UniqueViolation | None = None
        for _ in range(10):  # another transaction may delete the row between the two statements
            with self._db.primary():
                existing = await self._execution.objects(select)
            if existing:
                return existing[0], False
            if collision:
                raise collision
            try:
                if created := await self._execution.objects(insert):
                    return created[0], True
            except UniqueViolation as error:
                # Tasks that insert the same row may collide on another of its keys first.
                if self._execution.around:
                    raise
                collision = error
        raise NotStoredError.of(
            f"{self.model.__name__}: the row with this key was neither found nor stored; a trigger skips it, or "
            "another transaction has one that this transaction cannot see",
            model=self.model,
        )

    async def _upsert(self, keys: Collection[str], values: C, *, within: str | None = None) -> M:
        row = statements.row_within(self._table, values, within, self._validation.new)
        upsert = statements.upsert_row(self._table, row, keys, within, tuple(values))
        return await self._execution.stored(upsert)

    async def _create_or_update(self, keys: Collection[str], create: C, update: U, *, within: str | None = None) -> M:
        row = statements.row_within(self._table, create, within, self._validation.new)
        changes = self._validation.change(update)
        statement = statements.create_or_change_row(self._table, row, keys, within, changes)
        return await self._execution.stored(statement)

    async def _load(self, relation: str, objects: Iterable[M]) -> None:
        if isinstance(objects, self.model):
            raise TypeError(f"load_{relation} takes a list of objects: for a single object, load_{relation}([object])")
        await self._execution.loaded(list(objects), [relation])

    def _find(
        self, key: Values, where: Values, filters: Filters = None, *, within: str | None = None
    ) -> Selection[M, L, U]:
        if repeated := key.keys() & where.keys():
            raise TypeError(f"{', '.join(sorted(repeated))} is passed twice")
        refinements = cast("Refinements", where)
        columns = {name: value for name, value in where.items() if name not in _REFINEMENTS}
        tenant = statements.tenant_of(self._table, key, within)
        condition = statements.where_of(self._table, {**key, **columns}, within, filters)
        selection = Selection[M, L, U](self._execution, self._validation, condition, tenant)
        if len(columns) == len(where):
            return selection
        if (order := refinements.get("order_by")) is not None:
            single = is_sql(order) or isinstance(order, str) or not isinstance(order, Iterable)
            selection = selection.order_by(*cast("Iterable[Any]", [order] if single else order))
        selection = selection.options(*refinements.get("options", ()))
        return selection.limit(refinements.get("limit")).offset(refinements.get("offset"))

    def _key_values(self, method: str, key: K) -> tuple[object, ...]:
        """Return the values of a primary key, column by column."""
        values, names = cast("tuple[object, ...]", key if isinstance(key, tuple) else (key,)), self._table.key_names
        if len(values) != len(names) or any(map(Operand.is_several, self._table.primary_key, values)):
            each = f"tuples ({', '.join(names)})" if len(names) > 1 else f"values of {names[0]}"
            types = ", ".join(type(value).__name__ for value in values)
            raise TypeError(f"{method}: the primary keys of {self.model.__name__} are {each}, not ({types})")
        return values

    def _selecting(self, where: Sql) -> Sql:
        return Sql(f"SELECT {self._table.select_list} FROM {self._table.sql}") + where

    def _statements(
        self, check: Callable[[Values], dict[str, object]], rows: Iterable[Values], build: Build
    ) -> list[Sql]:
        """Return a statement for each row, built from its validated values and the names of the columns it sets."""
        with uninterrupted():
            listed = list(rows)
            return statements.build_statements(self._table, listed, self._validation.rows(check, listed), build)

    async def _stored(self, writes: list[Sql]) -> list[M]:
        """Return the objects of the rows that statements write, one row each.

        Raises
        ------
        NotStoredError
            If a trigger skipped some of them; the other rows are rolled back.
        """

        async def work() -> list[M]:
            rows = await execution.many(writes)
            if skipped := len(writes) - len(rows):
                name = self.model.__name__
                raise NotStoredError.of(f"{name}: a trigger skipped {skipped} of the rows", model=self.model)
            return await execution.objects_of(rows)

        execution = self._execution
        return await execution.atomic(work)

    @cached_property
    def _table(self) -> Table[M]:
        return Table(self.model, self._facts)

    @cached_property
    def _validation(self) -> Validation:
        return Validation(self._table)

    @cached_property
    def _execution(self) -> Execution[M]:
        return Execution(self._db.transactions, self._table, self._session)
