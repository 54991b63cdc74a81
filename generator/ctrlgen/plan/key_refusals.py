"""Reasons why a unique key does not get a method. The rules of ``methods`` check them, and ``explain`` shows them.

Each function returns the reason, or an empty string if the key gets the method.
"""

from __future__ import annotations

from ctrlgen.plan.access_paths import AccessPath, is_arbiter
from ctrlgen.plan.typed_dicts import update_keys
from ctrlgen.schema import Model, Part, inputs_of


def never(_path: AccessPath, _model: Model) -> str:
    """Accept all keys."""
    return ""


def nothing_to_set(_path: AccessPath, model: Model) -> str:
    """Reject a model with only a primary key, which cannot be updated."""
    return "" if update_keys(model) else "the table has nothing to change beside its primary key"


def not_set_by_every_row(path: AccessPath, model: Model) -> str:
    """Reject a key if a new row may omit a column, or have NULL there, or if ON CONFLICT does not accept the key."""
    predicate = path.index.predicate if path.within else None
    if predicate is not None and not predicate.is_settled:
        return f"the predicate of `{path.index.name}` does not say which values a new row has"
    return not_a_key_of_new_rows(path, model)


def not_set_by_every_row_that_changes(path: AccessPath, model: Model) -> str:
    """Reject a key that either of the two rejects."""
    return nothing_to_set(path, model) or not_set_by_every_row(path, model)


def not_a_key_of_new_rows(path: AccessPath, model: Model) -> str:
    """Reject a key as above, regardless of its predicate."""
    if not is_arbiter(path.index.parts, path.index.predicate if path.within else None, model):
        return "ON CONFLICT does not take this key"
    if not path.parts:
        return "the key has no columns of its own"
    return next(filter(None, (_not_set(part, model) for part in path.parts)), "")


def _not_set(part: Part, model: Model) -> str:
    columns = [model.column(attribute) for attribute in inputs_of(part)]
    if not columns:
        return f"ctrlgen cannot tell which columns `{part.name}` depends on"
    for column in columns:
        if column.nullable:
            return f"`{column.attribute}` may be NULL, which conflicts with nothing"
        if not column.is_required:
            return f"a new row need not give `{column.attribute}`"
    return ""
