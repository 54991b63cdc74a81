"""Makes detached objects of rows, as complete as the ORM makes them, at a fraction of its cost."""

from __future__ import annotations

import gc
import operator
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeAlias, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.sql.base import ExecutableOption
from sqlmodel import SQLModel

from .arrays import one_of
from .driver import fetch
from .errors import UnloadedError

M = TypeVar("M", bound=SQLModel)
Row: TypeAlias = tuple[Any, ...]
Values: TypeAlias = Mapping[str, object] | None

_MANY = 20  # objects from which on the garbage collector would cost more than all the rest
_QUERIES = {"dynamic", "write_only"}  # relationships that are queries, which load when asked
_EAGER = {"joined", "selectin", "subquery", "immediate"}


@dataclass(frozen=True)
class Unloaded:
    """Stands in for a relationship that was not loaded: shared by the objects of a model, and picklable."""

    relation: str

    def __call__(self, state: orm.InstanceState[Any], passive: orm.PassiveFlag) -> object:
        """Answer SQLAlchemy, which asks for the value when the attribute is touched."""
        load = state.manager[self.relation].impl.callable_
        if state.session is not None and load:  # added to a session by the caller: its rules hold
            return load(state, passive)
        if not passive & orm.PassiveFlag.SQL_OK:
            return orm.LoaderCallableStatus.PASSIVE_NO_RESULT
        raise UnloadedError(
            f"{state.class_.__name__}.{self.relation} is not loaded: ask for it when reading, with "
            f'load=["{self.relation}"], or load it now with load_{self.relation}(objects)'
        )


class Hydrator(Generic[M]):
    """Makes objects of one model.

    Models that do something when they are loaded, or whose rows are not all there is to them, are not ``plain`` and
    left to the ORM. ``columns`` is what rows must have, in this order; ``stored`` is what a write returns.
    """

    def __init__(self, mapper: orm.Mapper[M]) -> None:
        self.mapper = mapper
        self.names = [one.key for one in mapper.column_attrs]
        self.columns = [one.columns[0] for one in mapper.column_attrs]
        self.stored = [column for column in self.columns if isinstance(column, sa.Column)]
        self.plain = _is_plain(mapper)
        position: dict[object, int] = {column: number for number, column in enumerate(self.columns)}
        key = [position[column] for column in mapper.primary_key] if self.plain else list[int]()
        self._key_of = _picker(key)
        self._stand_ins = _stand_ins(mapper)

    @cached_property
    def explicit(self) -> tuple[ExecutableOption, ...]:
        """The option that keeps ``lazy="joined"`` and the like of any model from loading, if one has it."""
        relations = (relation for one in self.mapper.registry.mappers for relation in one.relationships)
        return (orm.lazyload("*"),) if any(relation.lazy in _EAGER for relation in relations) else ()

    def objects(self, connection: sa.Connection, statement: sa.Executable, values: Values = None) -> list[M]:
        """Return the objects that a statement gives, which selects or returns ``columns``."""
        if self.plain:
            return self.of_rows(fetch(connection, statement, values))
        if not statement.is_select:
            return self._stored(connection, statement, values)
        entities = (
            sa.select(self.mapper.class_).from_statement(cast("sa.Select[Any]", statement)).options(*self.explicit)
        )
        fresh = entities.execution_options(populate_existing=True)
        return [row[0] for row in self.by_orm(connection, fresh, values)]

    def _stored(self, connection: sa.Connection, statement: sa.Executable, values: Values) -> list[M]:
        """Return the objects of the rows that a statement has written, in its order."""
        key = self.mapper.primary_key
        places = [next(n for n, column in enumerate(self.stored) if column is part) for part in key]
        written = [tuple([row[place] for place in places]) for row in connection.execute(statement, values)]
        if not written:
            return []
        whole = sa.select(self.mapper.class_).where(one_of(key, written)).options(*self.explicit)
        found = {tuple(self.mapper.primary_key_from_instance(row[0])): row[0] for row in self.by_orm(connection, whole)}
        return [found[one] for one in written]

    def of_rows(self, rows: Sequence[Sequence[Any]]) -> list[M]:
        """Return an object for each row; what a row has beyond ``columns`` is not its business."""
        names, stand_ins, key_of, found = self.names, self._stand_ins, self._key_of, list[M]()
        manager, model, make = self.mapper.class_manager, self.mapper.class_, self.mapper.class_.__new__
        with uninterrupted() if len(rows) > _MANY else nullcontext():
            for row in rows:  # what ``manager.new_instance()`` does, without the detour by ``__setattr__``
                one = make(model)
                state = orm.InstanceState(one, manager)
                state.key = (model, key_of(row), None)
                if stand_ins:
                    state.callables = stand_ins.copy()
                attributes = vars(one)
                attributes["_sa_instance_state"] = state
                attributes.update(zip(names, row, strict=False))
                found.append(one)
        return found

    def by_orm(self, connection: sa.Connection, statement: sa.Executable, values: Values = None) -> list[Row]:
        """Return the rows of a statement of the ORM, whose first column is the object."""
        with orm.Session(connection, join_transaction_mode="rollback_only") as session:
            found = [tuple(row) for row in session.execute(statement, values).unique()]
            self.release(session)
            return found

    def release(self, session: orm.Session) -> None:
        """Detach every object of a session, and make it refuse to load anything by itself."""
        for state in session.identity_map.all_states():
            missing = {name: one for name, one in _stand_ins(state.mapper).items() if name not in state.dict}
            state.callables = {**state.callables, **missing}
        for one in list(session.identity_map.values()):  # one by one: a stream goes on with the map
            session.expunge(one)


def _picker(positions: Sequence[int]) -> Callable[[Sequence[Any]], Row]:
    """Return what takes these of a row's values, as a tuple."""
    if len(positions) == 1:
        (only,) = positions
        return lambda row: (row[only],)
    return operator.itemgetter(*positions) if positions else tuple[Any, ...]


def _stand_ins(mapper: orm.Mapper[Any]) -> dict[str, Any]:
    return {one.key: Unloaded(one.key) for one in mapper.relationships if one.lazy not in _QUERIES}


def _is_plain(mapper: orm.Mapper[Any]) -> bool:
    dispatch: Any = mapper.class_manager.dispatch
    listens = bool(dispatch.load or dispatch.refresh)
    special = bool(mapper.inherits or mapper.composites) or mapper.polymorphic_on is not None
    attributes = list(mapper.column_attrs)
    partial = any(one.deferred or not isinstance(one.columns[0], sa.Column) for one in attributes)
    return not (listens or special or partial or mapper.version_id_col is not None)


@contextmanager
def uninterrupted() -> Generator[None, None, None]:
    """Pause the garbage collector, which would look at many new objects again and again."""
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()
