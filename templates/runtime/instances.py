"""Creates detached instances from rows, as the ORM does; their relationships raise an error unless they are loaded."""

from __future__ import annotations

import gc
import operator
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic

from sqlalchemy import orm

from .contracts import M
from .errors import UnloadedError, translated
from .pool import Rows
from .table import Table

_MANY = 20  # instances beyond which the garbage collector would take most of the time
_QUERIES = {"dynamic", "write_only"}  # relationships that are queries


@dataclass(frozen=True)
class Unloaded:
    """The loader of a relationship that was not loaded, which raises; picklable, and shared by the instances."""

    relation: str

    def __call__(self, state: orm.InstanceState[Any], passive: orm.PassiveFlag) -> object:
        """Return the value for SQLAlchemy, which calls this when the attribute is read."""
        load = state.manager[self.relation].impl.callable_
        if state.session is not None and load:  # the caller added the instance to a session, which loads it
            return load(state, passive)
        if not passive & orm.PassiveFlag.SQL_OK:
            return orm.LoaderCallableStatus.PASSIVE_NO_RESULT
        raise UnloadedError(
            f"{state.class_.__name__}.{self.relation} is not loaded: pass "
            f'load=["{self.relation}"] to the call that reads, or load it now with load_{self.relation}(objects)'
        )


class Instances(Generic[M]):
    """Creates the instances of one model."""

    def __init__(self, table: Table[M]) -> None:
        self._table, self._names, self._loaders = table, list(table.columns), unloaded(table.mapper)
        positions = [self._names.index(name) for name in table.key_names]
        column = operator.itemgetter(*positions)
        self._key_of: Callable[[Sequence[Any]], tuple[Any, ...]] = (
            column if len(positions) > 1 else lambda row: (column(row),)
        )

    def of(self, rows: Rows) -> list[M]:
        """Return an instance for each row, which begins with the columns of the select list."""
        if self._table.results:
            rows = self._converted(rows)
        mapper, names, key_of, loaders = self._table.mapper, self._names, self._key_of, self._loaders
        manager, model, new, instances = mapper.class_manager, mapper.class_, mapper.class_.__new__, list[M]()
        with uninterrupted() if len(rows) > _MANY else nullcontext():
            for row in rows:  # as ``manager.new_instance()`` does, but without calling ``__setattr__``
                instance = new(model)
                state = orm.InstanceState(instance, manager)
                state.key = (model, key_of(row), None)
                if loaders:
                    state.callables = loaders.copy()
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
        return lists


def unloaded(mapper: orm.Mapper[Any]) -> dict[str, Any]:
    """Return the loaders that raise, for each relationship of a mapper."""
    return {relation.key: Unloaded(relation.key) for relation in mapper.relationships if relation.lazy not in _QUERIES}


def detach(session: orm.Session) -> None:
    """Detach every instance of a session; relationships that are not loaded raise from then on."""
    for state in session.identity_map.all_states():
        missing = {name: loader for name, loader in unloaded(state.mapper).items() if name not in state.dict}
        state.callables = {**state.callables, **missing}
    session.expunge_all()


@contextmanager
def uninterrupted() -> Generator[None, None, None]:
    """Pause the garbage collector, which would scan many new objects repeatedly."""
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()
