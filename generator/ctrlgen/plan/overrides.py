"""Applies what the settings say about names and what to leave out, and refuses names that clash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ctrlgen.blueprint import Controller, Method
from ctrlgen.errors import NameClashError, NameTakenError, UnknownNameError, did_you_mean
from ctrlgen.finding import Finding
from ctrlgen.findings import RESERVED_NAME
from ctrlgen.plan.naming import CONTROLLER, FACADE, snake_case
from ctrlgen.schema import Model
from ctrlgen.settings import Options, model_names


def selected_models(models: Sequence[Model], options: Options) -> list[Model]:
    """Return the models that are not left out.

    Raises
    ------
    NameTakenError
        No model is left, and a package needs at least one.
    """
    selected = [model for model in models if not options.skips(model)]
    if not selected:
        raise NameTakenError(
            "`skip.models` in `[tool.ctrlgen]` leaves out every model",
            hint="keep at least one model; to get rid of the package, delete its folder",
            setting="skip.models",
        )
    return selected


def class_stem(model: Model, options: Options) -> str:
    """Return what the classes of a model's controller begin with."""
    return options.name_of(model) or _stripped(_public(model.reference.name.rpartition(".")[2]), options.strip)


def overridden_methods(methods: Iterable[Method], model: Model, options: Options) -> Iterator[Method]:
    """Yield the methods that are not left out, under the names that the settings give them."""
    for method in methods:
        if not options.skips(model, method.name):
            yield replace(method, name=options.name_of(model, method.name) or method.name)


def check_settings(options: Options, derived: Iterable[tuple[Model, str]]) -> None:
    """Raise ``UnknownNameError`` for a name in the settings that no model or derived method has.

    Parameters
    ----------
    derived
        Each model with the name of each of its methods.
    """
    named = [(key, f"{key}.{method}") for model, method in derived for key in model_names(model)]
    models, methods = {model for model, _ in named}, {method for _, method in named}
    _check_known("names", options.names, models | methods, models | methods)
    _check_known("controllers", options.controllers, models, methods)
    _check_known("cache", options.cache, models, methods)
    _check_known("skip.models", options.skip_models, models, methods)
    _check_known("skip.methods", options.skip_methods, methods, models)


def _check_known(section: str, keys: Iterable[str], known: set[str], elsewhere: set[str]) -> None:
    """Raise ``UnknownNameError`` for a key that is not ``known``; one known ``elsewhere`` is in the wrong list."""
    for key in keys:
        if key in known:
            continue
        if key.rpartition(".")[2] in CONTROLLER:
            raise UnknownNameError(
                f"`{section}` in `[tool.ctrlgen]`: `{key}` is a member of every controller and cannot be changed",
                hint="override it in a class of your own that derives from the controller",
                setting=section,
                mark=key,
            )
        if key in elsewhere:
            right, what = ("skip.models", "a model") if section == "skip.methods" else ("skip.methods", "a method")
            hint = "give the model" if section in {"cache", "controllers"} else f"list it in `{right}`"
            message = f"`{section}` in `[tool.ctrlgen]` lists `{key}`, which is {what}"
            raise UnknownNameError(message, hint=hint, setting=section, mark=key)
        hint = did_you_mean(key, known) or "write `Model`, `module.Model` or `Model.method`"
        message = f"`{section}` in `[tool.ctrlgen]` mentions `{key}`, which does not exist"
        raise UnknownNameError(message, hint=hint, setting=section, mark=key)


def check_method_names(controller: Controller) -> None:
    """Raise ``NameTakenError`` where renaming gave two members of a controller one name."""
    names = [method.name for method in controller.methods]
    for name in names:
        if names.count(name) > 1 or name in CONTROLLER or name.startswith("_"):
            owner = f"`names` in `[tool.ctrlgen]` gives a method of `{controller.class_name}`"
            message = f"{owner} the name `{name}`, which is already taken"
            hint = "choose another, or leave one out with `skip`"
            raise NameTakenError(message, hint=hint, setting="names", mark=name)


def _public(name: str) -> str:
    """Return a class's name without its leading underscores; ``_2FAToken`` then needs another beginning."""
    plain = name.lstrip("_")
    return plain if plain.isidentifier() else f"Model{plain}"


def _stripped(name: str, suffixes: Iterable[str]) -> str:
    for suffix in sorted(suffixes, key=len, reverse=True):
        if name.endswith(suffix) and name != suffix:
            return name.removesuffix(suffix)
    return name


def check_module_names(controllers: list[Controller]) -> None:
    """Raise ``NameClashError`` for the first clash, in the order of the models."""
    owners: dict[str, Controller] = {}
    for controller in controllers:
        other = owners.setdefault(controller.module, controller)
        if other is not controller:
            raise NameClashError(
                f"`{_qualified(controller)}` and `{_qualified(other)}` both want to be `db.{controller.module}`",
                location=controller.model.location,
                hint=f"the other is at {other.model.location}; {_renaming(controller)}",
            )


def reserved_names(controllers: Iterable[Controller]) -> Iterator[Finding]:
    """Yield a finding for each model that cannot be called as it is, because the facade has a member of that name."""
    for controller in controllers:
        if (name := snake_case(controller.stem)) in FACADE:
            texts = {
                "model": _qualified(controller),
                "module": controller.module,
                "name": name,
                "stem": controller.stem,
            }
            yield RESERVED_NAME.at(controller.model.location, **texts)


def _renaming(controller: Controller) -> str:
    setting = f'"{_qualified(controller)}" = "Other{controller.stem}"'
    return f"give it another name in pyproject.toml:\n\n    [tool.ctrlgen.names]\n    {setting}"


def _qualified(controller: Controller) -> str:
    return model_names(controller.model)[0]
