"""The keys of the TypedDicts of a model: for new rows, for updates, and for filters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from ctrlgen.blueprint import Entry
from ctrlgen.plan.naming import REFINEMENTS
from ctrlgen.schema import Comparison, ExpressionPart, Model


def create_entries(model: Model) -> tuple[Entry, ...]:
    """Return the entries for the columns that a new row may set."""
    return tuple(
        Entry(column.attribute, column.annotation, column.nullable, required=column.is_required)
        for column in model.columns
        if not column.is_computed
    )


def update_entries(model: Model) -> tuple[Entry, ...]:
    """Return the entries for the columns that can be updated: all but primary key and computed columns."""
    keys = {*update_keys(model)}
    columns = [column for column in model.columns if column.attribute in keys]
    return tuple(Entry(column.attribute, column.annotation, column.nullable, wrapper="Settable") for column in columns)


def update_keys(model: Model) -> list[str]:
    """Return the keys of the update entries. Most callers need only these, for every method of a model."""
    key = model.primary_key.columns
    return [column.attribute for column in model.columns if not column.is_computed and column.attribute not in key]


def where_entries(model: Model) -> tuple[Entry, ...]:
    """Return the entries for the columns and named index expressions that can be compared.

    A tenant that every call requires is a separate parameter.
    """
    columns = [
        Entry(column.attribute, column.annotation, column.nullable, wrapper=wrapper(column.comparison))
        for column in model.columns
        if column.comparison != "none" and column.attribute not in {*REFINEMENTS, model.tenant}
    ]
    expressions = [
        Entry(part.name, part.annotation, nullable=False, wrapper=wrapper(part.comparison))
        for part in named_expressions(model)
        if part.name and part.name not in REFINEMENTS
    ]
    return (*columns, *expressions)


def named_expressions(model: Model) -> Iterator[ExpressionPart]:
    """Yield the distinct index expressions that filters may use."""
    seen = {column.attribute for column in model.columns}
    for part in (part for index in model.indexes for part in index.expressions):
        if part.name and part.name not in seen:
            seen.add(part.name)
            yield part


def wrapper(comparison: Comparison) -> Literal["Ordered", "Equal"]:
    """Return the runtime's alias for the comparisons of a column."""
    return "Ordered" if comparison == "ordered" else "Equal"
