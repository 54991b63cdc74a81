"""Gives every index a name for its expressions, or says that it has none; ``plan`` reads models through it."""

from __future__ import annotations

from dataclasses import replace

from ctrlgen.plan.naming import index_purpose
from ctrlgen.schema import ColumnPart, ExpressionPart, Finding, Index, Model, Part


def with_named_parts(model: Model) -> Model:
    """Return the model with expressions named after their index where nothing better came out of their SQL.

    One name means one thing: it is neither a column's, nor that of another expression.
    """
    meanings = {column.attribute: "" for column in model.columns}
    return replace(model, indexes=tuple(_named(index, model, meanings) for index in model.indexes))


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


def _named(index: Index, model: Model, meanings: dict[str, str]) -> Index:
    """Return an index with its expressions named; ``meanings`` has the SQL of each name so far."""
    parts = tuple(_own_name(part, meanings) for part in index.parts)
    nameless = [part for part in parts if isinstance(part, ExpressionPart) and part.name is None]
    purpose = index_purpose(index.name, model) if index.name else ""
    if len(nameless) != 1 or not purpose.isidentifier():
        return replace(index, parts=parts)
    (part,) = nameless
    named = replace(part, name=purpose if meanings.setdefault(purpose, part.sql) == part.sql else None)
    return replace(index, parts=tuple(named if one is part else one for one in parts))


def _own_name(part: Part, meanings: dict[str, str]) -> Part:
    """Return an expression without its name where that means something else already."""
    if isinstance(part, ColumnPart) or part.name is None:
        return part
    return part if meanings.setdefault(part.name, part.name) == part.name else replace(part, name=None)
