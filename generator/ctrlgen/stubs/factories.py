"""Plans a factory per model: valid values for a new row, with the rows it must refer to made first."""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from dataclasses import dataclass

from ctrlgen.package import Controller, Package
from ctrlgen.schema import ColumnPart, Finding, ForeignKey, Imported
from ctrlgen.stubs.values import Value, fresh_value

_TAKEN = frozenset({"", "count", "db", "numbers", "present"})
"""Names that mean something else in a factory."""


@dataclass(frozen=True, slots=True)
class Parent:
    """A row to make first: the local variable, and the controller whose factory makes it."""

    variable: str
    module: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """A column and the source of its value."""

    attribute: str
    text: str


@dataclass(frozen=True, slots=True)
class Factory:
    """How a valid row of one model is made."""

    controller: Controller
    parents: tuple[Parent, ...]
    assignments: tuple[Assignment, ...]
    imports: tuple[Imported, ...]


class Factories:
    """The factories of a package, and the reasons where one could not be planned."""

    def __init__(self, package: Package) -> None:
        self._controllers = {controller.model.reference: controller for controller in package.controllers}
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

    def findings(self) -> Iterator[Finding]:
        """Yield why a model gets no stubs."""
        for controller in self._controllers.values():
            reason = self._planned[controller.module]
            if isinstance(reason, str):
                message = f"no test stubs for `{controller.model.reference.name}`: {reason}; write its tests by hand"
                yield Finding(controller.model.location, "CG301", message)

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
        for column in controller.columns:
            if keyword.iskeyword(column.attribute):
                return f"`{column.attribute}` is a keyword of Python"
        parents: list[Parent] = []
        texts: dict[str, str] = {}
        imports: list[Imported] = []
        for key in _required_keys(controller):
            if set(key.attributes) & texts.keys():
                continue  # another key to the same rows has made them
            target = self._controllers.get(key.target) if key.target else None
            if target is None:
                return f"`{key.attributes[0]}` refers to a table that has no controller"
            reason = self._plan(target, path)
            if isinstance(reason, str):
                return f"`{key.attributes[0]}` refers to `{target.model.reference.name}`, and {reason}"
            parent = Parent(_variable(key, target), target.module)
            parents.append(parent)
            pairs = zip(key.attributes, key.target_attributes, strict=True)
            texts |= {mine: key_value(target, parent.variable, theirs) for mine, theirs in pairs}
        for attribute, value in _values(controller, texts):
            if value is None:
                return f"no value is known for `{attribute}`"
            texts[attribute] = value.text
            imports += value.imports
        for attribute, value in _distinct_values(controller, texts):
            texts[attribute] = value.text
            imports += value.imports
        order = [entry.key for entry in controller.create if entry.key in texts]
        assignments = tuple(Assignment(attribute, texts[attribute]) for attribute in order)
        return Factory(controller, tuple(parents), assignments, tuple(imports))


def _required_keys(controller: Controller) -> list[ForeignKey]:
    """Return the foreign keys a new row must have, the widest first."""
    required = {entry.key for entry in controller.create if entry.required}
    keys = [key for key in controller.model.foreign_keys if set(key.attributes) <= required]
    return sorted(keys, key=lambda key: (-len(key.attributes), key.attributes))


def _values(controller: Controller, given: dict[str, str]) -> list[tuple[str, Value | None]]:
    wanted = [entry.key for entry in controller.create if entry.required and entry.key not in given]
    return [(attribute, fresh_value(controller.model.column(attribute))) for attribute in wanted]


def _distinct_values(controller: Controller, given: dict[str, str]) -> Iterator[tuple[str, Value]]:
    """Yield values for columns whose default would make the second row clash with the first."""
    referring = {name for key in controller.model.foreign_keys for name in key.attributes}
    optional = {entry.key for entry in controller.create if not entry.required} - given.keys() - referring
    for index in controller.model.indexes[1:]:
        parts = [part.attribute for part in index.parts if isinstance(part, ColumnPart)] if index.unique else []
        for attribute in parts:
            column = controller.model.column(attribute)
            value = fresh_value(column)
            if attribute in optional and (not column.nullable or index.nulls_not_distinct) and value and value.fresh:
                optional.discard(attribute)
                yield attribute, value


def _variable(key: ForeignKey, target: Controller) -> str:
    plain = len(key.attributes) == 1 and key.attributes[0].endswith("_id")
    name = key.attributes[0].removesuffix("_id") if plain else target.module
    return f"{name}_" if keyword.iskeyword(name) or name in _TAKEN or not name.isidentifier() else name


def key_value(controller: Controller, row: str, attribute: str) -> str:
    """Return ``row.attribute`` as an argument; a value the database gave may be None to a type checker."""
    column = controller.model.column(attribute)
    given = any(entry.key == attribute and entry.required for entry in controller.create)
    return f"{row}.{attribute}" if given or column.nullable else f"present({row}.{attribute})"


def key_columns(controller: Controller) -> list[str]:
    """Return the primary key's attributes."""
    return [part.attribute for part in controller.model.primary_key.parts if isinstance(part, ColumnPart)]
