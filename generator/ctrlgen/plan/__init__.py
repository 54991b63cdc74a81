"""Decides which methods each model gets, and how everything is called.

``plan`` is a pure function from ``Schema`` to ``Package``. ``controllers`` plans one model with ``methods``, which asks
``access_paths``, and with ``typed_dicts``; ``naming`` has the rules about names, ``overrides`` applies the settings,
and ``model_checks`` finds what the author should know.
"""

from __future__ import annotations

from ctrlgen.blueprint import Package
from ctrlgen.plan.caches import with_caches
from ctrlgen.plan.controllers import plan_controller
from ctrlgen.plan.methods import derived_methods
from ctrlgen.plan.model_checks import check_model, refuse_unindexed_foreign_keys
from ctrlgen.plan.naming import with_named_expressions
from ctrlgen.plan.overrides import check_module_names, check_settings, reserved_names, selected_models
from ctrlgen.schema import Schema
from ctrlgen.settings import DEFAULTS, Options


def plan(schema: Schema, name: str, options: Options = DEFAULTS) -> Package:
    """Decide everything about the package called ``name``.

    Raises
    ------
    NameClashError
        Two models want the same name.
    ConfigError
        The options mention something that does not exist.
    ModelError
        A foreign key has no index, and the options make that an error.
    """
    models = [with_named_expressions(model) for model in schema.models]
    check_settings(options, [(model, method.name) for model in models for method in derived_methods(model, options)])
    models = selected_models(models, options)
    controllers = with_caches([plan_controller(model, options, models) for model in models], schema, options)
    check_module_names(controllers)
    if options.foreign_keys == "error":
        refuse_unindexed_foreign_keys(models)
    findings = [*schema.findings, *(finding for model in models for finding in check_model(model, options))]
    reported = sorted([*findings, *reserved_names(controllers)])
    ordered = tuple(sorted(controllers, key=lambda each: each.module))
    return Package(name, ordered, tuple(reported), cache_sync=options.cache_sync)


__all__ = ["plan", "plan_controller"]
