"""What every emitted controller derives from: each of its methods is one call into this class."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from copy import copy
from functools import cached_property
from typing import Any, ClassVar, Generic, Self, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from .arguments import Filters, OrderBy, PaginationResult, Refinements
from .entity import Entity, conditions_of
from .errors import NotFoundError, TransactionError, ValidationError
from .execution import Execution
from .relations import explicit_only, one_of
from .selection import Selection
from .service import DatabaseService, connections
from .validation import Validation

M = TypeVar("M", bound=SQLModel)
L = TypeVar("L", bound=str)
C = TypeVar("C", bound=Mapping[str, object])
U = TypeVar("U", bound=Mapping[str, object])


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
        return clone

    async def create_many(self, rows: Iterable[C]) -> list[M]:
        """Insert rows, all or none, and return them in the same order."""
        if not (checked := [self._bulk_row(self._validation.new(row)) for row in rows]):
            return []
        statement = insert(self.model).returning(self.model, sort_by_parameter_order=True)
        async with self._execution.together() as execution:
            stored = await execution.rows(statement.execution_options(render_nulls=True), values=checked)
        return [row[0] for row in stored]

    async def upsert_many(self, rows: Iterable[C], *, key: Collection[str] = ()) -> list[M]:
        """Insert rows, or set what is given of those whose unique key is there; all or none, in the same order.

        ``key`` is the attributes of the unique key; the primary key when omitted.
        """
        statements = [self._upserting(tuple(key or self._entity.primary_key), row, None) for row in rows]
        async with self._execution.together() as execution:
            return [one for statement in statements for one in await execution.objects(statement)]

    async def update_many(self, rows: Iterable[Mapping[str, object]]) -> int:
        """Set values of rows, each given with its primary key, all or none, and return how many were there."""
        statements = [self._updating(*self._split(row)) for row in rows]
        async with self._execution.together() as execution:
            return sum([len(await execution.objects(statement)) for statement in statements])

    async def bulk_update(self, updates: Iterable[Mapping[str, object]]) -> int:
        """Do what ``update_many`` does."""
        return await self.update_many(updates)

    async def delete_many(self, keys: Iterable[object]) -> int:
        """Delete the rows with these primary keys (tuples, if it has several columns), and return how many."""
        given = [cast("tuple[object, ...]", key) if isinstance(key, tuple) else (key,) for key in keys]
        condition = one_of([*self._entity.primary_key.values()], given) if given else sa.false()
        return await self._execution.affected(sa.delete(self.model).where(condition))

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
        (created,) = await self._execution.objects(self._writing(insert(self.model), self._validation.new(values)))
        return created

    async def _get(self, key: Mapping[str, object], load: Iterable[L] = (), *, within: str | None = None) -> M | None:
        if isinstance(load, str):
            raise TypeError('load takes a list of relationships, as in load=["cases"]')
        return await self._find(key, {}, within=within).load(*load).one_or_none()

    async def _get_one(self, key: Mapping[str, object], load: Iterable[L] = (), *, within: str | None = None) -> M:
        if (found := await self._get(key, load, within=within)) is None:
            raise NotFoundError(self.model)
        return found

    async def _update(self, key: Mapping[str, object], values: U, *, within: str | None = None) -> M | None:
        return await self._execution.first(self._updating(key, values, within))

    async def _delete(self, key: Mapping[str, object], *, within: str | None = None) -> bool:
        return await self._find(key, {}, within=within).delete() > 0

    async def _get_or_create(self, keys: Collection[str], values: C, *, within: str | None = None) -> tuple[M, bool]:
        entity, row = self._entity, self._validation.new(self._pinned(values, within))
        same = (*entity.same_key(keys, row), *entity.conditions({}, within))
        once = insert(self.model).on_conflict_do_nothing(**self._conflict(keys, within))
        for _ in range(10):
            if found := await self._execution.objects(
                sa.select(self.model).where(*same).options(*explicit_only(self._entity.mapper))
            ):
                return found[0], False
            if created := await self._execution.objects(self._writing(once, row)):
                return created[0], True
        raise TransactionError(f"the {self.model.__name__} with this key is there, but can not be seen from here")

    async def _upsert(self, keys: Collection[str], values: C, *, within: str | None = None) -> M:
        (stored,) = await self._execution.objects(self._upserting(keys, values, within))
        return stored

    async def _update_where(self, filters: Filters, values: U, *, all_rows: bool = False) -> int:
        return await self._find({}, {}, filters).update(values, all_rows=all_rows)

    async def _load(self, relation: str, objects: Iterable[M]) -> None:
        await self._execution.load(relation, objects)

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
        order = refinements.get("order_by")
        selection = Selection[M, L](
            self._execution,
            self._validation,
            (*self._entity.conditions({**key, **columns}, within), *conditions_of(filters)),
            (order,) if isinstance(order, sa.SQLColumnExpression) else tuple(order or ()),
        )
        selection = selection.options(*refinements.get("options", ()))
        return selection.limit(refinements.get("limit")).offset(refinements.get("offset"))

    def _updating(
        self, key: Mapping[str, object], values: Mapping[str, object], within: str | None = None
    ) -> sa.Executable:
        changes, conditions = self._validation.change(values), self._entity.conditions(key, within)
        if changes:
            return self._writing(sa.update(self.model).where(*conditions), changes)
        return sa.select(self.model).where(*conditions).options(*explicit_only(self._entity.mapper))

    def _upserting(self, keys: Collection[str], values: Mapping[str, object], within: str | None) -> sa.Executable:
        """Insert, or set only what is given; without anything to set, the key as it is, so that the row comes back."""
        row, statement = self._validation.new(self._pinned(values, within)), insert(self.model)
        changed = [self._entity.columns[name] for name in values if name not in keys]
        sets: dict[Any, Any] = {column: statement.excluded[column.key] for column in changed}
        if changed:
            sets = {column: _onupdate(column) for column in self._entity.table.columns if column.onupdate} | sets
        sets = sets or {self._entity.columns[name]: statement.excluded[name] for name in keys}
        return self._writing(statement.on_conflict_do_update(set_=sets, **self._conflict(keys, within)), row)

    def _writing(self, statement: Insert | sa.Update, values: Mapping[str, object]) -> sa.Executable:
        """Complete a write: set the values, return the object."""
        complete = statement.values(self._entity.assigned(values)).returning(self.model)
        return complete.options(*explicit_only(self._entity.mapper)).execution_options(synchronize_session=False)

    def _pinned(self, values: Mapping[str, object], within: str | None) -> dict[str, object]:
        """Return a new row's values with those that the predicate of its index fixes; refuse what contradicts it."""
        pins = self._entity.pins(within) if within else {}
        given = {name: self._entity.constant(name, values[name]) for name in pins.keys() & values.keys()}
        if wrong := [name for name, constant in given.items() if not _fits(pins[name], constant)]:
            reasons = {name: f"must be {pins[name]}, which is what the index {within} is about" for name in wrong}
            raise ValidationError(self.model, reasons)
        fixed = {name: constant for name, constant in pins.items() if constant != "NOT NULL"}
        return {**{name: cast("object", sa.literal_column(constant)) for name, constant in fixed.items()}, **values}

    def _conflict(self, keys: Collection[str], within: str | None) -> dict[str, Any]:
        predicate = self._entity.predicate(within) if within else None
        return {"index_elements": [self._entity.operand(key) for key in keys], "index_where": predicate}

    def _split(self, row: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
        """Take the primary key out of a row."""
        if missing := self._entity.primary_key.keys() - row.keys():
            raise ValidationError(self.model, dict.fromkeys(sorted(missing), "is required"))
        key = {name: row[name] for name in self._entity.primary_key}
        return key, {name: value for name, value in row.items() if name not in key}

    def _bulk_row(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return a row of many: an SQL NULL where a JSON column's type would write its own ``null``."""
        columns = self._entity.columns
        json = {name for name, value in values.items() if value is None and isinstance(columns[name].type, sa.JSON)}
        return {**values, **dict.fromkeys(json, sa.null())}

    @cached_property
    def _entity(self) -> Entity[M]:
        return Entity(self.model, self.expressions)

    @cached_property
    def _validation(self) -> Validation:
        return Validation(self._entity)

    @property
    def _execution(self) -> Execution[M]:
        return Execution(connections(self._db), self._entity, self._session)


def _fits(pin: str, constant: str) -> bool:
    return constant != "NULL" if pin == "NOT NULL" else constant == pin


def _onupdate(column: sa.Column[Any]) -> object:
    """Return what a column's ``onupdate`` sets; ON CONFLICT DO UPDATE does not see to it by itself."""
    default: Any = column.onupdate
    return default.arg(None) if default.is_callable else default.arg
