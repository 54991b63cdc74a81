"""Decides which methods each model gets, and all names.

``plan`` is a pure function from ``Schema`` to ``Package``. ``controllers`` plans one model with ``methods`` (which uses
``access_paths``) and ``typed_dicts``. ``naming`` has the rules for names, ``overrides`` applies the settings, and
``model_checks`` reports findings.
"""

from __future__ import annotations

from ctrlgen.blueprint import Controller, Package
from ctrlgen.plan.caches import with_caches
from ctrlgen.plan.controllers import plan_controller
from ctrlgen.plan.methods import derived_methods
from ctrlgen.plan.model_checks import check_model, refuse_unindexed_foreign_keys
from ctrlgen.plan.naming import with_named_expressions
from ctrlgen.plan.overrides import check_module_names, check_settings, reserved_names, selected_models
from ctrlgen.plan.tenants import with_tenants
from ctrlgen.schema import Schema
from ctrlgen.settings import DEFAULTS, Options


def plan(schema: Schema, name: str, options: Options = DEFAULTS) -> Package:
    """Plan the package ``name``.

    Raises
    ------
    NameClashError
        Two models have the same name.
    ConfigError
        The options refer to a model or method that does not exist.
    ModelError
        A foreign key has no index, or a primary key no tenant, and the options make this an error.
    """
    models = with_tenants([with_named_expressions(model) for model in schema.models], options)
    check_settings(options, ((model, method.name) for model in models for method in derived_methods(model, options)))
    models = selected_models(models, options)
    related = {model.reference: model for model in models}
    findings = [*schema.findings]
    planned: list[Controller] = []
    for model in models:
        planned.append(plan_controller(model, options, related))
        findings += check_model(model, options)
    controllers = with_caches(planned, schema, options)
    check_module_names(controllers)
    if options.foreign_keys == "error":
        refuse_unindexed_foreign_keys(models)
    reported = sorted([*findings, *reserved_names(controllers)])
    ordered = tuple(sorted(controllers, key=lambda controller: controller.module))
    return Package(name, ordered, tuple(reported), cache_sync=options.cache_sync)


__all__ = ["plan", "plan_controller"]
