"""Relationships of detached objects: loading them in one statement, and refusing to load them unasked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, any_, func, literal, select, tuple_
from sqlalchemy.orm import (
    InstanceState,
    LoaderCallableStatus,
    Mapper,
    PassiveFlag,
    Session,
    aliased,
    lazyload,
)
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.sql.base import ExecutableOption
from sqlmodel import SQLModel

from .errors import UnloadedError

_EAGER = {"joined", "selectin", "subquery", "immediate"}
_LAZY_BY_DESIGN = {"dynamic", "write_only"}  # what they give is a query


@dataclass(frozen=True)
class Unloaded:
    """Stands in for a relationship that was not loaded: shared by the objects of a model, and picklable."""

    relation: str

    def __call__(self, state: InstanceState[Any], passive: PassiveFlag) -> object:
        """Answer SQLAlchemy, which asks for the value when the attribute is touched."""
        if state.session is not None:  # the caller has added it to a session, whose rules hold there
            load: Callable[[InstanceState[Any], PassiveFlag], object] | None = state.manager[
                self.relation
            ].impl.callable_
            return load(state, passive) if load else LoaderCallableStatus.PASSIVE_NO_RESULT
        if not passive & PassiveFlag.SQL_OK:
            return LoaderCallableStatus.PASSIVE_NO_RESULT
        raise UnloadedError(
            f"{state.class_.__name__}.{self.relation} is not loaded: ask for it when reading, with "
            f'load=["{self.relation}"], or load it now with load_{self.relation}(objects)'
        )


def refuse_unloaded(session: Session) -> None:
    """Make every object of a session that is about to end refuse to load anything by itself."""
    for state in session.identity_map.all_states():
        missing = {name: stand_in for name, stand_in in _stand_ins(state.mapper).items() if name not in state.dict}
        if missing:
            state.callables = {**state.callables, **missing}


def load_relation(session: Session, mapper: Mapper[Any], name: str, objects: Iterable[SQLModel]) -> None:
    """Load one relationship of any number of objects with one statement."""
    owners: dict[tuple[object, ...], list[SQLModel]] = {}
    for one in objects:
        owners.setdefault(tuple(mapper.primary_key_from_instance(one)), []).append(one)
    if not owners:
        return
    relation = mapper.relationships[name]
    owner: Any = aliased(mapper.class_) if relation.target is mapper.local_table else mapper.class_
    key: list[ColumnElement[Any]] = [
        getattr(owner, mapper.get_property_by_column(column).key) for column in mapper.primary_key
    ]
    statement = (
        select(*key, relation.mapper.class_)
        .select_from(owner)
        .join(getattr(owner, name))
        .where(one_of(key, list(owners)))
        .order_by(*(relation.order_by or ()))
        .options(*explicit_only(relation.mapper))
    )
    found: dict[tuple[object, ...], list[object]] = {}
    for row in session.execute(statement):
        found.setdefault(tuple(row[:-1]), []).append(row[-1])
    for identity, same in owners.items():
        related = found.get(identity, [])
        for one in same:
            set_committed_value(one, name, related if relation.uselist else next(iter(related), None))


def one_of(key: Sequence[ColumnElement[Any]], values: Collection[Sequence[object]]) -> ColumnElement[bool]:
    """Return the condition that a key is one of these, in as many parameters as it has columns."""
    arrays = [
        literal(list(given), ARRAY(column.type)) for column, given in zip(key, zip(*values, strict=True), strict=True)
    ]
    if len(key) == 1:
        return key[0] == any_(arrays[0])
    return tuple_(*key).in_(select(*(func.unnest(array) for array in arrays)))


@cache
def explicit_only(mapper: Mapper[Any]) -> tuple[ExecutableOption, ...]:
    """Return the option that keeps a model's own ``lazy="joined"`` and the like from loading; none if it has none."""
    relations = (relation for one in mapper.registry.mappers for relation in one.relationships)
    return (lazyload("*"),) if any(relation.lazy in _EAGER for relation in relations) else ()


@cache
def _stand_ins(mapper: Mapper[Any]) -> dict[str, Unloaded]:
    relations = (relation for relation in mapper.relationships if relation.lazy not in _LAZY_BY_DESIGN)
    return {relation.key: Unloaded(relation.key) for relation in relations}
