"""What an author should know about a model, short of an error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ctrlgen.errors import ModelError
from ctrlgen.options import Options
from ctrlgen.plan.entries import unfilterable
from ctrlgen.plan.naming import part_name
from ctrlgen.plan.parts import unnamed_expressions
from ctrlgen.plan.paths import unindexed_foreign_keys
from ctrlgen.schema import ColumnPart, Finding, Index, Model


def findings(model: Model, options: Options) -> Iterator[Finding]:
    """Yield everything worth a warning about one model."""
    if options.foreign_keys == "warn":
        yield from bare_foreign_keys(model)
    yield from redundant_indexes(model)
    yield from nullable_keys(model)
    yield from unnamed_expressions(model)
    yield from unfilterable(model)


def bare_foreign_keys(model: Model) -> Iterator[Finding]:
    """Yield one finding for the foreign keys that no index leads: each makes a delete scan the table."""
    if not (bare := unindexed_foreign_keys(model)):
        return
    names = " or ".join(f"`{'`, `'.join(key.attributes)}`" for key in bare)
    message = f"no index over all rows of `{model.reference.name}` begins with its foreign key {names}"
    consequence = "it gets no `find_by_`, and deletes of what it refers to scan the table; declare `index=True`"
    yield Finding(bare[0].location, "CG101", f"{message}: {consequence}")


def refuse_bare_foreign_keys(models: Iterable[Model]) -> None:
    """Raise ``ModelError`` for the foreign keys that no index leads, all of them at once."""
    bare = [(model, key) for model in models for key in unindexed_foreign_keys(model)]
    if bare:
        lines = [f"`{model.reference.name}` by {_listed(key.attributes)} ({key.location})" for model, key in bare]
        message = f"foreign keys that no index over all rows begins with: {'; '.join(lines)}"
        raise ModelError(message, location=bare[0][1].location, hint="declare `index=True`")


def redundant_indexes(model: Model) -> Iterator[Finding]:
    """Yield a finding for each plain index that another one begins with: it costs writes and answers nothing more."""
    for index in model.indexes:
        longer = next((other for other in model.indexes if _makes_redundant(other, index, model)), None)
        if longer is not None:
            message = (
                f"index `{index.name}` of `{model.reference.name}` answers nothing that {_called(longer)} does not: "
                f"drop one of them"
            )
            yield Finding(index.location, "CG102", message)


def nullable_keys(model: Model) -> Iterator[Finding]:
    """Yield a finding for each unique key with a column that may be NULL: any number of rows can have NULL there."""
    for index in model.indexes:
        columns = [model.column(part.attribute) for part in index.parts if isinstance(part, ColumnPart)]
        nullable = [column.attribute for column in columns if column.nullable]
        if nullable and index.unique and index.predicate is None and not index.nulls_not_distinct:
            message = (
                f"`{model.reference.name}` is unique by {_listed(part_name(part) for part in index.parts)}, where "
                f"{_listed(nullable)} may be NULL: any number of rows may have NULL there, and the getter finds only "
                f"those with a value"
            )
            yield Finding(index.location, "CG103", message)


def _makes_redundant(other: Index, index: Index, model: Model) -> bool:
    if other is index or index.unique or _kind(other) != _kind(index):
        return False
    begins = other.parts[: len(index.parts)] == index.parts
    same = other.parts == index.parts and not other.unique  # of twins, the second is the one to drop
    return begins and (not same or model.indexes.index(other) < model.indexes.index(index))


def _kind(index: Index) -> tuple[str, str | None]:
    return index.method, index.predicate.sql if index.predicate else None


def _called(index: Index) -> str:
    if index.name:
        return f"`{index.name}`"
    return f"the {index.origin} on {_listed(part_name(part) for part in index.parts)}"


def _listed(names: Iterable[str | None]) -> str:
    return ", ".join(f"`{name}`" for name in names)
