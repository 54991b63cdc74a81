"""Relationships of detached objects: loading them in one statement, and refusing to load them unasked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.sql.base import ExecutableOption
from sqlmodel import SQLModel

from .errors import UnloadedError


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


def refuse_unloaded(session: orm.Session) -> None:
    """Make every object of a session that is about to end refuse to load anything by itself."""
    for state in session.identity_map.all_states():
        missing = {name: one for name, one in _stand_ins(state.mapper).items() if name not in state.dict}
        state.callables = {**state.callables, **missing}


def load_relation(session: orm.Session, mapper: orm.Mapper[Any], name: str, objects: Iterable[SQLModel]) -> None:
    """Load one relationship of any number of objects with one statement."""
    owners: dict[tuple[object, ...], list[SQLModel]] = {}
    for one in objects:
        owners.setdefault(tuple(mapper.primary_key_from_instance(one)), []).append(one)
    if not owners:
        return
    relation = mapper.relationships[name]
    owner: Any = orm.aliased(mapper.class_) if relation.target is mapper.local_table else mapper.class_
    attributes = [mapper.get_property_by_column(column).key for column in mapper.primary_key]
    key: list[sa.ColumnElement[Any]] = [getattr(owner, attribute) for attribute in attributes]
    statement = sa.select(*key, relation.mapper.class_).select_from(owner).join(getattr(owner, name))
    statement = statement.where(one_of(key, list(owners))).order_by(*(relation.order_by or ()))
    found: dict[tuple[object, ...], list[object]] = {}
    for row in session.execute(statement.options(*explicit_only(relation.mapper))):
        found.setdefault(tuple(row[:-1]), []).append(row[-1])
    for identity, same in owners.items():
        related = found.get(identity, [])
        for one in same:
            set_committed_value(one, name, related if relation.uselist else next(iter(related), None))


def one_of(key: Sequence[sa.ColumnElement[Any]], values: Collection[Sequence[object]]) -> sa.ColumnElement[bool]:
    """Return the condition that a key is one of these, in as many parameters as it has columns."""
    columns = zip(key, zip(*values, strict=True), strict=True)
    arrays = [sa.func.unnest(sa.literal(list(given), sa.ARRAY(column.type))) for column, given in columns]
    return sa.tuple_(*key).in_(sa.select(*arrays))


@cache
def explicit_only(mapper: orm.Mapper[Any]) -> tuple[ExecutableOption, ...]:
    """Return the option that keeps a model's own ``lazy="joined"`` and the like from loading; none if it has none."""
    eager = {"joined", "selectin", "subquery", "immediate"}
    relations = (relation for one in mapper.registry.mappers for relation in one.relationships)
    return (orm.lazyload("*"),) if any(relation.lazy in eager for relation in relations) else ()


@cache
def _stand_ins(mapper: orm.Mapper[Any]) -> dict[str, Unloaded]:
    queries = {"dynamic", "write_only"}  # what they give is a query, which loads when asked
    return {one.key: Unloaded(one.key) for one in mapper.relationships if one.lazy not in queries}
