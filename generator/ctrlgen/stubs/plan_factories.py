"""The second step, for factories: plans a factory for each model, with valid values and the rows it references."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ctrlgen.blueprint import Controller, Package
from ctrlgen.findings import INCOMPLETE_FACTORY, UNSETTLED_CHECK, Finding
from ctrlgen.schema import NULL, Column, ForeignKey, Imported, Index, Model, Value
from ctrlgen.stubs.stub_names import factory_functions, names_in_factories, row_values, variable

_SKIP = Imported("pytest", "skip")


@dataclass(frozen=True, slots=True)
class Parent:
    """A row to create first: the local variable, and the controller whose factory creates the row."""

    variable: str
    controller: Controller


@dataclass(frozen=True, slots=True)
class Factory:
    """The creation of a valid row of one model: its parents, and the values by attribute.

    ``once`` are the controllers, of the row and of its parents, of which a test can create only one row, because their
    keys have few values. ``unknown`` are the reasons why the user must add a value.
    """

    controller: Controller
    parents: tuple[Parent, ...]
    values: Mapping[str, Value]
    once: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()


class Factories:
    """The factories of a package.

    Factories without a known valid row are planned, too. Their tests, and those of referencing models, are skipped
    until the user adds the missing value.
    """

    def __init__(self, package: Package) -> None:
        self._controllers = {controller.model.reference: controller for controller in package.controllers}
        self.functions = factory_functions(package.controllers)
        self._needs: dict[str, set[str]] = {controller.module: set() for controller in package.controllers}
        keys = [(controller, key) for controller in package.controllers for key in _checked_keys(controller)]
        for controller, key in sorted(keys, key=lambda pair: _may_be_null(pair[1], pair[0].model)):
            self._need(controller, key)
        self._planned: dict[str, Factory] = {}
        for controller in package.controllers:
            self._plan(controller)

    def of(self, controller: Controller) -> Factory:
        """Return the model's factory."""
        return self._planned[controller.module]

    def all(self) -> list[Factory]:
        """Return every factory, by module name."""
        return [factory for _, factory in sorted(self._planned.items())]

    def of_model(self, reference: Imported | None) -> Factory | None:
        """Return the factory of a referenced model; None if it has none."""
        controller = self._controllers.get(reference) if reference else None
        return self.of(controller) if controller else None

    def findings(self, written: Mapping[str, str]) -> Iterator[Finding]:
        """Yield a finding for each factory that the user must complete.

        ``written`` are the existing factories, by name.
        """
        for factory in self.all():
            model, function = factory.controller.model, row_values(factory.controller)
            source = written.get(function)
            if factory.unknown and (source is None or "skip(" in source):
                names = {"model": model.reference.name, "reason": "; ".join(factory.unknown), "factory": function}
                yield INCOMPLETE_FACTORY.at(model.location, **names)
            for check in model.unsettled_checks if source is None else ():
                yield UNSETTLED_CHECK.at(model.location, model=model.reference.name, check=check, factory=function)

    def planned_target(self, controller: Controller, key: ForeignKey) -> tuple[Controller | None, Factory | None]:
        """Return the target of a foreign key, and its factory unless that needs a row of the model itself."""
        target = self._controllers.get(key.target) if key.target else None
        if target is None or self._leads_to(target.module, controller.module):
            return target, None
        return target, self._plan(target)

    def _need(self, controller: Controller, key: ForeignKey) -> None:
        """Record that a row needs another one first. For a nullable foreign key, only if this causes no cycle."""
        target = self._controllers.get(key.target) if key.target else None
        if target is None:
            return
        if not _may_be_null(key, controller.model) or not self._leads_to(target.module, controller.module):
            self._needs[controller.module].add(target.module)

    def _leads_to(self, module: str, target: str) -> bool:
        """Return whether a row of one model needs a row of the other, or is one."""
        seen, modules = set[str](), [module]
        while modules:
            current = modules.pop()
            if current == target:
                return True
            if current not in seen:
                seen.add(current)
                modules += self._needs[current]
        return False

    def _plan(self, controller: Controller) -> Factory:
        if controller.module not in self._planned:
            self._planned[controller.module] = _Plan(self, controller).factory()
        return self._planned[controller.module]


