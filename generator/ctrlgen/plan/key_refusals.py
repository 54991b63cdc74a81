"""Says why a unique key does not give a method: what a rule of ``methods`` asks first, and ``explain`` shows.

Each function returns the reason, or an empty string where the key gives the method.
"""

from __future__ import annotations

from ctrlgen.plan.access_paths import AccessPath, is_arbiter
from ctrlgen.plan.typed_dicts import update_entries
from ctrlgen.schema import Model, Part, inputs_of


def never(_path: AccessPath, _model: Model) -> str:
    """Refuse no key."""
    return ""


def nothing_to_set(_path: AccessPath, model: Model) -> str:
    """Refuse where there is nothing but a primary key, which cannot be changed."""
    return "" if update_entries(model) else "the table has nothing to change beside its primary key"


def not_set_by_every_row(path: AccessPath, model: Model) -> str:
    """Refuse where a new row may lack a column of the key, or have NULL there, or where ON CONFLICT refuses the key."""
    predicate = path.index.predicate if path.within else None
    if predicate is not None and not predicate.is_settled:
        return f"the predicate of `{path.index.name}` does not say which values a new row has"
    return not_a_key_of_new_rows(path, model)


def not_set_by_every_row_that_changes(path: AccessPath, model: Model) -> str:
    """Refuse where either of the two does."""
    return nothing_to_set(path, model) or not_set_by_every_row(path, model)


def not_a_key_of_new_rows(path: AccessPath, model: Model) -> str:
    """Refuse a key as above, whatever its predicate says."""
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
