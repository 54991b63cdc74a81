"""Chooses values with keys in mind: rows of one factory must not clash, and unique keys should find them."""

from __future__ import annotations

from collections.abc import Mapping

from ctrlgen.blueprint import Controller
from ctrlgen.schema import Column, ColumnPart, Index, Model
from ctrlgen.stubs.values import Value, fresh_value


def columns_in(index: Index) -> list[str]:
    """Return the attributes of an index."""
    return [part.attribute for part in index.parts if isinstance(part, ColumnPart)]


def own_values(controller: Controller, given: Mapping[str, Value]) -> dict[str, Value | None]:
    """Return values for what a new row requires, and for what would be too little without: None where none is known."""
    model = controller.model
    wanted = [entry.key for entry in controller.create if entry.required and entry.key not in given]
    values = {attribute: fresh_value(model.column(attribute)) for attribute in wanted}
    referring = {name for key in model.foreign_keys for name in key.attributes}
    optional = {entry.key for entry in controller.create if not entry.required} - given.keys() - referring
    for index in model.indexes[1:]:
        for column in (model.column(attribute) for attribute in columns_in(index) if attribute in optional):
            value = fresh_value(column)
            if value and _is_better_given(column, index, model, value):
                values[column.attribute] = value
    return values


def _is_better_given(column: Column, index: Index, model: Model, value: Value) -> bool:
    """Tell whether rows should have a value that they may leave out.

    They do where the default would make the second row clash with the first, and where without one a unique key
    would not find them.
    """
    if not index.unique:
        return False
    if not column.nullable or index.nulls_not_distinct:
        return value.fresh
    return column.default == "None" and (value.fresh or column.kind == "uuid") and not _is_null_in(column, model)


def _is_null_in(column: Column, model: Model) -> bool:
    """Tell whether a partial index is about rows without a value."""
    predicates = [index.predicate for index in model.indexes if index.predicate]
    return any(
        predicate.conditions is None
        or any((pin.attribute, pin.test) == (column.attribute, "is null") for pin in predicate.conditions)
        for predicate in predicates
    )


def is_single(model: Model, values: Mapping[str, Value]) -> bool:
    """Tell whether a second row would clash with the first in some key, as where it is an enum."""
    return any(
        index.unique and _is_met(index, model, values) and _is_alike(index, model, values) for index in model.indexes
    )


def _is_met(index: Index, model: Model, values: Mapping[str, Value]) -> bool:
    """Tell whether new rows may be in a unique index: a partial one may be about others."""
    if index.predicate is None or index.predicate.conditions is None:
        return index.predicate is None
    free = [pin for pin in index.predicate.conditions if pin.attribute not in values and pin.test == "="]
    return all(model.column(pin.attribute).default in (None, pin.value) for pin in free)


def _is_alike(index: Index, model: Model, values: Mapping[str, Value]) -> bool:
    """Tell whether all new rows have the same key."""
    attributes = columns_in(index)
    columns = [model.column(attribute) for attribute in attributes]
    return len(attributes) == len(index.parts) and not any(_differs(column, index, values) for column in columns)


def _differs(column: Column, index: Index, values: Mapping[str, Value]) -> bool:
    if value := values.get(column.attribute):
        return value.fresh or column.kind in {"uuid", "datetime"}
    return column.default is None or (column.default == "None" and not index.nulls_not_distinct)