class _Plan:
    """Plans one factory."""

    def __init__(self, factories: Factories, controller: Controller) -> None:
        self._factories, self._controller = factories, controller
        self._model = controller.model
        self._parents: list[Parent] = []
        self._values: dict[str, Value] = {}
        self._once = frozenset[str]()
        self._unknown: list[str] = []

    def factory(self) -> Factory:
        """Return the factory."""
        for key in _checked_keys(self._controller):
            if not set(key.attributes) <= self._values.keys():
                self._refer(key)
        for attribute, value in own_values(self._controller, self._values).items():
            self._values[attribute] = value or self._missing(attribute, f"no valid value of `{attribute}` is known")
        order = [entry.key for entry in self._controller.create if entry.key in self._values]
        values = {attribute: self._values[attribute] for attribute in order}
        if is_single(self._model, values):
            self._once |= {self._controller.module}
        return Factory(self._controller, tuple(self._parents), values, self._once, tuple(self._unknown))

    def _refer(self, key: ForeignKey) -> None:
        """Create the row that a foreign key references, or else use None if it is nullable."""
        target, planned = self._factories.planned_target(self._controller, key)
        settled = set(key.attributes) & self._values.keys()
        name = key.attributes[0]
        if settled:
            self._give_up(key, f"`{', '.join(key.attributes)}` must agree with another foreign key")
        elif target is None:
            self._give_up(key, f"`{name}` references a table without a controller")
        elif planned is None:
            self._give_up(key, f"`{name}` leads back to the model itself")
        else:
            parent = self._parent(key, target, again=not planned.once)
            if parent not in self._parents and self._once & planned.once:
                again = min(self._once & planned.once)
                self._give_up(key, f"`{name}` would need a second row of `{again}`")
                return
            self._parents += [parent] if parent not in self._parents else []
            self._once |= planned.once
            sources = referred(key, target, parent.variable)
            self._values |= {
                attribute: Value((source,), varies=not planned.once) for attribute, source in sources.items()
            }

    def _give_up(self, key: ForeignKey, reason: str) -> None:
        """Set a foreign key to NULL, or else leave the value to the user."""
        columns = [self._model.column(name) for name in key.attributes if name not in self._values]
        if nullable := [column for column in columns if column.nullable]:
            self._values |= {column.attribute: NULL for column in nullable}
            return
        for column in columns:
            self._values[column.attribute] = self._missing(column.attribute, reason)

    def _missing(self, attribute: str, reason: str) -> Value:
        """Return the source in the place of an unknown value, which skips the test."""
        self._unknown.append(reason)
        return Value((_SKIP, f'("put a valid `{attribute}` here")'))

    def _parent(self, key: ForeignKey, target: Controller, *, again: bool) -> Parent:
        """Return the referenced row of a foreign key: another row if the factory can create several, else the same."""
        existing = next((parent for parent in self._parents if parent.controller == target), None)
        return existing if existing and not again else Parent(self._variable(key, target), target)

    def _variable(self, key: ForeignKey, target: Controller) -> str:
        taken = {*names_in_factories(), *self._factories.functions, *(parent.variable for parent in self._parents)}
        name = key.attributes[0].removesuffix("_id")
        plain_name = len(key.attributes) == 1 and name != key.attributes[0] and name.isidentifier()
        return variable(name if plain_name else target.module, taken)


def referred(key: ForeignKey, target: Controller, row: str) -> dict[str, str]:
    """Return the source of the column values of a foreign key that references ``row``."""
    pairs = zip(key.attributes, key.target_attributes, strict=True)
    return {attribute: value_of(target.model.column(target_attribute), row) for attribute, target_attribute in pairs}


def value_of(column: Column, row: str) -> str:
    """Return ``row.attribute`` as an argument, narrowed for type checkers if its declared type includes None."""
    value = f"{row}.{column.attribute}"
    if keyword.iskeyword(column.attribute):
        value = f'getattr({row}, "{column.attribute}")'
    return f"present({value})" if column.optional else value


