"""Writes how a test makes its row: by the factory, or with the values that bring it where a method finds it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from ctrlgen.blueprint import Controller, Method
from ctrlgen.schema import Column, Condition, ForeignKey
from ctrlgen.stubs.factories import Factories, Factory, referred, value_of, widest_keys
from ctrlgen.stubs.names import IN_TESTS, new_row, row_values, variable
from ctrlgen.stubs.scope import Scope
from ctrlgen.stubs.values import Value, fixed_value, pinned_value

Lines = list[str]


class UnknownRowError(Exception):
    """What a row would have to be is not known."""


class Rows:
    """Writes the rows of one controller's tests.

    Parameters
    ----------
    factory
        The model's factory.
    factories
        All of them, for rows to refer to.
    given
        The columns that the factory gives, which for one of the user's own may be others than planned.
    scope
        What names mean in the test's file.
    """

    def __init__(self, factory: Factory, factories: Factories, given: Collection[str], scope: Scope) -> None:
        self.controller: Controller = factory.controller
        self.given = frozenset(given)
        self.scope = scope
        self.name = variable(self.controller.module, IN_TESTS | factories.functions)
        self.new = f"{self.name} = await {new_row(self.controller)}(db)"
        self.once = factory.once
        self._planned = factory.values if self.given == frozenset(factory.values) else dict[str, Value]()
        self._factories = factories
        self._columns = {column.attribute: column for column in self.controller.columns}

    def made(self, method: Method) -> Lines:
        """Return the lines that make a row which the method finds.

        Raises
        ------
        UnknownRowError
            Nothing is known of what the predicate asks for.
        """
        pins = pins_of(method) if method.within else ()
        if pins is None:
            raise UnknownRowError
        needed = {one.key for one in method.parameters if not one.nullable and self._lacks(one.key)}
        lines = self._set(pins, needed)
        create = f"{self.name} = await db.{self.controller.module}.create(**values)"
        return [*self._values(), *lines, create] if lines else [self.new]

    def inserted(self, method: Method) -> Lines:
        """Return the lines that collect what a method which inserts a row is given.

        Such a method sets itself what its predicate asks for, but refuses other values.

        Raises
        ------
        UnknownRowError
            The predicate is about a row that may not be there.
        """
        pins = [pin for pin in pins_of(method) or () if pin.attribute in self.given or self._refers(pin)]
        return [*self._values(), *self._set(pins, set())]

    def value(self, column: Column) -> str:
        """Return the row's value of a column."""
        return value_of(column, self.name)

    def _values(self) -> Lines:
        return [f"values = await {row_values(self.controller)}(db)"]

    def _lacks(self, attribute: str) -> bool:
        """Tell whether a new row has no value for a column unless told."""
        column = self._columns.get(attribute)
        return column is not None and column.nullable and column.default == "None" and attribute not in self.given

    def _refers(self, pin: Condition) -> bool:
        return pin.test == "=" and any(pin.attribute in key.attributes for key in self.controller.model.foreign_keys)

    def _holds(self, pin: Condition) -> bool:
        """Tell whether a conjunct is true of a new row as it is made."""
        column = self._columns[pin.attribute]
        if pin.test == "is not null":
            return not self._lacks(pin.attribute)
        if pin.attribute in self.given:
            return self._planned.get(pin.attribute) == pinned_value(column, pin)
        return column.default == ("None" if pin.test == "is null" else pin.value)

    def _set(self, pins: Iterable[Condition], needed: Collection[str]) -> Lines:
        """Return the lines that set what a new row does not have by itself: constants, and any value where needed."""
        open_ = [pin for pin in pins if not self._holds(pin)]
        exact = {pin.attribute: pin for pin in open_ if pin.test != "is not null"}
        any_value = {*needed, *(pin.attribute for pin in open_ if pin.test == "is not null")} - exact.keys()
        if any(self._refers(pin) for pin in exact.values()):
            raise UnknownRowError
        references = list(self._references(any_value, exact.keys()))
        plain = [
            name
            for name in self._columns
            if name in any_value and not any(name in key.attributes for key in references)
        ]
        return [
            *(line for key in references for line in self._reference(key)),
            *(self._line(name, pinned_value(self._columns[name], pin)) for name, pin in exact.items()),
            *(self._line(name, fixed_value(self._columns[name])) for name in plain),
        ]

    def _references(self, wanted: Collection[str], exact: Collection[str]) -> Iterator[ForeignKey]:
        """Yield the foreign keys that give the wanted columns a value, the widest first."""
        left, settled, once = set(wanted), {*exact}, self.once
        wide = [{*key.attributes} for key in self.controller.model.foreign_keys if len(key.attributes) > 1]
        for both in wide:  # a column of two keys can not follow one of them alone
            settled |= {name for name in both if both <= self.given}
        for key in widest_keys(self.controller.model):
            if not left & {*key.attributes}:
                continue
            target = self._factories.target(key)
            if target is None or settled & {*key.attributes} or once & target.once:
                raise UnknownRowError
            left -= {*key.attributes}
            once |= target.once
            yield key

    def _reference(self, key: ForeignKey) -> Lines:
        """Return the lines that make a row, and let the foreign key refer to it."""
        factory = self._factories.target(key)
        if factory is None:
            raise UnknownRowError
        target = factory.controller
        made = f"await {new_row(target)}(db)"
        if len(key.attributes) == 1:
            return [self._line(name, text) for name, text in referred(key, target, f"({made})").items()]
        parent = variable(target.module, {self.name, *IN_TESTS, *self._factories.functions})
        set_ = [self._line(name, text) for name, text in referred(key, target, parent).items()]
        return [f"{parent} = {made}", *set_]

    def _line(self, attribute: str, value: Value | str | None) -> str:
        if value is None or attribute not in {entry.key for entry in self.controller.create}:
            raise UnknownRowError
        text = value if isinstance(value, str) else value.source(self.scope.name)
        return f'values["{attribute}"] = {text}'


def pins_of(method: Method) -> tuple[Condition, ...] | None:
    """Return what the method's predicate asks for, nothing where it has none; None where that is not understood."""
    predicate = method.index.predicate if method.index else None
    return predicate.conditions if predicate else ()
