"""Makes detached instances of rows, as complete as the ORM makes them, whose relationships refuse to load unasked."""

from __future__ import annotations

import gc
import operator
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import orm
from sqlmodel import SQLModel

from .errors import UnloadedError, translated
from .operand import change_times, with_zone
from .pool import Rows
from .table import Table

M = TypeVar("M", bound=SQLModel)

_MANY = 20  # instances from which on the garbage collector would cost more than all the rest
_QUERIES = {"dynamic", "write_only"}  # relationships that are queries, which load when asked


@dataclass(frozen=True)
class Unloaded:
    """Stands in for a relationship that was not loaded: shared by the instances of a model, and picklable."""

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


class Instances(Generic[M]):
    """Makes the instances of one model."""

    def __init__(self, table: Table[M]) -> None:
        self._table, self._names, self._stand_ins = table, list(table.columns), stand_ins(table.mapper)
        positions = [self._names.index(name) for name in table.key_names]
        column = operator.itemgetter(*positions)
        self._key_of: Callable[[Sequence[Any]], tuple[Any, ...]] = (
            column if len(positions) > 1 else lambda row: (column(row),)
        )

    def of(self, rows: Rows) -> list[M]:
        """Return an instance of each row, which begins with the columns of the select list."""
        if self._table.results or self._table.times:
            rows = self._converted(rows)
        mapper, names, key_of, stand_ins = self._table.mapper, self._names, self._key_of, self._stand_ins
        manager, model, make, instances = mapper.class_manager, mapper.class_, mapper.class_.__new__, list[M]()
        with uninterrupted() if len(rows) > _MANY else nullcontext():
            for row in rows:  # what ``manager.new_instance()`` does, without the detour by ``__setattr__``
                instance = make(model)
                state = orm.InstanceState(instance, manager)
                state.key = (model, key_of(row), None)
                if stand_ins:
                    state.callables = stand_ins.copy()
                attributes = vars(instance)
                attributes["_sa_instance_state"] = state
                attributes.update(zip(names, row, strict=False))
                instances.append(instance)
        return instances

    def _converted(self, rows: Rows) -> Rows:
        lists = [list(row) for row in rows]
        with translated(self._table.model, ()):
            for number, convert in self._table.results:
                for row in lists:
                    row[number] = convert(row[number])
            for number in self._table.times:
                for row in lists:
                    row[number] = change_times(row[number], with_zone)
        return lists


def stand_ins(mapper: orm.Mapper[Any]) -> dict[str, Any]:
    """Return what makes each relationship of a mapper refuse to load by itself."""
    return {one.key: Unloaded(one.key) for one in mapper.relationships if one.lazy not in _QUERIES}


def detach(session: orm.Session) -> None:
    """Detach every instance of a session, and make it refuse to load anything by itself."""
    for state in session.identity_map.all_states():
        missing = {name: one for name, one in stand_ins(state.mapper).items() if name not in state.dict}
        state.callables = {**state.callables, **missing}
    session.expunge_all()


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
