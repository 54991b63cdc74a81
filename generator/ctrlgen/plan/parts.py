"""Gives every index a name for its expressions, or says that it has none; ``plan`` reads models through it."""

from __future__ import annotations

from dataclasses import replace

from ctrlgen.plan.naming import index_purpose
from ctrlgen.schema import ExpressionPart, Finding, Index, Model


def with_named_parts(model: Model) -> Model:
    """Return the model with expressions named after their index where nothing better came out of their SQL."""
    return replace(model, indexes=tuple(_named(index, model) for index in model.indexes))


def unnamed_expressions(model: Model) -> list[Finding]:
    """Return a finding for each index whose expression has no name still."""
    return [
        Finding(
            index.location,
            "CG104",
            f"no method can be named after the index `{index.name or part.sql}` of `{model.reference.name}`, which is "
            f"on `{part.sql}`; give it a name that says what it finds, as `ix_{model.table}_something`",
        )
        for index in model.indexes
        for part in index.parts
        if isinstance(part, ExpressionPart) and part.name is None and index.method in {"btree", "hash"}
    ]


def _named(index: Index, model: Model) -> Index:
    nameless = [part for part in index.parts if isinstance(part, ExpressionPart) and part.name is None]
    purpose = index_purpose(index.name, model) if index.name else ""
    if len(nameless) != 1 or not purpose.isidentifier() or purpose in {column.attribute for column in model.columns}:
        return index
    return replace(
        index, parts=tuple(replace(part, name=purpose) if part is nameless[0] else part for part in index.parts)
    )
