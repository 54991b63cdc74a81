"""Applies the setting ``tenant``: finds the methods that are not given it, and so reach the rows of all tenants.

With ``tenant_strict`` these methods are left out, and the others require the column.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ctrlgen.blueprint import Method
from ctrlgen.errors import TenantKeyError, UnknownNameError, did_you_mean
from ctrlgen.findings import CROSSES_TENANTS, Finding
from ctrlgen.schema import Imported, Index, Model, Relation
from ctrlgen.settings import Options

BULK = ("bulk_update", "delete_many", "update_many", "upsert_many")
"""Methods of every controller that take primary keys."""

WITHOUT_TENANT = {"paginate": "find_all({}=...).page()", "delete_where": "find_all({}=...).delete()"}
"""Methods of every controller that cannot take the tenant, with their replacements."""


def with_tenants(models: list[Model], options: Options) -> list[Model]:
    """Return the models with the tenant, and with the relationships that cross tenants marked.

    Raises
    ------
    UnknownNameError
        No model has the column.
    TenantKeyError
        Every call must be given the tenant, and a primary key does not contain it.
    """
    tenant = options.tenant
    if tenant is None:
        return models
    tenanted = {model.reference: model for model in models if _has(model, tenant)}
    chosen = [model for model in tenanted.values() if not options.skips(model)]
    if not chosen:
        attributes = {column.attribute for model in models for column in model.columns}
        hint = did_you_mean(tenant, sorted(attributes)) or "use the attribute of a column, such as `guild_id`"
        message = f"`tenant` in `[tool.ctrlgen]` is `{tenant}`, but no model has this column"
        raise UnknownNameError(message, hint=hint, setting="tenant", mark=tenant)
    if options.tenant_strict:
        _check_primary_keys(chosen, tenant)
    return [_with_tenant(model, tenant, tenanted, options) for model in models]


def crosses_tenants(method: Method, model: Model, options: Options) -> bool:
    """Return whether a method reaches rows of tenants that it is not given."""
    if options.tenant is None:
        return False
    if method.relation is not None:
        return method.relation.crosses_tenants
    return _has(model, options.tenant) and options.tenant not in {*method.keys, *_implied(method)}


def check_tenants(model: Model, methods: Iterable[Method], options: Options) -> Iterator[Finding]:
    """Yield a finding for each key, index and relationship whose methods cross tenants."""
    if options.tenant is None or options.tenant_strict:
        return
    crossing: dict[Index | Relation | None, list[str]] = {}
    for method in methods:
        if crosses_tenants(method, model, options) and not options.skips(model, method.name):
            crossing.setdefault(method.relation or method.index, []).append(method.name)
    for origin, names in crossing.items():
        listed = [options.name_of(model, name) or name for name in names]
        listed += BULK if origin == model.primary_key else ()
        reason, fix = _reason(origin, options.tenant)
        fields = {"reach": "reaches" if len(listed) == 1 else "reach", "reason": reason, "fix": fix}
        location = origin.location if origin else model.location
        named = ", ".join(f"`{name}`" for name in listed)
        yield CROSSES_TENANTS.at(location, methods=named, model=model.reference.name, **fields)


def _with_tenant(model: Model, tenant: str, tenanted: Mapping[Imported, Model], options: Options) -> Model:
    relations = tuple(
        replace(each, crosses_tenants=_crosses(each, model, tenant, tenanted)) for each in model.relations
    )
    model = replace(model, relations=relations)
    if not options.tenant_strict or not _has(model, tenant):
        return model
    columns = tuple(
        replace(column, presence="required") if column.attribute == tenant and not column.is_computed else column
        for column in model.columns
    )
    return replace(model, columns=columns, tenant=tenant)


def _crosses(relation: Relation, model: Model, tenant: str, tenanted: Mapping[Imported, Model]) -> bool:
    """Return whether a relationship reads a model with tenants, but is not joined by the tenant."""
    if relation.target not in tenanted:
        return False
    own = {local for local, remote in relation.pairs if remote == tenant}
    joined = tenant in own if _has(model, tenant) else bool(own)
    return not (joined and relation.by_columns)


def _check_primary_keys(models: Iterable[Model], tenant: str) -> None:
    wrong = [model for model in models if tenant not in model.primary_key.columns]
    if wrong:
        listed = ", ".join(f"`{model.reference.name}` ({model.primary_key.location})" for model in wrong)
        message = f"`tenant_strict` requires every primary key to contain `{tenant}`, which is missing in {listed}"
        hint = f"make `{tenant}` the first column of the primary key, or list the model in `skip.models`"
        raise TenantKeyError(message, location=wrong[0].primary_key.location, hint=hint)


def _has(model: Model, tenant: str) -> bool:
    return any(column.attribute == tenant for column in model.columns)


def _implied(method: Method) -> Iterator[str]:
    """Yield the columns whose value is a constant in the predicate that a method is within."""
    predicate = method.index.predicate if method.within and method.index else None
    for condition in predicate.implied_values if predicate else ():
        if condition.test == "=":
            yield condition.attribute


def _reason(origin: Index | Relation | None, tenant: str) -> tuple[str, str]:
    """Return the reason why methods cross tenants, and what to do."""
    if isinstance(origin, Relation):
        return f"`{origin.attribute}` is not joined by `{tenant}`", "join by it, too"
    if origin is None:
        return f"they are not backed by an index with `{tenant}`", "declare one that begins with it"
    name = "the primary key" if origin.origin == "primary key" else f"`{origin.name}`"
    if origin.unique:
        return f"{name} does not contain `{tenant}`", "make it the first column of the key"
    return f"{name} does not begin with `{tenant}`", "begin the index with it"
