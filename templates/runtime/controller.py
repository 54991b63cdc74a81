"""What every emitted controller derives from: each of its methods is one call into this class."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from copy import copy
from functools import cached_property
from typing import ClassVar, Generic, Self, TypeVar, cast

from sqlalchemy import JSON, Executable, SQLColumnExpression, delete, false, null
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from .arguments import Filters, OrderBy, PaginationResult, Refinements
from .entity import Entity, conditions_of
from .errors import NotFoundError, TransactionError, ValidationError
from .execution import Execution
from .relations import one_of
from .selection import Selection
from .service import DatabaseService, connections
from .statements import delete_key, insert_once, insert_row, pinned, select_key, select_same, update_key, upsert_row
from .validation import Validation

M = TypeVar("M", bound=SQLModel)
L = TypeVar("L", bound=str)
C = TypeVar("C", bound=Mapping[str, object])
U = TypeVar("U", bound=Mapping[str, object])

_ATTEMPTS = 10


class BaseController(Generic[M, L, C, U]):
    """Reads and writes one model.

    ``expressions`` tells where the filters that are no columns are found: in which index, at which position.
    """

    model: type[M]
    expressions: ClassVar[Mapping[str, tuple[str, int]]] = {}

    def __init__(self, db: DatabaseService, session: AsyncSession | None = None) -> None:
        self._db = db
        self._session = session

    def using(self, session: AsyncSession) -> Self:
        """Return a controller whose calls are part of this session's transaction."""
        _ = self._validation  # built once, for both
        clone = copy(self)
        clone._session = session
        return clone

    async def create_many(self, rows: Iterable[C]) -> list[M]:
        """Insert rows, all or none, and return them in the same order."""
        checked = [self._bulk_row(self._validation.new(row)) for row in rows]
        if not checked:
            return []
        statement = insert(self.model).returning(self.model, sort_by_parameter_order=True)
        async with self._execution.together() as execution:
            stored = await execution.rows(statement.execution_options(render_nulls=True), values=checked)
        return [row[0] for row in stored]

    async def upsert_many(self, rows: Iterable[C], *, key: Collection[str] = ()) -> list[M]:
        """Insert rows, or set what is given of those whose key is there; all or none, in the same order.

        Parameters
        ----------
        rows
            The values, as for ``create``.
        key
            The attributes of a unique key; the primary key when omitted.
        """
        keys = tuple(key or self._entity.primary_key)
        async with self._execution.together() as execution:
            return [await self._upserted(execution, keys, row, None) for row in rows]

    async def update_many(self, rows: Iterable[Mapping[str, object]]) -> int:
        """Set values of rows, each given with its primary key, all or none, and return how many were there."""
        statements = [self._changing(*self._split(row)) for row in rows]
        async with self._execution.together() as execution:
            return sum([len(await execution.objects(statement)) for statement in statements])

    async def bulk_update(self, updates: Iterable[Mapping[str, object]]) -> int:
        """Do what ``update_many`` does."""
        return await self.update_many(updates)

    async def delete_many(self, keys: Iterable[object]) -> int:
        """Delete the rows with these primary keys (tuples, if it has several columns), and return how many."""
        given = [cast("tuple[object, ...]", key) if isinstance(key, tuple) else (key,) for key in keys]
        condition = one_of([*self._entity.primary_key.values()], given) if given else false()
        return await self._execution.affected(delete(self.model).where(condition))

    async def delete_where(self, filters: Filters = None, *, all_rows: bool = False) -> int:
        """Delete the rows that match and return how many; every row of the table only with ``all_rows``."""
        return await self._find({}, {}, filters).delete(all_rows=all_rows)

    async def paginate(
        self, filters: Filters = None, *, page: int = 1, per_page: int = 50, order_by: OrderBy = None
    ) -> PaginationResult[M]:
        """Return a numbered page, and how many rows there are; ``Selection.page`` costs less far from the start."""
        if page < 1 or per_page < 1:
            raise ValueError("pages are counted from 1, and have at least one row")
        found = self._find({}, {"order_by": order_by}, filters)
        total = await found.count()
        items = await found.in_total_order().limit(per_page).offset((page - 1) * per_page)
        return PaginationResult(items, total, page, per_page)

    async def _create(self, values: C) -> M:
        (created,) = await self._execution.objects(insert_row(self._entity, self._validation.new(values)))
        return created

    async def _get(self, key: Mapping[str, object], load: Iterable[L] = (), *, within: str | None = None) -> M | None:
        statement = select_key(self._entity, key, within)
        return _only(await self._execution.objects(statement, self._entity.relations(load)))

    async def _get_one(self, key: Mapping[str, object], load: Iterable[L] = (), *, within: str | None = None) -> M:
        found = await self._get(key, load, within=within)
        if found is None:
            raise NotFoundError(self.model)
        return found

    async def _update(self, key: Mapping[str, object], values: U, *, within: str | None = None) -> M | None:
        return _only(await self._execution.objects(self._changing(key, values, within)))

    async def _delete(self, key: Mapping[str, object], *, within: str | None = None) -> bool:
        return await self._execution.affected(delete_key(self._entity, key, within)) > 0

    async def _get_or_create(self, keys: Collection[str], values: C, *, within: str | None = None) -> tuple[M, bool]:
        row = self._validation.new(pinned(self._entity, within, values))
        for _ in range(_ATTEMPTS):
            if found := await self._execution.objects(select_same(self._entity, keys, within, row)):
                return found[0], False
            if created := await self._execution.objects(insert_once(self._entity, keys, within, row)):
                return created[0], True
        raise TransactionError(f"a {self.model.__name__} with this key is there, but can not be seen from here")

    async def _upsert(self, keys: Collection[str], values: C, *, within: str | None = None) -> M:
        return await self._upserted(self._execution, keys, values, within)

    def _find(
        self,
        key: Mapping[str, object],
        where: Mapping[str, object],
        filters: Filters = None,
        *,
        within: str | None = None,
    ) -> Selection[M, L]:
        if twice := key.keys() & where.keys():
            raise TypeError(f"{', '.join(sorted(twice))} is given twice")
        refinements = cast("Refinements", where)
        columns = {name: value for name, value in where.items() if name not in Refinements.__annotations__}
        conditions = (*self._entity.conditions({**key, **columns}, within), *conditions_of(filters))
        order = refinements.get("order_by")
        return Selection(
            self._execution,
            self._validation,
            conditions,
            (order,) if isinstance(order, SQLColumnExpression) else tuple(order or ()),
            refinements.get("limit"),
            refinements.get("offset"),
            tuple(refinements.get("options", ())),
        )

    async def _load(self, relation: str, objects: Iterable[M]) -> None:
        await self._execution.load(relation, objects)

    async def _update_where(self, filters: Filters, values: U, *, all_rows: bool = False) -> int:
        return await self._find({}, {}, filters).update(values, all_rows=all_rows)

    async def _upserted(
        self, execution: Execution[M], keys: Collection[str], values: Mapping[str, object], within: str | None
    ) -> M:
        row = self._validation.new(pinned(self._entity, within, values))
        (stored,) = await execution.objects(upsert_row(self._entity, keys, within, row, values))
        return stored

    def _changing(
        self, key: Mapping[str, object], values: Mapping[str, object], within: str | None = None
    ) -> Executable:
        changes = self._validation.change(values)
        return update_key(self._entity, key, within, changes) if changes else select_key(self._entity, key, within)

    def _split(self, row: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
        """Take the primary key out of a row."""
        if missing := self._entity.primary_key.keys() - row.keys():
            raise ValidationError(self.model, dict.fromkeys(sorted(missing), "is required"))
        key = {name: row[name] for name in self._entity.primary_key}
        return key, {name: value for name, value in row.items() if name not in key}

    def _bulk_row(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return a row of many: an SQL NULL where a JSON column's type would write its own ``null``."""
        columns = self._entity.columns
        json = {name for name, value in values.items() if value is None and isinstance(columns[name].type, JSON)}
        return {**values, **dict.fromkeys(json, null())}

    @cached_property
    def _entity(self) -> Entity[M]:
        return Entity(self.model, self.expressions)

    @cached_property
    def _validation(self) -> Validation:
        return Validation(self._entity)

    @property
    def _execution(self) -> Execution[M]:
        return Execution(connections(self._db), self._entity, self._session)


def _only(found: list[M]) -> M | None:
    return found[0] if found else None
