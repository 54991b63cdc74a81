"""Decides which methods each model gets, and how everything is called.

``plan`` is a pure function from ``Schema`` to ``Package``; ``naming`` has the rules about names, ``paths`` reads
keys and indexes, ``keys`` and ``finders`` derive methods, ``entries`` the TypedDicts, ``findings`` the warnings.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from ctrlgen.package import Controller, Method, Package
from ctrlgen.plan.collisions import check_names
from ctrlgen.plan.entries import create_entries, indexed_expressions, update_entries, where_entries
from ctrlgen.plan.finders import finder_methods, loader_methods, partial_methods
from ctrlgen.plan.findings import findings
from ctrlgen.plan.keys import key_methods
from ctrlgen.plan.naming import CONTROLLER, attribute_name
from ctrlgen.schema import Finding, Model, Schema


def plan(schema: Schema, name: str) -> Package:
    """Decide everything about the package called ``name``.

    Raises
    ------
    NameClashError
        Two models want one name, or a model wants a name of the package's own.
    """
    controllers = [plan_controller(model) for model in schema.models]
    check_names(controllers)
    found = chain(schema.findings, *(chain(findings(model), replaced_members(model)) for model in schema.models))
    return Package(name, tuple(sorted(controllers, key=lambda item: item.module)), tuple(sorted(found)))


def plan_controller(model: Model) -> Controller:
    """Decide everything about one model's controller."""
    return Controller(
        model=model,
        stem=model.reference.name.rpartition(".")[2],
        module=attribute_name(model.reference.name.rpartition(".")[2]),
        create=create_entries(model),
        update=update_entries(model),
        where=where_entries(model),
        expressions=indexed_expressions(model),
        columns=model.columns,
        relations=model.relations,
        methods=tuple(method for method in derived_methods(model) if method.name not in CONTROLLER),
    )


def derived_methods(model: Model) -> tuple[Method, ...]:
    """Return what keys, indexes and relationships give; of two methods with one name, the first."""
    methods: dict[str, Method] = {}
    for method in chain(key_methods(model), partial_methods(model), finder_methods(model), loader_methods(model)):
        methods.setdefault(method.name, method)
    return tuple(methods.values())


def replaced_members(model: Model) -> Iterator[Finding]:
    """Yield a finding for each method that would replace a member every controller has."""
    for method in derived_methods(model):
        if method.name in CONTROLLER:
            origin = f"index `{method.index.name}`" if method.index else "a relationship"
            message = f"{origin} of `{model.reference.name}` would give `{method.name}`, which every controller has"
            location = method.index.location if method.index else model.location
            yield Finding(location, "CG105", message)
