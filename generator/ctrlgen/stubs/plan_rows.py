"""The second step, for the rows of tests: plans a row from the factory, or with values that a method can find."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from ctrlgen.blueprint import Controller, Method
from ctrlgen.schema import NULL, Column, Condition, ForeignKey, Relation, Value
from ctrlgen.stubs.plan_factories import Factories, Factory, referred, value_of, widest_keys
from ctrlgen.stubs.stub_names import FileNames, names_in_tests, new_row, row_values, variable

Lines = list[str]


class UnknownRowError(Exception):
    """The values that a row needs are unknown."""


class Rows:
    """Writes the rows of one controller's tests.

    Parameters
    ----------
    factory
        The model's factory.
    factories
        All factories, for referenced rows.
    factory_columns
        The columns that the factory sets, which may differ from the plan if the user has changed it.
    names
        The names in the test file.
    """

    def __init__(
        self, factory: Factory, factories: Factories, factory_columns: Collection[str], names: FileNames
    ) -> None:
        self.controller: Controller = factory.controller
        self.factory_columns = frozenset(factory_columns)
        self.names = names
        self.name = variable(self.controller.module, names_in_tests() | factories.functions)
        self.new = f"{self.name} = await {new_row(self.controller)}(db)"
        self.once = factory.once
        self._planned = factory.values if self.factory_columns == frozenset(factory.values) else dict[str, Value]()
        self.present = frozenset(name for name in self.factory_columns if self._planned.get(name) != NULL)
        self._factories = factories
        self._columns = {column.attribute: column for column in self.controller.columns}

    def row_for(self, method: Method) -> Lines:
        """Return the lines that create a row which the method finds.

        Raises
        ------
        UnknownRowError
            The values that the predicate requires are unknown.
        """
        conditions = conditions_of(method) if method.within else ()
        if conditions is None:
            raise UnknownRowError
        needed = {
            parameter.key for parameter in method.parameters if not parameter.nullable and self.lacks(parameter.key)
        }
        lines = self._set_with_companions(method, conditions, needed)
        create = f"{self.name} = await db.{self.controller.module}.create(**values)"
        return [*self._values(), *lines, create] if lines else [self.new]

    def inserted(self, method: Method) -> Lines:
        """Return the lines that collect the arguments of a method that inserts a row.

        Such a method sets the values of its predicate itself, and rejects others.

        Raises
        ------
        UnknownRowError
            The predicate requires a row that may not exist.
        """
        conditions = [
            condition
            for condition in conditions_of(method) or ()
            if condition.attribute in self.factory_columns or self._refers(condition)
        ]
        return [*self._values(), *self._set_with_companions(method, conditions, set())]

    def _set_with_companions(self, method: Method, conditions: Iterable[Condition], needed: set[str]) -> Lines:
        """Return the lines that set the values that the method needs, and those that CHECK constraints then require."""
        conditions = [*conditions]
        if method.index is None or (not needed and all(map(self._holds, conditions_of(method) or ()))):
            return self._set(conditions, needed)
        if method.index.companions is None:
            raise UnknownRowError
        companions = {name: value for name, value in method.index.companions if name not in needed}
        referring = {name for key in self.controller.model.foreign_keys for name in key.attributes}
        rows = {name for name, value in companions.items() if name in referring and value != NULL}
        plain = [self._line(name, value) for name, value in companions.items() if name not in rows]
        return [*self._set(conditions, needed | rows), *plain]

    def linked(self, relation: Relation) -> tuple[Lines, str]:
        """Return the lines that create the row and a row to link it with, and the name of the latter.

        Raises
        ------
        UnknownRowError
            The other model has no controller, or a test can create only one row of a model that both need.
        """
        factory = self._factories.of_model(relation.target)
        if factory is None or self.once & factory.once:
            raise UnknownRowError
        related = self._variable(factory.controller)
        return [self.new, f"{related} = await {new_row(factory.controller)}(db)"], related

    def value(self, column: Column) -> str:
        """Return the row's value of a column."""
        return value_of(column, self.name)

    def _variable(self, other: Controller) -> str:
        """Return the name of a row of another model, or of a second row."""
        return variable(other.module, {self.name, *names_in_tests(), *self._factories.functions})

    def _values(self) -> Lines:
        return [f"values = await {row_values(self.controller)}(db)"]

    def lacks(self, attribute: str) -> bool:
        """Return whether a new row has no value for a column unless it is set."""
        column = self._columns.get(attribute)
        return (
            column is not None
            and column.nullable
            and (
                (column.default == "None" and attribute not in self.factory_columns)
                or attribute in self.factory_columns - self.present
            )
        )

    def _refers(self, condition: Condition) -> bool:
        return condition.test == "=" and any(
            condition.attribute in key.attributes for key in self.controller.model.foreign_keys
        )

    def _holds(self, condition: Condition) -> bool:
        """Return whether a new row satisfies a conjunct by default."""
        column = self._columns[condition.attribute]
        if condition.test == "is not null":
            return not self.lacks(condition.attribute)
        if condition.attribute in self.factory_columns:
            return self._planned.get(condition.attribute) == column.value_for(condition)
        return column.default == ("None" if condition.test == "is null" else condition.value)

    def _set(self, conditions: Iterable[Condition], needed: Collection[str]) -> Lines:
        """Return the lines that set values that a new row does not have by default: constants and required values."""
        open_ = [condition for condition in conditions if not self._holds(condition)]
        exact = {condition.attribute: condition for condition in open_ if condition.test != "is not null"}
        any_value = {
            *needed,
            *(condition.attribute for condition in open_ if condition.test == "is not null"),
        } - exact.keys()
        if any(self._refers(condition) for condition in exact.values()):
            raise UnknownRowError
        references = list(self._references(any_value, exact.keys()))
        plain = [
            name
            for name in self._columns
            if name in any_value and not any(name in key.attributes for key in references)
        ]
        return [
            *(line for key in references for line in self._reference(key)),
            *(self._line(name, self._columns[name].value_for(condition)) for name, condition in exact.items()),
            *(self._line(name, self._columns[name].samples.fixed) for name in plain),
        ]

    def _references(self, required_columns: Collection[str], exact: Collection[str]) -> Iterator[ForeignKey]:
        """Yield the foreign keys that set the required columns, those with most columns first."""
        left, settled, once = set(required_columns), {*exact}, self.once
        wide = [{*key.attributes} for key in self.controller.model.foreign_keys if len(key.attributes) > 1]
        for both in wide:  # a column of two foreign keys cannot be set by only one of them
            settled |= {name for name in both if both <= self.present}
        for key in widest_keys(self.controller.model):
            if not left & {*key.attributes}:
                continue
            target = self._factories.of_model(key.target)
            if target is None or settled & {*key.attributes} or once & target.once:
                raise UnknownRowError
            left -= {*key.attributes}
            once |= target.once
            yield key

    def _reference(self, key: ForeignKey) -> Lines:
        """Return the lines that create a row and set the foreign key to reference it."""
        factory = self._factories.of_model(key.target)
        if factory is None:
            raise UnknownRowError
        target = factory.controller
        creation = f"await {new_row(target)}(db)"
        if len(key.attributes) == 1:
            return [self._line(name, text) for name, text in referred(key, target, f"({creation})").items()]
        parent = self._variable(target)
        set_ = [self._line(name, text) for name, text in referred(key, target, parent).items()]
        return [f"{parent} = {creation}", *set_]

    def _line(self, attribute: str, value: Value | str | None) -> str:
        if value is None or attribute not in {entry.key for entry in self.controller.create}:
            raise UnknownRowError
        text = value if isinstance(value, str) else value.source(self.names.name)
        return f'values["{attribute}"] = {text}'


def conditions_of(method: Method) -> tuple[Condition, ...] | None:
    """Return the conditions of the method's predicate: empty if it has none, None if they are unknown."""
    predicate = method.index.predicate if method.index else None
    return predicate.conditions if predicate else ()
