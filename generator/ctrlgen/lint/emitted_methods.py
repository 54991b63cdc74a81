"""The methods that ctrlgen emits for the project's models, as plain data that is sent between processes.

They come from the plan. The models are loaded, as by ``generate``, only if a file has a query that an emitted method
might replace.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ctrlgen.blueprint import Controller
from ctrlgen.plan.methods import KEY_METHODS, LINKERS
from ctrlgen.plan.naming import MODEL_READS, MODEL_WRITES, name_pattern
from ctrlgen.settings import Config

FINDER = re.compile(rf"^(find_all|{name_pattern(['find'])})$")
"""The names of methods that return a selection."""

READ = re.compile(
    rf"^({'|'.join(sorted(MODEL_READS))}|load_\w+|"
    rf"{name_pattern(['find', *(rule.kind for rule in KEY_METHODS if rule.reads)])})$"
)
"""The names of emitted methods that read. Some writes (``get_or_create_by_id``) match as well."""

WRITE = re.compile(
    rf"^({'|'.join(sorted(MODEL_WRITES))}|{name_pattern(rule.kind for rule in KEY_METHODS if not rule.reads)})$"
)
"""The names of emitted methods that write rows."""

LINKER = re.compile(rf"^({'|'.join(LINKERS)})_\w+$")
"""The names of emitted methods that change links. Many hand-written methods have such names, too."""


@dataclass(frozen=True, slots=True)
class EmittedMethod:
    """The name of a method, with the columns of its key in the order of the parameters."""

    name: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EmittedController:
    """The controller of one model: its attribute of ``db``, and the keys of its methods."""

    model: str
    module: str
    attribute: str
    columns: frozenset[str]
    primary_key: tuple[str, ...]
    methods: Mapping[tuple[str, frozenset[str]], EmittedMethod]
    """The methods, by kind and keys."""

    def method(self, kind: str, keys: frozenset[str]) -> EmittedMethod | None:
        """Return the method of a kind for exactly these keys."""
        return self.methods.get((kind, keys))

    def finder(self, keys: frozenset[str]) -> EmittedMethod | None:
        """Return a finder whose first key is one of these."""
        finders = [method for (kind, own), method in self.methods.items() if kind == "find" and own and own <= keys]
        return min(finders, key=lambda method: method.name, default=None)


@dataclass(frozen=True, slots=True)
class EmittedMethods:
    """The emitted controllers, by the name of their models."""

    controllers: Mapping[str, EmittedController]
    output: Path | None = None

    def of(self, model: str, module: str | None) -> EmittedController | None:
        """Return the controller of a model that a file imports from ``module``; None for another class of that name."""
        controller = self.controllers.get(model)
        if controller is None or module is None:
            return controller
        top, own = module.lstrip(".").partition(".")[0], controller.module.partition(".")[0]
        return controller if top == own or top in controller.module.split(".") else None

    def defined_in(self, model: str, file: Path | None) -> EmittedController | None:
        """Return the controller of a model that a file defines; None for another class of that name."""
        controller = self.controllers.get(model)
        if controller is None or file is None:
            return controller
        path, module = file.with_suffix("").parts, tuple(controller.module.split("."))
        starts = range(len(path) - len(module) + 1)
        return controller if any(path[start : start + len(module)] == module for start in starts) else None


def emitted_methods(config: Config) -> EmittedMethods:
    """Return the methods that would be emitted for the models of a project.

    Raises
    ------
    CtrlgenError
        The models cannot be loaded.
    """
    from ctrlgen.child import schema_from_child  # loads the models, so only if a query needs it
    from ctrlgen.plan import plan

    package = plan(schema_from_child(config, with_samples=False), config.package, config.options)
    controllers = [_emitted(controller) for controller in package.controllers]
    return EmittedMethods({controller.model: controller for controller in controllers}, config.output)


def _emitted(controller: Controller) -> EmittedController:
    model = controller.model
    key = tuple(name for part in model.primary_key.parts if (name := getattr(part, "attribute", None)))
    methods: dict[tuple[str, frozenset[str]], EmittedMethod] = {}
    for method in controller.methods:
        if method.within is None:
            methods.setdefault((method.kind, frozenset(method.keys)), EmittedMethod(method.name, method.keys))
    columns = frozenset(column.attribute for column in model.columns)
    return EmittedController(model.reference.name, model.reference.module, controller.module, columns, key, methods)
