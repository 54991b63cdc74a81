"""What the generator has decided about a model; each emitted controller has one ``Facts``, as plain data."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlmodel import SQLModel


class Loader(Protocol):
    """Loads a relationship of any number of objects; ``relations`` has two of them."""

    async def __call__(
        self, execution: Any, name: str, objects: Sequence[SQLModel], seen: dict[Any, SQLModel] | None, /
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Partial:
    """A partial index: the predicate as SQL, with columns by their bare names.

    ``implied`` has the values that the predicate gives to a row, ``present`` the attributes that it says are not
    NULL, and ``keys`` the attributes of a unique one, for ON CONFLICT.
    """

    where: str
    implied: Mapping[str, object] = field(default_factory=dict[str, object])
    present: Collection[str] = ()
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that is said in attributes of the model.

    Parameters
    ----------
    required
        What a new row must give.
    computed
        What the database computes, and nobody may set.
    omitted
        Where a default of None stands for what the column or the database has.
    unique
        The keys that ON CONFLICT takes; the primary key is always one of them.
    expressions
        Expressions of indexes, as SQL with columns by their bare names, by what filters call them.
    partial
        Partial indexes by name.
    relations
        What loads each relationship.
    """

    required: Collection[str] = ()
    computed: Collection[str] = ()
    omitted: Collection[str] = ()
    unique: Collection[tuple[str, ...]] = ()
    expressions: Mapping[str, str] = field(default_factory=dict[str, str])
    partial: Mapping[str, Partial] = field(default_factory=dict[str, Partial])
    relations: Mapping[str, Loader] = field(default_factory=dict[str, Loader])
