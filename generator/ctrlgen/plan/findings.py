"""What an author should know about a model, short of an error."""

from __future__ import annotations

from collections.abc import Iterator

from ctrlgen.plan.entries import unfilterable
from ctrlgen.schema import ColumnPart, Finding, ForeignKey, Model


def findings(model: Model) -> Iterator[Finding]:
    """Yield everything worth a warning about one model."""
    yield from unindexed_foreign_keys(model)
    yield from unfilterable(model)


def unindexed_foreign_keys(model: Model) -> Iterator[Finding]:
    """Yield one finding for the foreign keys that no index leads: each makes a delete scan the table."""
    bare = [key for key in model.foreign_keys if not _is_led(key, model)]
    if bare:
        names = ", ".join(f"`{'`, `'.join(key.attributes)}`" for key in bare)
        message = (
            f"no index of `{model.reference.name}` begins with its foreign key {names}: it gets no finder, and deletes "
            f"of what it refers to scan the table; declare `index=True`"
        )
        yield Finding(bare[0].location, "CG101", message)


def _is_led(key: ForeignKey, model: Model) -> bool:
    width = len(key.attributes)
    leads = (index.parts[:width] for index in model.indexes if index.predicate is None)
    return any(
        {part.attribute for part in lead if isinstance(part, ColumnPart)} == set(key.attributes) for lead in leads
    )
