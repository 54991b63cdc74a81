"""What every emitted controller derives from: each of its methods is one call into this class."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from copy import copy
from functools import cached_property, partial
from typing import Any, ClassVar, Generic, Self, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from .arguments import Filters, OrderBy, PaginationResult, Refinements
from .arrays import one_of
from .bulk import insert_rows, update_rows, upsert_rows
from .entity import Entity, is_sql
from .errors import NotFoundError, TransactionError, ValidationError
from .execution import Execution
from .filters import Where, key_of, where_of
from .selection import Selection
from .service import DatabaseService, connections
from .statements import Assignment, change_of, insert_once, insert_row, pinned, same_key, update_row, upsert_row
from .validation import Validation

M = TypeVar("M", bound=SQLModel)
L = TypeVar("L", bound=str)
C = TypeVar("C", bound=Mapping[str, object])
U = TypeVar("U", bound=Mapping[str, object])
R = TypeVar("R")

_REFINEMENTS = frozenset(Refinements.__annotations__)


class BaseController(Generic[M, L, C, U]):
    """Reads and writes one model.

    ``expressions`` tells where the filters that are no columns are found: in which index, at which position.
    """

    model: type[M]
    expressions: ClassVar[Mapping[str, tuple[str, int]]] = {}

    def __init__(self, db: DatabaseService, session: AsyncSession | None = None) -> None:
        self._db, self._session = db, session

    def using(self, session: AsyncSession) -> Self:
        """Return a controller whose calls are part of this session's transaction."""
        _ = self._validation  # built once, for both
        clone = copy(self)
        clone._session = session
        clone.__dict__.pop("_execution", None)
        return clone

    async def create_many(self, rows: Iterable[C]) -> list[M]:
        """Insert rows, all or none, and return them in the same order."""
        checked = self._validation.rows(self._validation.new, _dicts(rows))
        return await self._execution.run(partial(insert_rows, self._entity, rows=checked), atomic=True)

    async def upsert_many(self, rows: Iterable[C], *, key: Collection[str] = ()) -> list[M]:
        """Insert rows, or set what is given of those whose unique key is there; all or none, in the same order.

        ``key`` is the attributes of the unique key; the primary key when omitted.
        """
        if isinstance(key, str):
            raise TypeError(f'key takes a list of attributes: ["{key}"]')
        given, keys = list(_dicts(rows)), tuple(key or self._entity.primary_key)
        self._entity.check_unique(keys)
        checked = self._validation.rows(self._validation.new, given)
        work = partial(upsert_rows, self._entity, rows=checked, given=given, keys=keys)
        return await self._execution.run(work, atomic=True)

    async def update_many(self, rows: Iterable[Mapping[str, object]]) -> int:
        """Set values of rows, each given with its primary key, all or none, and return how many were there."""
        checked = self._validation.rows(self._keyed, _dicts(rows))
        return await self._execution.run(partial(update_rows, self._entity, rows=checked), atomic=True)

    async def bulk_update(self, updates: Iterable[Mapping[str, object]]) -> int:
        """Set values of rows: another name of ``update_many``."""
        return await self.update_many(updates)

    async def delete_many(self, keys: Iterable[object]) -> int:
        """Delete the rows with these primary keys (tuples, if it has several columns), and return how many."""
        given = [cast("tuple[object, ...]", key) if isinstance(key, tuple) else (key,) for key in keys]
        if any(len(key) != len(self._entity.primary_key) for key in given):
            parts = ", ".join(self._entity.primary_key)
            each = f"tuples ({parts})" if len(self._entity.primary_key) > 1 else f"values of {parts}"
            raise TypeError(f"the primary keys of {self.model.__name__} are {each}")
        condition = one_of([*self._entity.primary_key.values()], given) if given else sa.false()
        return await self._execution.affected(sa.delete(self._entity.table).where(condition), {})

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
        row = Assignment(self._entity, self._validation.new(values))
        (created,) = await self._execution.objects(insert_row(self._entity, row), row.values)
        return created

    async def _get(
        self, key: Mapping[str, object], load: Iterable[L] = (), *, within: str | None = None, nulls: bool = False
    ) -> M | None:
        where = key_of(self._entity, key, within, nulls)
        statement = self._entity.prepared(where.shape and ("get", where.shape), lambda: self._selecting(where))
        return await self._execution.first(statement, where.values, self._entity.relations(load))

    async def _get_one(
        self, key: Mapping[str, object], load: Iterable[L] = (), *, within: str | None = None, nulls: bool = False
    ) -> M:
        if (found := await self._get(key, load, within=within, nulls=nulls)) is None:
            raise NotFoundError(self.model)
        return found

    async def _update(
        self, key: Mapping[str, object], values: U, *, within: str | None = None, nulls: bool = False
    ) -> M | None:
        where, changes = key_of(self._entity, key, within, nulls), self._validation.change(values)
        if not changes:
            return await self._get(key, within=within, nulls=nulls)
        setting = change_of(self._entity, changes)
        statement = update_row(self._entity, where, setting)
        return await self._execution.first(statement, {**where.values, **setting.values})

    async def _delete(self, key: Mapping[str, object], *, within: str | None = None, nulls: bool = False) -> bool:
        found = Selection[M, L](self._execution, self._validation, key_of(self._entity, key, within, nulls))
        return await found.delete() > 0

    async def _get_or_create(self, keys: Collection[str], values: C, *, within: str | None = None) -> tuple[M, bool]:
        checked = self._validation.new(pinned(self._entity, values, within))
        where, row = same_key(self._entity, keys, checked, within), Assignment(self._entity, checked)
        select = self._entity.prepared(where.shape and ("get", where.shape), lambda: self._selecting(where))
        insert = insert_once(self._entity, row, keys, within)
        for _ in range(10):
            if found := await self._execution.first(select, where.values):
                return found, False
            if created := await self._execution.first(insert, row.values):
                return created, True
        raise TransactionError(f"the {self.model.__name__} with this key is there, but can not be seen from here")

    async def _upsert(self, keys: Collection[str], values: C, *, within: str | None = None) -> M:
        row = self._validation.new(pinned(self._entity, values, within))
        (stored,) = await self._execution.objects(*upsert_row(self._entity, row, keys, within, tuple(values)))
        return stored

    async def _update_where(self, filters: Filters, values: U, *, all_rows: bool = False) -> int:
        return await self._find({}, {}, filters).update(values, all_rows=all_rows)

    async def _load(self, relation: str, objects: Iterable[M]) -> None:
        if isinstance(objects, self.model):
            raise TypeError(f"load_{relation} takes a list of objects; of a single one, load_{relation}([it])")
        found = list(objects)
        await self._execution.run(lambda connection: self._execution.load_into(connection, found, [relation]))

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
        columns = {name: value for name, value in where.items() if name not in _REFINEMENTS}
        found = where_of(self._entity, {**key, **columns}, within, filters)
        selection = Selection[M, L](self._execution, self._validation, found)
        if len(columns) == len(where):
            return selection
        if (order := refinements.get("order_by")) is not None:
            selection = selection.order_by(*cast("Iterable[Any]", [order] if is_sql(order) else order))
        selection = selection.options(*refinements.get("options", ()))
        return selection.limit(refinements.get("limit")).offset(refinements.get("offset"))

    def _selecting(self, where: Where) -> sa.Executable:
        return sa.select(*self._entity.hydrator.columns).where(*where.conditions)

    def _keyed(self, row: Mapping[str, object]) -> dict[str, object]:
        """Return a row of changes, checked, with its primary key."""
        changes, names = dict(row), self._entity.primary_key
        key = {name: changes.pop(name) for name in names if name in changes}
        if len(key) < len(names):
            raise ValidationError(self.model, {name: "is required" for name in names if name not in key})
        return self._validation.change(changes) | key

    @cached_property
    def _entity(self) -> Entity[M]:
        return Entity(self.model, self.expressions)

    @cached_property
    def _validation(self) -> Validation:
        return Validation(self._entity)

    @cached_property
    def _execution(self) -> Execution[M]:
        return Execution(connections(self._db), self._entity, self._session)


def _dicts(rows: Iterable[R]) -> Iterator[R]:
    """Yield rows, each of which must be a mapping."""
    for row in rows:
        if not isinstance(row, Mapping):
            raise TypeError(f"a row is a dict of its values, not a {type(row).__name__}")
        yield row
