"""The keys of a model's TypedDicts: what a new row takes, what an update may set, what a filter may ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from ctrlgen.package import Entry
from ctrlgen.plan.naming import REFINEMENTS
from ctrlgen.schema import Comparison, ExpressionPart, Finding, Model


def create_entries(model: Model) -> tuple[Entry, ...]:
    """Return an entry for every column a new row may be given."""
    return tuple(
        Entry(column.attribute, column.annotation, column.nullable, required=column.presence == "required")
        for column in model.columns
        if column.presence != "computed"
    )


def update_entries(model: Model) -> tuple[Entry, ...]:
    """Return an entry for every column that can change: not the primary key, nothing computed."""
    key = {getattr(part, "attribute", None) for part in model.primary_key.parts}
    return tuple(
        Entry(column.attribute, column.annotation, column.nullable, wrapper="Settable")
        for column in model.columns
        if column.presence != "computed" and column.attribute not in key
    )


def where_entries(model: Model) -> tuple[Entry, ...]:
    """Return an entry for every column and named index expression that can be compared."""
    columns = [
        Entry(column.attribute, column.annotation, column.nullable, wrapper=wrapper(column.comparison))
        for column in model.columns
        if column.comparison != "none" and column.attribute not in REFINEMENTS
    ]
    expressions = [
        Entry(part.name, part.annotation, nullable=False, wrapper=wrapper(part.comparison))
        for part in named_expressions(model)
        if part.name and part.name not in REFINEMENTS
    ]
    return (*columns, *expressions)


def named_expressions(model: Model) -> Iterator[ExpressionPart]:
    """Yield each expression of an index that filters may name, once."""
    seen = {column.attribute for column in model.columns}
    for index in model.indexes:
        for part in index.parts:
            if isinstance(part, ExpressionPart) and part.name and part.name not in seen:
                seen.add(part.name)
                yield part


def unfilterable(model: Model) -> Iterator[Finding]:
    """Yield a finding for each column or index expression whose name a finder takes for something else."""
    for column in model.columns:
        if column.attribute in REFINEMENTS:
            message = (
                f"finders of `{model.reference.name}` take `{column.attribute}` themselves, so the column of that name "
                f"is no keyword of theirs; filter with `c.{column.attribute} == ...`"
            )
            yield Finding(column.location, "CG106", message)
    for index in model.indexes:
        for part in index.parts:
            if isinstance(part, ExpressionPart) and part.name in REFINEMENTS:
                message = (
                    f"finders of `{model.reference.name}` take `{part.name}` themselves, so the expression of "
                    f"`{index.name}` is no keyword of theirs; rename the index"
                )
                yield Finding(index.location, "CG106", message)


def wrapper(comparison: Comparison) -> Literal["Ordered", "Equal"]:
    """Return the alias that says which tests a column takes."""
    return "Ordered" if comparison == "ordered" else "Equal"
