"""Applies the settings for names and skipped models and methods, and rejects names that clash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ctrlgen.blueprint import Controller, Method
from ctrlgen.errors import NameClashError, NameTakenError, UnknownNameError, did_you_mean
from ctrlgen.findings import RESERVED_NAME, Finding
from ctrlgen.plan.naming import CONTROLLER, FACADE, snake_case
from ctrlgen.schema import Model
from ctrlgen.settings import Options, model_names


def selected_models(models: Sequence[Model], options: Options) -> list[Model]:
    """Return the models that are not skipped.

    Raises
    ------
    NameTakenError
        All models are skipped, and a package needs at least one.
    """
    selected = [model for model in models if not options.skips(model)]
    if not selected:
        raise NameTakenError(
            "`skip.models` in `[tool.ctrlgen]` leaves out every model",
            hint="keep at least one model; to remove the package, delete its folder",
            setting="skip.models",
        )
    return selected


def class_stem(model: Model, options: Options) -> str:
    """Return the prefix of the class names of a model's controller."""
    return options.name_of(model) or _stripped(_public(model.reference.name.rpartition(".")[2]), options.strip)


def overridden_methods(methods: Iterable[Method], model: Model, options: Options) -> Iterator[Method]:
    """Yield the methods that are not skipped, under their configured names."""
    for method in methods:
        if not options.skips(model, method.name):
            yield replace(method, name=options.name_of(model, method.name) or method.name)


def check_settings(options: Options, derived: Iterable[tuple[Model, str]]) -> None:
    """Raise ``UnknownNameError`` for a name in the settings that is not a model or derived method.

    Parameters
    ----------
    derived
        The models, with the names of their methods. They are derived only if a setting refers to any.
    """
    if not any((options.names, options.controllers, options.cache, options.skip_models, options.skip_methods)):
        return
    named = [(key, f"{key}.{method}") for model, method in derived for key in model_names(model)]
    models, methods = {model for model, _ in named}, {method for _, method in named}
    _check_known("names", options.names, models | methods, models | methods)
    _check_known("controllers", options.controllers, models, methods)
    _check_known("cache", options.cache, models, methods)
    _check_known("skip.models", options.skip_models, models, methods)
    _check_known("skip.methods", options.skip_methods, methods, models)


def _check_known(section: str, keys: Iterable[str], known: set[str], elsewhere: set[str]) -> None:
    """Raise ``UnknownNameError`` for a key that is not ``known``. A key known ``elsewhere`` is in the wrong list."""
    for key in keys:
        if key in known:
            continue
        if key.rpartition(".")[2] in CONTROLLER:
            raise UnknownNameError(
                f"`{section}` in `[tool.ctrlgen]`: `{key}` is a member of every controller and cannot be changed",
                hint="override it in a subclass of the controller",
                setting=section,
                mark=key,
            )
        if key in elsewhere:
            right, what = ("skip.models", "a model") if section == "skip.methods" else ("skip.methods", "a method")
            hint = "use the name of the model" if section in {"cache", "controllers"} else f"list it in `{right}`"
            message = f"`{section}` in `[tool.ctrlgen]` lists `{key}`, which is {what}"
            raise UnknownNameError(message, hint=hint, setting=section, mark=key)
        hint = did_you_mean(key, known) or "write `Model`, `module.Model` or `Model.method`"
        message = f"`{section}` in `[tool.ctrlgen]` refers to `{key}`, which does not exist"
        raise UnknownNameError(message, hint=hint, setting=section, mark=key)


def check_method_names(controller: Controller) -> None:
    """Raise ``NameTakenError`` if renaming gives two members of a controller the same name."""
    names = [method.name for method in controller.methods]
    for name in names:
        if names.count(name) > 1 or name in CONTROLLER or name.startswith("_"):
            owner = f"`names` in `[tool.ctrlgen]` gives a method of `{controller.class_name}`"
            message = f"{owner} the name `{name}`, which is already taken"
            hint = "choose another name, or skip one of them with `skip`"
            raise NameTakenError(message, hint=hint, setting="names", mark=name)


def _public(name: str) -> str:
    """Return a class name without leading underscores. ``_2FAToken`` then needs another prefix."""
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
                f"`{_qualified(controller)}` and `{_qualified(other)}` would both be `db.{controller.module}`",
                location=controller.model.location,
                hint=f"the other is at {other.model.location}; {_renaming(controller)}",
            )


def reserved_names(controllers: Iterable[Controller]) -> Iterator[Finding]:
    """Yield a finding for each model that is renamed, because ``Database`` has a member of that name."""
    for controller in controllers:
        if (name := snake_case(controller.stem)) in FACADE:
            fields = {
                "model": _qualified(controller),
                "module": controller.module,
                "name": name,
                "stem": controller.stem,
            }
            yield RESERVED_NAME.at(controller.model.location, **fields)


def _renaming(controller: Controller) -> str:
    setting = f'"{_qualified(controller)}" = "Other{controller.stem}"'
    return f"set another name in pyproject.toml:\n\n    [tool.ctrlgen.names]\n    {setting}"


def _qualified(controller: Controller) -> str:
    return model_names(controller.model)[0]
