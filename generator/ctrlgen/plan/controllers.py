"""Plans the controller of one model, with the facts that the runtime needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ctrlgen.blueprint import Controller, Facts, Method, NestedRelation, Partial
from ctrlgen.plan.absent_methods import absent_methods
from ctrlgen.plan.access_paths import is_arbiter
from ctrlgen.plan.methods import derived_methods, tenant_parameter
from ctrlgen.plan.naming import CONTROLLER, attribute_name
from ctrlgen.plan.overrides import check_method_names, class_stem, overridden_methods
from ctrlgen.plan.tenants import crosses_tenants
from ctrlgen.plan.typed_dicts import create_entries, named_expressions, update_entries, where_entries
from ctrlgen.schema import Imported, Index, Model, Relation
from ctrlgen.settings import DEFAULTS, Options


def plan_controller(
    model: Model, options: Options = DEFAULTS, related: Mapping[Imported, Model] | None = None
) -> Controller:
    """Plan the controller of one model. ``related`` are the possible targets of relationships."""
    stem = class_stem(model, options)
    members = (
        method
        for method in derived_methods(model, options)
        if method.name not in CONTROLLER and not (options.tenant_strict and crosses_tenants(method, model, options))
    )
    methods = tuple(overridden_methods(members, model, options))
    controller = Controller(
        model=model,
        stem=stem,
        module=attribute_name(stem),
        own=options.controller_of(model),
        values_name=f"{stem}Values",
        create_name=f"{stem}{options.create_suffix}",
        update_name=f"{stem}{options.update_suffix}",
        create=create_entries(model),
        update=update_entries(model),
        where=where_entries(model),
        facts=_facts(model, methods, options),
        columns=model.columns,
        relations=tuple(_loadable(model, options)),
        methods=methods,
        nested=tuple(_nested_relations(model, related or {}, options)),
        absent=absent_methods(model, methods, options),
        tenant=tenant_parameter(model),
    )
    check_method_names(controller)
    return controller


def _loadable(model: Model, options: Options) -> Iterator[Relation]:
    """Yield the relationships of a model, without those that the settings leave out."""
    yield from (each for each in model.relations if not (options.tenant_strict and each.crosses_tenants))


def _nested_relations(model: Model, models: Mapping[Imported, Model], options: Options) -> Iterator[NestedRelation]:
    """Yield the relationships of related objects, except those that lead back to their origin."""
    for relation in _loadable(model, options):
        related = models.get(relation.target)
        if related is None:
            continue
        for inner in _loadable(related, options):
            if inner.target != model.reference or relation.target == model.reference:
                yield NestedRelation(f"{relation.attribute}.{inner.attribute}", inner.by_columns, related.tenant)


def _facts(model: Model, methods: Iterable[Method], options: Options) -> Facts:
    """Return the facts that the runtime needs for these methods of a model."""
    partial_indexes = dict.fromkeys(method.index for method in methods if method.within and method.index)
    return Facts(
        required=tuple(column.attribute for column in model.columns if column.is_required),
        computed=tuple(column.attribute for column in model.columns if column.is_computed),
        omitted=tuple(column.attribute for column in model.columns if column.omitted),
        unique=tuple(_unique_keys(model)),
        expressions=tuple(named_expressions(model)),
        partial=tuple(map(_partial, partial_indexes)),
        tenant=model.tenant,
        utc=options.utc and any(column.kind == "naive_datetime" for column in model.columns),
    )


def _unique_keys(model: Model) -> Iterator[tuple[str, ...]]:
    """Yield the distinct unique keys, other than the primary key, that ON CONFLICT accepts for all rows."""
    seen = {frozenset(model.primary_key.names)}
    for index in model.indexes[1:]:
        names = index.names
        if model.tenant not in {None, *names}:
            continue  # ON CONFLICT would look for the row of any tenant
        if index.unique and names and frozenset(names) not in seen and is_arbiter(index.parts, None, model):
            seen.add(frozenset(names))
            yield names


def _partial(index: Index) -> Partial:
    assert index.name
    assert index.predicate
    settled = index.predicate.is_settled
    return Partial(
        name=index.name,
        where=index.predicate.sql,
        implied_values=index.predicate.implied_values if settled else (),
        present=index.predicate.present if settled else (),
        keys=index.names if index.unique else (),
    )
