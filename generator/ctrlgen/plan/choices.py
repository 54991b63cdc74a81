"""Heeds what the project's configuration says about names, and about what to leave out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ctrlgen.errors import ConfigError
from ctrlgen.options import Options
from ctrlgen.package import Controller, Method
from ctrlgen.plan.naming import CONTROLLER
from ctrlgen.schema import Model


def wanted_models(models: Sequence[Model], options: Options) -> list[Model]:
    """Return the models that are not left out.

    Raises
    ------
    ConfigError
        None is left, and a package of no controllers is no package.
    """
    wanted = [model for model in models if not options.skips(model)]
    if not wanted:
        raise ConfigError(
            "`skip.models` in `[tool.ctrlgen]` leaves out every model",
            hint="leave in at least one; to be rid of the package, delete its folder",
        )
    return wanted


def stem(model: Model, options: Options) -> str:
    """Return what the classes of a model's controller begin with."""
    return options.name(model) or _stripped(_public(model.reference.name.rpartition(".")[2]), options.strip)


def chosen_methods(methods: Iterable[Method], model: Model, options: Options) -> Iterator[Method]:
    """Yield the methods that are not left out, under the names they are to have."""
    for method in methods:
        if not options.skips(model, method.name):
            yield replace(method, name=options.name(model, method.name) or method.name)


def check_choices(options: Options, models: Iterable[Model], derived: Iterable[tuple[Model, Method]]) -> None:
    """Raise ``ConfigError`` for a name in the configuration that nothing answers to."""
    called = {key for model in models for key in _calls(model)}
    methods = {f"{key}.{method.name}" for model, method in derived for key in _calls(model)}
    _check_known("names", options.names, called | methods, called | methods)
    _check_known("skip.models", options.skip_models, called, methods)
    _check_known("skip.methods", options.skip_methods, methods, called)


def _check_known(section: str, keys: Iterable[str], known: set[str], elsewhere: set[str]) -> None:
    """Raise ``ConfigError`` for a key that is not ``known``; one that is known ``elsewhere`` is in the wrong list."""
    for key in keys:
        if key in known:
            continue
        if key.rpartition(".")[2] in CONTROLLER:
            raise ConfigError(f"`{section}` in `[tool.ctrlgen]`: `{key}` is a member of every controller, and stays")
        if key in elsewhere:
            right, what = ("skip.models", "a model") if section == "skip.methods" else ("skip.methods", "a method")
            raise ConfigError(
                f"`{section}` in `[tool.ctrlgen]` speaks of `{key}`, which is {what}", hint=f"list it in `{right}`"
            )
        close = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean `{close[0]}`?" if close else "give `Model`, `module.Model` or `Model.method`"
        raise ConfigError(f"`{section}` in `[tool.ctrlgen]` speaks of `{key}`, which is not there", hint=hint)


def check_methods(controller: Controller) -> None:
    """Raise ``ConfigError`` where renaming gave two members of a controller one name."""
    names = [method.name for method in controller.methods]
    for name in names:
        if names.count(name) > 1 or name in CONTROLLER or name.startswith("_"):
            owner = f"`names` in `[tool.ctrlgen]` gives a method of `{controller.class_name}`"
            message = f"{owner} the name `{name}`, which is taken"
            raise ConfigError(message, hint="choose another, or leave one out with `skip`")


def _public(name: str) -> str:
    """Return a class's name without the underscores before it; ``_2FAToken`` needs another beginning then."""
    plain = name.lstrip("_")
    return plain if plain.isidentifier() else f"Model{plain}"


def _stripped(name: str, suffixes: Iterable[str]) -> str:
    for suffix in sorted(suffixes, key=len, reverse=True):
        if name.endswith(suffix) and name != suffix:
            return name.removesuffix(suffix)
    return name


def _calls(model: Model) -> tuple[str, str]:
    return model.reference.name, f"{model.reference.module}.{model.reference.name}"
