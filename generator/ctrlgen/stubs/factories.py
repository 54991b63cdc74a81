"""Plans a factory per model: valid values for a new row, with the rows it must refer to made first."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ctrlgen.blueprint import Controller, Package
from ctrlgen.findings import NO_STUBS
from ctrlgen.schema import Column, Finding, ForeignKey, Model
from ctrlgen.stubs.keys import columns_in, is_single, own_values
from ctrlgen.stubs.names import IN_FACTORIES, factory_functions, variable
from ctrlgen.stubs.values import Value


@dataclass(frozen=True, slots=True)
class Parent:
    """A row to make first: the local variable, and the controller whose factory makes it."""

    variable: str
    controller: Controller


@dataclass(frozen=True, slots=True)
class Factory:
    """How a valid row of one model is made: its parents, and the values by attribute.

    ``once`` are the controllers, of the row and of all that it needs, of which a test can make one row only: their
    keys are of a few values.
    """

    controller: Controller
    parents: tuple[Parent, ...]
    values: Mapping[str, Value]
    once: frozenset[str] = frozenset()


class Factories:
    """The factories of a package, and the reasons where one could not be planned."""

    def __init__(self, package: Package) -> None:
        self._controllers = {controller.model.reference: controller for controller in package.controllers}
        self.functions = factory_functions(package.controllers)
        self._planned: dict[str, Factory | str] = {}
        for controller in package.controllers:
            self._plan(controller, ())

    def of(self, controller: Controller) -> Factory | None:
        """Return the model's factory, or None where none could be planned."""
        planned = self._planned[controller.module]
        return planned if isinstance(planned, Factory) else None

    def all(self) -> list[Factory]:
        """Return every factory, by module name."""
        return [factory for _, factory in sorted(self._planned.items()) if isinstance(factory, Factory)]

    def target(self, key: ForeignKey) -> Factory | None:
        """Return the factory of what a foreign key points at; None where there is none."""
        controller = self._controllers.get(key.target) if key.target else None
        return self.of(controller) if controller else None

    def findings(self) -> Iterator[Finding]:
        """Yield why a model gets no stubs."""
        for controller in self._controllers.values():
            reason = self._planned[controller.module]
            if isinstance(reason, str):
                yield NO_STUBS.at(controller.model.location, model=controller.model.reference.name, reason=reason)

    def _plan(self, controller: Controller, path: tuple[str, ...]) -> Factory | str:
        if controller.module in path:
            return "its required foreign keys lead back to itself"
        if controller.module not in self._planned:
            planned = self._try(controller, (*path, controller.module))
            if path and isinstance(planned, str):
                return planned  # judged again from its own side
            self._planned[controller.module] = planned
        return self._planned[controller.module]

    def _try(self, controller: Controller, path: tuple[str, ...]) -> Factory | str:
        refused = next((column.attribute for column in controller.columns if keyword.iskeyword(column.attribute)), None)
        if refused is not None:
            return f"`{refused}` is a keyword of Python"
        parents: list[Parent] = []
        values: dict[str, Value] = {}
        once = frozenset[str]()
        for key in _required_keys(controller):
            if set(key.attributes) <= values.keys():
                continue  # another key to the same rows has made them
            if set(key.attributes) & values.keys():
                return f"`{', '.join(key.attributes)}` must agree with another foreign key"
            target = self._controllers.get(key.target) if key.target else None
            if target is None:
                return f"`{key.attributes[0]}` refers to a table that has no controller"
            planned = self._plan(target, path)
            if isinstance(planned, str):
                return f"`{key.attributes[0]}` refers to `{target.model.reference.name}`, and {planned}"
            parent = self._parent(key, target, parents, again=not planned.once)
            if parent not in parents and once & planned.once:
                return f"`{key.attributes[0]}` would need a second row of `{min(once & planned.once)}`"
            parents += [parent] if parent not in parents else []
            once |= planned.once
            held = referred(key, target, parent.variable)
            values |= {mine: Value((text,), fresh=not planned.once) for mine, text in held.items()}
        own = own_values(controller, values)
        unknown = next((attribute for attribute, value in own.items() if value is None), None)
        if unknown is not None:
            return f"no value is known for `{unknown}`"
        values |= {attribute: value for attribute, value in own.items() if value is not None}
        order = [entry.key for entry in controller.create if entry.key in values]
        if is_single(controller.model, values):
            once |= {controller.module}
        return Factory(controller, tuple(parents), {attribute: values[attribute] for attribute in order}, once)

    def _parent(self, key: ForeignKey, target: Controller, parents: list[Parent], *, again: bool) -> Parent:
        """Return the row that a foreign key refers to: one more where it can be made again, else the one there is."""
        there = next((parent for parent in parents if parent.controller == target), None)
        return there if there and not again else Parent(self._variable(key, target, parents), target)

    def _variable(self, key: ForeignKey, target: Controller, parents: list[Parent]) -> str:
        taken = {*IN_FACTORIES, *self.functions, *(parent.variable for parent in parents)}
        name = key.attributes[0].removesuffix("_id")
        plain_name = len(key.attributes) == 1 and name != key.attributes[0] and name.isidentifier()
        return variable(name if plain_name else target.module, taken)


def referred(key: ForeignKey, target: Controller, row: str) -> dict[str, str]:
    """Return the source of what the columns of a foreign key hold, so that they refer to ``row``."""
    pairs = zip(key.attributes, key.target_attributes, strict=True)
    return {mine: value_of(target.model.column(theirs), row) for mine, theirs in pairs}


def value_of(column: Column, row: str) -> str:
    """Return ``row.attribute`` as an argument; to a type checker it may be None where the author said so."""
    value = f"{row}.{column.attribute}"
    return f"present({value})" if column.optional else value


def key_columns(controller: Controller) -> list[Column]:
    """Return the primary key's columns."""
    return [controller.model.column(name) for name in columns_in(controller.model.primary_key)]


def widest_keys(model: Model) -> list[ForeignKey]:
    """Return the foreign keys, those of most columns first, as they hold for the others too."""
    return sorted(model.foreign_keys, key=lambda key: (-len(key.attributes), key.attributes))


def _required_keys(controller: Controller) -> list[ForeignKey]:
    required = {entry.key for entry in controller.create if entry.required}
    return [key for key in widest_keys(controller.model) if set(key.attributes) <= required]
