"""Methods on one row: everything a unique key gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ctrlgen.package import Method, MethodKind, Parameter
from ctrlgen.plan.entries import update_entries
from ctrlgen.plan.naming import MANY, key_name, parameter_names
from ctrlgen.plan.paths import AccessPath, is_arbiter, settled_pins, unique_paths
from ctrlgen.schema import ColumnPart, Model, Part

_ROW_METHODS: dict[MethodKind, tuple[str, str]] = {
    "get": ("get", "Return the row with this {key}, or None."),
    "get_one": ("get_one", "Return the row with this {key}, or raise `NotFoundError`."),
    "update": ("update", "Change the row with this {key} and return it, or None where there is none."),
    "delete": ("delete", "Delete the row with this {key}; tell whether there was one."),
}
_INSERT_METHODS: dict[MethodKind, tuple[str, str]] = {
    "get_or_create": ("get_or_create", "Return the row with this {key}, made if missing, and whether it was made."),
    "upsert": ("upsert", "Insert the row, or change the one with this {key} to what is given."),
}


def key_methods(model: Model) -> Iterator[Method]:
    """Yield the methods of every unique key, the primary key first."""
    for path in unique_paths(model):
        for kind, (verb, doc) in _ROW_METHODS.items():
            if kind != "update" or update_entries(model):
                yield _method(kind, verb, doc, path, model)
        if _is_given_by_every_row(path, model):
            for kind, (verb, doc) in _INSERT_METHODS.items():
                yield _method(kind, verb, doc, path, model)


def parameters(parts: Sequence[Part], names: Sequence[str], model: Model) -> tuple[Parameter, ...]:
    """Return the positional parameters that ask for ``parts``."""
    called = parameter_names(names)
    return tuple(_parameter(*one, model) for one in zip(called, parts, names, strict=True))


def _parameter(called: str, part: Part, name: str, model: Model) -> Parameter:
    if isinstance(part, ColumnPart):
        column = model.column(part.attribute)
        return Parameter(called, name, column.annotation, column.nullable, column.comparison)
    return Parameter(called, name, part.annotation, nullable=False, comparison=part.comparison)


def _method(kind: MethodKind, verb: str, doc: str, path: AccessPath, model: Model) -> Method:
    called = [key_name(path.names, path.index, model)] if len(path.names) > MANY else path.names
    key = " and ".join(f"`{name}`" for name in called) + path.condition
    prefix = "_".join([verb, path.purpose]) if path.purpose else verb
    accepts_null = path.index.nulls_not_distinct
    asked = tuple(_without_null(one, accepts_null) for one in parameters(path.parts, path.names, model))
    name = f"{prefix}_by_{key_name(path.names, path.index, model)}" if path.names else prefix
    return Method(kind, name, doc.format(key=key), asked, within=path.within, index=path.index)


def _without_null(parameter: Parameter, accepts_null: bool) -> Parameter:
    return parameter if accepts_null else replace(parameter, nullable=False)


def _is_given_by_every_row(path: AccessPath, model: Model) -> bool:
    """Tell whether a new row must name every column of the key, none of which may be NULL."""
    within = path.index.predicate if path.within else None
    understood = within is None or settled_pins(within) is not None
    usable = understood and is_arbiter(path.index.parts, within, model)
    return usable and bool(path.parts) and all(_is_given(part, model) for part in path.parts)


def _is_given(part: Part, model: Model) -> bool:
    if not isinstance(part, ColumnPart):
        return False
    column = model.column(part.attribute)
    return column.presence == "required" and not column.nullable