def widest_keys(model: Model) -> list[ForeignKey]:
    """Return the foreign keys, those with most columns first, because they determine the others."""
    return sorted(model.foreign_keys, key=lambda key: (-len(key.attributes), key.attributes))


def _checked_keys(controller: Controller) -> list[ForeignKey]:
    """Return the foreign keys that the database checks for a new row: those without a NULL column."""
    model, taken = controller.model, {entry.key for entry in controller.create}
    return [
        key
        for key in widest_keys(model)
        if taken.issuperset(key.attributes) and all(map(_has_value, map(model.column, key.attributes)))
    ]


def _may_be_null(key: ForeignKey, model: Model) -> bool:
    return any(model.column(attribute).nullable for attribute in key.attributes)


def _has_value(column: Column) -> bool:
    """Return whether a new row of the tests has a value for a column, and not NULL."""
    if column.samples.new == NULL:  # required by a CHECK
        return False
    return column.is_required or column.samples.needed or column.default != "None"


# Values and keys: rows of one factory must not clash, and unique keys should find them.


def own_values(controller: Controller, known_values: Mapping[str, Value]) -> dict[str, Value | None]:
    """Return values for required columns, and for those that keys or constraints need.

    None stands for an unknown value.
    """
    model = controller.model
    columns = {entry.key: model.column(entry.key) for entry in controller.create if entry.key not in known_values}
    values: dict[str, Value | None] = {
        name: _new(column, required=entry_is_required(controller, name))
        for name, column in columns.items()
        if entry_is_required(controller, name) or column.samples.needed
    }
    referring = {name for key in model.foreign_keys for name in key.attributes}
    for index in model.indexes[1:]:
        for name in index.columns:
            column = columns.get(name)
            if column is None or name in values or name in referring or column.samples.settled:
                continue
            value = column.samples.new
            if value and _is_better_given(column, index, model, value):
                values[name] = value
    return values


def entry_is_required(controller: Controller, attribute: str) -> bool:
    """Return whether type checkers require the value of a new row."""
    return any(entry.key == attribute and entry.required for entry in controller.create)


def _new(column: Column, *, required: bool) -> Value | None:
    if column.samples.new is None and column.nullable and required:
        return NULL
    return column.samples.new


def _is_better_given(column: Column, index: Index, model: Model, value: Value) -> bool:
    """Return whether rows should have a value that may be omitted.

    This is so if the default would make a second row clash with the first, or if a unique key could not find the row.
    """
    if not index.unique:
        return False
    if not column.nullable or index.nulls_not_distinct:
        return value.varies
    varies = value.varies or column.kind == "uuid"
    return column.default == "None" and varies and not _is_null_in(column, model)


def _is_null_in(column: Column, model: Model) -> bool:
    """Return whether a partial index contains rows without a value."""
    predicates = [index.predicate for index in model.indexes if index.predicate]
    return any(predicate.conditions is None or column.attribute in predicate.null for predicate in predicates)


def is_single(model: Model, values: Mapping[str, Value]) -> bool:
    """Return whether a second row would clash with the first in some key, for example of an enum."""
    return any(
        index.unique and _is_met(index, model, values) and _is_alike(index, model, values) for index in model.indexes
    )


def _is_met(index: Index, model: Model, values: Mapping[str, Value]) -> bool:
    """Return whether new rows may be in a unique index. A partial one may exclude them."""
    if index.predicate is None or index.predicate.conditions is None:
        return index.predicate is None
    free = [
        condition
        for condition in index.predicate.conditions
        if condition.attribute not in values and condition.test == "="
    ]
    return all(model.column(condition.attribute).default in (None, condition.value) for condition in free)


def _is_alike(index: Index, model: Model, values: Mapping[str, Value]) -> bool:
    """Return whether all new rows have the same key."""
    columns = [model.column(attribute) for attribute in index.columns]
    return index.is_of_columns and not any(_differs(column, index, values) for column in columns)


def _differs(column: Column, index: Index, values: Mapping[str, Value]) -> bool:
    if value := values.get(column.attribute):
        is_null = value == NULL and not index.nulls_not_distinct
        return value.varies or is_null or column.kind in {"uuid", "datetime"}
    return column.default is None or (column.default == "None" and not index.nulls_not_distinct)
