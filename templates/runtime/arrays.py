"""Several values of a column in one parameter: which types allow it, and how conditions are made of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from copy import copy
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BIT
from sqlalchemy.dialects.postgresql.ranges import AbstractMultiRange
from typing_extensions import override

_OF_REAL = 24  # binary digits


def array_of(kind: sa.types.TypeEngine[Any]) -> sa.ARRAY[Any]:
    """Return the type of several values of a column."""
    return sa.ARRAY(unlimited(kind), dimensions=1)


def one_of(key: Sequence[sa.ColumnElement[Any]], values: Collection[Sequence[object]]) -> sa.ColumnElement[bool]:
    """Return the condition that a key is one of these, in as many parameters as it has columns where that can be."""
    if not all(fits_array(column.type) for column in key):
        return sa.tuple_(*key).in_(values)
    columns = zip(key, zip(*values, strict=True), strict=True)
    return in_arrays(key, [sa.literal(list(given), array_of(column.type)) for column, given in columns])


def in_arrays(key: Sequence[sa.ColumnElement[Any]], arrays: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[bool]:
    """Return the condition that a key is one of those whose parts are in these arrays."""
    if len(arrays) == 1:
        return key[0] == sa.any_(arrays[0])
    return sa.tuple_(*key).in_(sa.select(*map(sa.func.unnest, arrays)))


def is_list(kind: sa.types.TypeEngine[Any]) -> bool:
    """Whether a column holds lists, of which PostgreSQL has no arrays, or nobody knows what."""
    return isinstance(_inner(kind), (sa.ARRAY, AbstractMultiRange, sa.types.NullType))


def converts(kind: sa.types.TypeEngine[Any]) -> bool:
    """Whether a type of the author's own decides what is stored of a value, be it a list or None."""
    bases: list[type[object]] = list(type(kind).__mro__)
    own = bases[: bases.index(sa.TypeDecorator)] if isinstance(kind, sa.TypeDecorator) else []
    return any("process_bind_param" in vars(base) for base in own)


def fits_array(kind: sa.types.TypeEngine[Any]) -> bool:
    """Whether several values of a column can be sent as one array, and mean the same as one by one."""
    return not (is_list(kind) or isinstance(_inner(kind), BIT) or getattr(kind, "_has_bind_expression", False))


def unlimited(kind: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    """Return a type without its limits: a cast to ``VARCHAR(5)[]`` cuts silently, one to ``NUMERIC(8, 2)`` rounds."""
    known: Any = kind  # type checkers lose what an array holds
    if isinstance(kind, sa.Interval):
        return sa.Interval(native=kind.native)
    if isinstance(kind, sa.TypeDecorator):
        return _without(kind, "impl_instance", impl=unlimited(kind.impl_instance))
    if isinstance(kind, sa.ARRAY):
        return sa.ARRAY(unlimited(known.item_type), as_tuple=known.as_tuple, dimensions=known.dimensions)
    if isinstance(kind, sa.JSON):
        return kind.adapt(type(kind), none_as_null=True)
    if name := _own_name(kind):
        return Bare(name)
    limits = {name: None for name in ("length", "precision", "scale") if getattr(kind, name, None) is not None}
    return _without(kind, **limits) if limits and not isinstance(kind, (sa.Enum, sa.Float)) else kind


class Bare(sa.types.UserDefinedType[Any]):
    """A type by a name that has no limits; a single value is not cast to it, and is of the type it is compared with."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    @override
    def get_col_spec(self, **_: object) -> str:
        """Return its name in SQL."""
        return self.name


def _own_name(kind: sa.types.TypeEngine[Any]) -> str | None:
    """Return what PostgreSQL calls a type that without its length is one character, or another type altogether."""
    if isinstance(kind, (sa.CHAR, sa.NCHAR)):
        return "BPCHAR"
    if isinstance(kind, sa.REAL) or (isinstance(kind, sa.Float) and (kind.precision or 53) <= _OF_REAL):
        return "REAL"
    return "BIT" if isinstance(kind, BIT) else None


def _without(kind: sa.types.TypeEngine[Any], *memoized: str, **changes: object) -> sa.types.TypeEngine[Any]:
    """Return a copy of a type, whose constructor may be the author's own, with other attributes."""
    copied = copy(kind)
    for name in ("_static_cache_key", *memoized):  # what SQLAlchemy has worked out of the attributes as they were
        vars(copied).pop(name, None)
    vars(copied).update(changes)
    return copied


def python_type(kind: sa.types.TypeEngine[Any]) -> type[Any]:
    """Return what values of a type are, as far as it is known."""
    return _inner(kind).python_type


def _inner(kind: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    return _inner(kind.impl_instance) if isinstance(kind, sa.TypeDecorator) else kind
