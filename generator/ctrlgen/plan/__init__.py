"""Decides which methods each model gets, and how everything is called.

``plan`` is a pure function from ``Schema`` to ``Package``; ``naming`` has the rules about names, ``paths`` reads
keys and indexes, ``keys`` and ``finders`` derive methods, ``entries`` the TypedDicts, ``facts`` what the runtime is
given besides, ``findings`` the warnings; ``choices`` applies what the project's configuration says.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from ctrlgen.options import NO_CHOICES, Options
from ctrlgen.package import Controller, Method, Package
from ctrlgen.plan.choices import check_choices, check_methods, chosen_methods, stem, wanted_models
from ctrlgen.plan.collisions import check_names
from ctrlgen.plan.entries import create_entries, update_entries, where_entries
from ctrlgen.plan.facts import facts
from ctrlgen.plan.finders import finder_methods, loader_methods, partial_methods
from ctrlgen.plan.findings import findings, refuse_bare_foreign_keys
from ctrlgen.plan.keys import key_methods
from ctrlgen.plan.naming import CONTROLLER, attribute_name
from ctrlgen.plan.parts import with_named_parts
from ctrlgen.schema import Finding, Index, Model, Schema


def plan(schema: Schema, name: str, options: Options = NO_CHOICES) -> Package:
    """Decide everything about the package called ``name``.

    Raises
    ------
    NameClashError
        Two models want one name, or a model wants a name of the package's own.
    ConfigError
        The options speak of something that is not there.
    ModelError
        A foreign key has no index, and the options make that an error.
    """
    models = [with_named_parts(model) for model in schema.models]
    check_choices(options, models, [(model, method) for model in models for method in derived_methods(model, options)])
    models = wanted_models(models, options)
    controllers = [plan_controller(model, options) for model in models]
    check_names(controllers)
    if options.foreign_keys == "error":
        refuse_bare_foreign_keys(models)
    found = chain(
        schema.findings,
        *(findings(model, options) for model in models),
        *(replaced_members(model, options) for model in models),
        *(overruled_methods(model, options) for model in models),
    )
    heard = sorted(finding for finding in found if finding.code not in options.silence)
    return Package(name, tuple(sorted(controllers, key=lambda item: item.module)), tuple(heard))


def plan_controller(model: Model, options: Options = NO_CHOICES) -> Controller:
    """Decide everything about one model's controller."""
    called = stem(model, options)
    members = (method for method in derived_methods(model, options) if method.name not in CONTROLLER)
    methods = tuple(chosen_methods(members, model, options))
    controller = Controller(
        model=model,
        stem=called,
        module=attribute_name(called),
        create_name=f"{called}{options.create_suffix}",
        update_name=f"{called}{options.update_suffix}",
        create=create_entries(model),
        update=update_entries(model),
        where=where_entries(model),
        facts=facts(model, methods),
        columns=model.columns,
        relations=model.relations,
        methods=methods,
    )
    check_methods(controller)
    return controller


def derived_methods(model: Model, options: Options) -> tuple[Method, ...]:
    """Return what keys, indexes and relationships give, each name once."""
    return tuple(method for method, winner in _contenders(model, options) if method is winner)


def overruled_methods(model: Model, options: Options) -> Iterator[Finding]:
    """Yield a finding for each index some of whose methods are called like those of another one."""
    losers: dict[Index, list[str]] = {}
    for method, winner in _contenders(model, options):
        if method is not winner and method.index is not None:
            losers.setdefault(method.index, []).append(f"`{method.name}`")
    for index, names in losers.items():
        message = (
            f"{', '.join(names)} of `{model.reference.name}` {'is' if len(names) == 1 else 'are'} another index's or "
            f"key's already, and so not given for {index.origin} `{index.name}`; rename it"
        )
        yield Finding(index.location, "CG107", message)


def _contenders(model: Model, options: Options) -> list[tuple[Method, Method]]:
    """Return every method with the one that has its name: of a full index before a partial one, else the first."""
    methods = [
        *key_methods(model),
        *partial_methods(model),
        *finder_methods(model, options.foreign_keys),
        *loader_methods(model),
    ]
    winners: dict[str, Method] = {}
    for method in sorted(methods, key=lambda method: method.within is not None):
        winners.setdefault(method.name, method)
    return [(method, winners[method.name]) for method in methods]


def replaced_members(model: Model, options: Options) -> Iterator[Finding]:
    """Yield a finding for each method that would replace a member every controller has."""
    for method in derived_methods(model, options):
        if method.name in CONTROLLER:
            origin = f"index `{method.index.name}`" if method.index else "a relationship"
            taken = f"would give `{method.name}`, which every controller has; rename it"
            message = f"{origin} of `{model.reference.name}` {taken}"
            location = method.index.location if method.index else model.location
            yield Finding(location, "CG105", message)
