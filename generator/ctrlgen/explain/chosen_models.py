"""Resolves the argument ``MODEL[.METHOD]`` to a model and a method."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ctrlgen.blueprint import Controller, Package
from ctrlgen.errors import NotEmittedError, closest, did_you_mean, listed
from ctrlgen.plan.naming import CONTROLLER
from ctrlgen.settings import model_names

_EXPLAINED = CONTROLLER - {"c", "db", "model", "using"}


@dataclass(frozen=True, slots=True)
class Choice:
    """The controllers to explain, and the method if one was chosen."""

    controllers: tuple[Controller, ...]
    method: str | None = None

    def has(self, method: str) -> bool:
        """Return whether a method was chosen."""
        return self.method in {None, method}


def chosen_models(package: Package, name: str | None) -> Choice:
    """Resolve ``Model``, ``app.models.Model`` or ``model``, optionally followed by a method.

    Raises
    ------
    NotEmittedError
        The model or the method does not exist.
    """
    if name is None:
        return Choice(package.controllers)
    if models := _models(package, name):
        return Choice(models)
    model, _, method = name.rpartition(".")
    models = _models(package, model)
    if not models:
        raise _unknown_model(package, name)
    chosen = Choice(tuple(controller for controller in models if method in _methods(controller)), method)
    if not chosen.controllers:
        hint = _hint(models[0], method) or f"`ctrlgen explain {model}` lists its methods"
        raise NotEmittedError(f"`{models[0].class_name}` has no method `{method}`", hint=hint)
    return chosen


def _hint(controller: Controller, method: str) -> str | None:
    """Return why a method does not exist, or a similar method.

    A method by some column does not exist for the same reason as the finder by this column.
    """
    if reason := _reason(controller, f"find_by_{method.partition('_by_')[2]}"):
        return reason
    close = closest(method, _methods(controller))
    reason = _reason(controller, close) if close else None
    return f"nor `{close}`: {reason}" if reason else did_you_mean(method, _methods(controller))


def _reason(controller: Controller, method: str) -> str | None:
    """Return the reason why an absent method is not emitted."""
    return next((absent.reason_for(method) for absent in controller.absent if method in absent.names), None)


def _models(package: Package, name: str) -> tuple[Controller, ...]:
    return tuple(controller for controller in package.controllers if name in _names(controller))


def _names(controller: Controller) -> set[str]:
    """Return the accepted names of a model: those of the settings, its controller's, and the attribute of ``db``."""
    return {*model_names(controller.model), controller.stem, controller.class_name, controller.module}


def _methods(controller: Controller) -> Iterator[str]:
    yield from (method.name for method in controller.methods)
    yield from sorted(_EXPLAINED)
    yield from (name for absent in controller.absent for name in absent.names)


def _unknown_model(package: Package, name: str) -> NotEmittedError:
    known = [model_names(controller.model)[1] for controller in package.controllers]
    first, dot, method = name.partition(".")
    suggestion = did_you_mean(name, [known for controller in package.controllers for known in _names(controller)])
    if suggestion is None and dot and "." not in method:
        suggestion, name = did_you_mean(first, known), first
    return NotEmittedError(f"there is no model `{name}`", hint=suggestion or f"the models are {listed(known, 10)}")
