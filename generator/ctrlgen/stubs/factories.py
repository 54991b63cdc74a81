"""Plans a factory per model: valid values for a new row, with the rows it must refer to made first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ctrlgen.package import Controller, Package
from ctrlgen.schema import Column, ColumnPart, Finding, ForeignKey, Index, Model
from ctrlgen.stubs.names import IN_FACTORIES, factory_functions, variable
from ctrlgen.stubs.values import Value, fresh_value, plain


@dataclass(frozen=True, slots=True)
class Parent:
    """A row to make first: the local variable, and the controller whose factory makes it."""

    variable: str
    controller: Controller


@dataclass(frozen=True, slots=True)
class Factory:
    """How a valid row of one model is made: its parents, and the values by attribute."""

    controller: Controller
    parents: tuple[Parent, ...]
    values: Mapping[str, Value]


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

    def target(self, key: ForeignKey) -> Controller | None:
        """Return the controller of what a foreign key points at, where its rows can be made."""
        controller = self._controllers.get(key.target) if key.target else None
        return controller if controller and self.of(controller) else None

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
        parents: list[Parent] = []
        values: dict[str, Value] = {}
        for key in _required_keys(controller):
            if set(key.attributes) <= values.keys():
                continue  # another key to the same rows has made them
            if set(key.attributes) & values.keys():
                return f"`{', '.join(key.attributes)}` must agree with another foreign key"
            target = self._controllers.get(key.target) if key.target else None
            if target is None:
                return f"`{key.attributes[0]}` refers to a table that has no controller"
            reason = self._plan(target, path)
            if isinstance(reason, str):
                return f"`{key.attributes[0]}` refers to `{target.model.reference.name}`, and {reason}"
            parent = Parent(self._variable(key, target, parents), target)
            parents.append(parent)
            values |= {mine: plain(text) for mine, text in referred(key, target, parent.variable).items()}
        own = _own_values(controller, values)
        unknown = next((attribute for attribute, value in own.items() if value is None), None)
        if unknown is not None:
            return f"no value is known for `{unknown}`"
        values |= {attribute: value for attribute, value in own.items() if value is not None}
        order = [entry.key for entry in controller.create if entry.key in values]
        return Factory(controller, tuple(parents), {attribute: values[attribute] for attribute in order})

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


def columns_in(index: Index) -> list[str]:
    """Return the attributes of an index."""
    return [part.attribute for part in index.parts if isinstance(part, ColumnPart)]


def widest_keys(model: Model) -> list[ForeignKey]:
    """Return the foreign keys, those of most columns first, as they hold for the others too."""
    return sorted(model.foreign_keys, key=lambda key: (-len(key.attributes), key.attributes))


def _required_keys(controller: Controller) -> list[ForeignKey]:
    required = {entry.key for entry in controller.create if entry.required}
    return [key for key in widest_keys(controller.model) if set(key.attributes) <= required]


def _own_values(controller: Controller, given: Mapping[str, Value]) -> dict[str, Value | None]:
    """Return values for what a new row requires, and for what would be too little without: None where none is known."""
    model = controller.model
    wanted = [entry.key for entry in controller.create if entry.required and entry.key not in given]
    values = {attribute: fresh_value(model.column(attribute)) for attribute in wanted}
    referring = {name for key in model.foreign_keys for name in key.attributes}
    optional = {entry.key for entry in controller.create if not entry.required} - given.keys() - referring
    for index in model.indexes[1:]:
        for column in (model.column(attribute) for attribute in columns_in(index) if attribute in optional):
            value = fresh_value(column)
            if value and _is_better_given(column, index, model, value):
                values[column.attribute] = value
    return values


def _is_better_given(column: Column, index: Index, model: Model, value: Value) -> bool:
    """Tell whether rows should have a value that they may leave out.

    They do where the default would make the second row clash with the first, and where without one a unique key
    would not find them.
    """
    if not index.unique:
        return False
    if not column.nullable or index.nulls_not_distinct:
        return value.fresh
    return column.default == "None" and (value.fresh or column.kind == "uuid") and not _is_null_in(column, model)


def _is_null_in(column: Column, model: Model) -> bool:
    """Tell whether a partial index is about rows without a value."""
    predicates = [index.predicate for index in model.indexes if index.predicate]
    return any(
        predicate.pins is None
        or any((pin.attribute, pin.test) == (column.attribute, "is null") for pin in predicate.pins)
        for predicate in predicates
    )
