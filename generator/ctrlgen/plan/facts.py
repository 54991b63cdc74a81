"""What the runtime is given about a model, beyond its methods, so that it need not find out."""

from __future__ import annotations

from collections.abc import Iterable

from ctrlgen.package import Facts, Method, Partial
from ctrlgen.plan.entries import named_expressions
from ctrlgen.plan.naming import part_name
from ctrlgen.plan.paths import is_arbiter, settled_pins
from ctrlgen.schema import ColumnPart, Index, Model


def facts(model: Model, methods: Iterable[Method]) -> Facts:
    """Return the facts that these methods of a model need."""
    columns = model.columns
    return Facts(
        required=tuple(column.attribute for column in columns if column.presence == "required"),
        computed=tuple(column.attribute for column in columns if column.presence == "computed"),
        omitted=tuple(column.attribute for column in columns if column.omitted),
        unique=tuple(_unique(model)),
        expressions=tuple((part.name or "", part.sql) for part in named_expressions(model)),
        partial=tuple(_partial(index) for index in _partial_indexes(methods)),
    )


def _unique(model: Model) -> Iterable[tuple[str, ...]]:
    """Return the unique keys, beside the primary key, that ON CONFLICT takes for all rows, each once."""
    primary = frozenset(map(part_name, model.primary_key.parts))
    seen = {primary}
    for index in model.indexes[1:]:
        names = tuple(part_name(part) or "" for part in index.parts)
        if index.unique and all(names) and frozenset(names) not in seen and is_arbiter(index.parts, None, model):
            seen.add(frozenset(names))
            yield names


def _partial_indexes(methods: Iterable[Method]) -> Iterable[Index]:
    return dict.fromkeys(method.index for method in methods if method.within and method.index)


def _partial(index: Index) -> Partial:
    assert index.name
    assert index.predicate
    pins = settled_pins(index.predicate) or ()
    names = [part.attribute for part in index.parts if isinstance(part, ColumnPart)]
    return Partial(
        name=index.name,
        where=index.predicate.sql,
        implied=tuple(pin for pin in pins if pin.test != "is not null"),
        present=tuple(pin.attribute for pin in pins if pin.test == "is not null"),
        keys=tuple(names) if index.unique and len(names) == len(index.parts) else (),
    )
