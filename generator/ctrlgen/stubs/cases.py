"""Plans a test per method: what it makes, calls and expects, as source text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ctrlgen.package import Method, Parameter
from ctrlgen.schema import Column, ColumnPart, Imported, Index, Model, Part, Pin, Predicate
from ctrlgen.stubs.factories import Factory, key_columns, key_value
from ctrlgen.stubs.values import Value, fixed_value, member, other_value

_PREFERENCE = {"str": 0, "int": 1, "decimal": 2, "datetime": 3, "bool": 4}
"""Which kinds of columns show a change best, the best first."""

LOADED = "find_all().load"
"""What a test of loading relationships is recognized by."""

MAX_NAME = 63
"""Characters of a name in PostgreSQL; how it shortens what it makes up is its own business."""

_LOWERED = re.compile(r"(lower|upper)_(\w+)")


@dataclass(frozen=True, slots=True)
class Case:
    """A test: the method it is for, the lines of its body, and what they import."""

    method: str
    lines: tuple[str, ...]
    imports: tuple[Imported, ...] = ()

    @property
    def name(self) -> str:
        """What the test is called behind ``test_``."""
        return re.sub(r"\W+", "_", self.method)


class Cases:
    """Writes the tests of one controller.

    The row under test is called by the controller's name; ``db.<module>`` is the controller.
    """

    def __init__(self, factory: Factory) -> None:
        controller = factory.controller
        self._controller, self._assigned = controller, {item.attribute for item in factory.assignments}
        self._row = f"{controller.module}_" if controller.module in {"db", "values"} else controller.module
        self._db = f"db.{controller.module}"
        self._new = f"{self._row} = await new_{controller.module}(db)"

    def all(self) -> Iterator[Case]:
        """Yield a test for every method that one can be written for."""
        yield from self._of_model()
        for method in self._controller.methods:
            case = self._writers[method.kind](self, method)
            if case is not None:
                yield case

    def _of_model(self) -> Iterator[Case]:
        key = ", ".join(f"{name}={self._value(name)}" for name in key_columns(self._controller))
        row, db = self._row, self._db
        yield self._case("create", self._new, f"assert {row} in await {db}.find_all()")
        yield self._case("find_all", self._new, f"assert await {db}.find_all({key}) == [{row}]")
        yield self._case("find_one", self._new, f"assert await {db}.find_one({key}) == {row}")
        yield self._case("count", self._new, f"assert await {db}.count({key}) == 1")
        yield self._case("exists", self._new, f"assert await {db}.exists({key})")
        if change := self._change(()):
            column, value = change
            first = key_columns(self._controller)[0]
            call = f"{db}.update_where({db}.c.{first} == {self._value(first)}, {column.attribute}={value.text})"
            yield self._case("update_where", self._new, f"assert await {call} == 1", imports=value.imports)
        if relations := [relation.attribute for relation in self._controller.relations]:
            names = ", ".join(f'"{name}"' for name in relations)
            lines = [
                f"for _ in range(2):\n        await new_{self._controller.module}(db)",
                "async with explained(db) as plans:",
            ]
            lines += [f"    await {db}.find_all().load({names})", f"assert len(plans) <= {1 + len(relations)}"]
            yield self._case(LOADED, *lines)

    def _get(self, method: Method) -> Case | None:
        return self._keyed(
            method, lambda key: self._planned(method, f"assert await {self._db}.{method.name}({key}) == {self._row}")
        )

    def _get_one(self, method: Method) -> Case | None:
        def lines(key: str) -> list[str]:
            pk = ", ".join(self._value(name) for name in key_columns(self._controller))
            found = f"assert await {self._db}.{method.name}({key}) == {self._row}"
            delete = self._by_primary_key("delete")
            gone = [
                f"await {self._db}.{delete}({pk})",
                "with pytest.raises(NotFoundError):",
                f"    await {self._db}.{method.name}({key})",
            ]
            return [found, *(gone if delete else ())]

        return self._keyed(method, lines)

    def _update(self, method: Method) -> Case | None:
        change = self._change(self._pins(method))
        if change is None:
            return None
        column, value = change

        def lines(key: str) -> list[str]:
            keys = ", ".join(filter(None, [key, f"{column.attribute}=value"]))
            return [
                f"value = {value.text}",
                f"changed = await {self._db}.{method.name}({keys})",
                "assert changed is not None",
                f"assert changed.{column.attribute} == value",
            ]

        return self._keyed(method, lines, value.imports)

    def _delete(self, method: Method) -> Case | None:
        call = f"await {self._db}.{method.name}"
        return self._keyed(method, lambda key: [f"assert {call}({key})", f"assert not {call}({key})"])

    def _get_or_create(self, method: Method) -> Case:
        name, call = self._row, f"await {self._db}.{method.name}(**values)"
        return self._case(
            method.name,
            f"values = await {self._controller.module}_values(db)",
            f"{name}, is_new = {call}",
            "assert is_new",
            f"assert {call} == ({name}, False)",
        )

    def _upsert(self, method: Method) -> Case:
        call = f"await {self._db}.{method.name}(**values)"
        return self._case(
            method.name,
            f"values = await {self._controller.module}_values(db)",
            f"first = {call}",
            f"second = {call}",
            *(f"assert second.{name} == first.{name}" for name in key_columns(self._controller)),
        )

    def _find(self, method: Method) -> Case | None:
        found = f"assert {self._row} in await {self._db}.{method.name}"
        return self._keyed(method, lambda key: self._planned(method, f"{found}({key})"))

    def _load(self, method: Method) -> Case:
        relation = method.relation
        if relation is None:
            raise AssertionError("a loader has a relationship")
        loaded = f"{self._row}.{relation.attribute}"
        optional = f"assert {loaded} is None" if relation.optional else f"assert {loaded}"
        expected = f"assert not {loaded}" if relation.many else optional
        return self._case(method.name, self._new, f"await {self._db}.{method.name}([{self._row}])", expected)

    _writers: dict[str, Callable[[Cases, Method], Case | None]] = {  # noqa: RUF012 - a table of the methods above
        "get": _get,
        "get_one": _get_one,
        "update": _update,
        "delete": _delete,
        "get_or_create": _get_or_create,
        "upsert": _upsert,
        "find": _find,
        "load": _load,
    }

    def _planned(self, method: Method, line: str) -> list[str]:
        """Return a line that runs one query, and what must be true of its plan."""
        names = serving(method, self._controller.model)
        if not names:
            return [line]
        listed = ", ".join(map(repr, names))
        return [
            "async with explained(db) as plans:",
            f"    {line}",
            "assert len(plans) == 1",
            f"assert plans[0] & {{{listed}}}",
        ]

    def _by_primary_key(self, kind: str) -> str | None:
        """Return the method of that kind on the primary key, which the configuration may rename or leave out."""
        methods = (method for method in self._controller.methods if method.kind == kind and method.index)
        return next((method.name for method in methods if method.index == self._controller.model.primary_key), None)

    def _case(self, method: str, *lines: str, imports: tuple[Imported, ...] = ()) -> Case:
        return Case(method, lines, imports)

    def _keyed(
        self, method: Method, lines: Callable[[str], list[str]], imports: tuple[Imported, ...] = ()
    ) -> Case | None:
        """Write a test on a row inside the method's predicate, called with the row's own key."""
        key = [self._argument(parameter) for parameter in method.parameters]
        inside = self._inside(method)
        if inside is None or None in key:
            return None
        found, needed = inside
        body = lines(", ".join(text for text in key if text))
        return self._case(method.name, self._new, *found, *body, imports=(*needed, *imports))

    def _argument(self, parameter: Parameter) -> str | None:
        names = {column.attribute for column in self._controller.columns}
        if parameter.key in names:
            value = self._value(parameter.key)
            return f"present({value})" if parameter in self._valueless((parameter,)) else value
        lowered = _LOWERED.fullmatch(parameter.key)
        if lowered and lowered[2] in names and not self._controller.model.column(lowered[2]).nullable:
            return f"{self._value(lowered[2])}.{lowered[1]}()"
        return None

    def _value(self, attribute: str) -> str:
        return key_value(self._controller, self._row, attribute)

    def _valueless(self, parameters: tuple[Parameter, ...]) -> list[Parameter]:
        """Return the parameters that take no None, although a row has none unless told."""
        nullable = {column.attribute for column in self._controller.columns if column.nullable}
        return [one for one in parameters if one.key in nullable - self._assigned and not one.nullable]

    def _inside(self, method: Method) -> tuple[list[str], tuple[Imported, ...]] | None:
        """Return the lines that bring the row where the method finds it; None where that is not understood."""
        predicate = method.index.predicate if method.index and method.within else None
        wanted = self._pinned(predicate) if predicate else dict[str, Value | None]()
        if wanted is None:
            return None
        for parameter in self._valueless(method.parameters):
            wanted[parameter.key] = fixed_value(self._controller.model.column(parameter.key))
        values = {name: value for name, value in wanted.items() if value is not None}
        update, settable = self._by_primary_key("update"), {entry.key for entry in self._controller.update}
        if not wanted:
            return [], ()
        if update is None or len(values) < len(wanted) or not wanted.keys() <= settable:
            return None
        changes = ", ".join(f"{attribute}={value.text}" for attribute, value in values.items())
        where = ", ".join(self._value(name) for name in key_columns(self._controller))
        line = f"{self._row} = present(await {self._db}.{update}({where}, {changes}))"
        return [line], tuple(name for value in values.values() for name in value.imports)

    def _pinned(self, predicate: Predicate) -> dict[str, Value | None] | None:
        """Return the values that a predicate asks for; None where it is not understood."""
        if predicate.pins is None:
            return None
        columns = {pin: self._controller.model.column(pin.attribute) for pin in predicate.pins}
        return {pin.attribute: _wanted(column, pin) for pin, column in columns.items()}

    def _pins(self, method: Method) -> tuple[str, ...]:
        """Return the columns that an update must not touch, lest the row leave the predicate."""
        predicate = method.index.predicate if method.index else None
        return tuple(pin.attribute for pin in (predicate.pins or ())) if predicate else ()

    def _change(self, fixed: tuple[str, ...]) -> tuple[Column, Value] | None:
        """Choose a column to change, and its new value: rather one that is no key, never one that refers."""
        model = self._controller.model
        referring = {name for key in model.foreign_keys for name in key.attributes}
        unique = {
            part.attribute
            for index in model.indexes
            for part in index.parts
            if index.unique and isinstance(part, ColumnPart)
        }
        free = {entry.key for entry in self._controller.update} - referring - set(fixed)
        columns = [column for column in self._controller.columns if column.attribute in free]
        columns.sort(key=lambda column: (column.attribute in unique, _PREFERENCE.get(column.kind, 9)))
        changes = ((column, self._other_value(column)) for column in columns)
        return next(((column, value) for column, value in changes if value is not None), None)

    def _other_value(self, column: Column) -> Value | None:
        """Return another value; from the factory where it makes texts, so that what a validator wants is said once."""
        if column.kind == "str" and column.attribute in self._assigned:
            return Value(f'(await {self._controller.module}_values(db))["{column.attribute}"]')
        return other_value(column)


def serving(method: Method, model: Model) -> list[str]:
    """Return the names of the indexes that can serve a method's query: its own, and those that begin alike."""
    own = method.index
    if own is None or not own.parts or own.method not in {"btree", "hash"}:
        return []
    keys = {_name(part) for part in own.parts}
    alike = [index for index in model.indexes if index.parts and _name(index.parts[0]) in keys]
    usable = [index for index in alike if index.predicate in (None, own.predicate)]
    names = [_database_name(index, model) for index in usable]
    return sorted(set(names)) if all(len(name) < MAX_NAME for name in names) else []


def _name(part: Part) -> str | None:
    return part.attribute if isinstance(part, ColumnPart) else part.name


def _database_name(index: Index, model: Model) -> str:
    """Return what PostgreSQL calls an index, which names the unnamed after table and columns."""
    if index.name:
        return index.name
    if index.origin == "primary key":
        return f"{model.table}_pkey"
    columns = "_".join(model.column(part.attribute).name for part in index.parts if isinstance(part, ColumnPart))
    return f"{model.table}_{columns}_key"


def _wanted(column: Column, pin: Pin) -> Value | None:
    """Return a value that a conjunct holds for; of an enum, its member."""
    if pin.test != "=":
        return Value("None") if pin.test == "is null" else fixed_value(column)
    name = (pin.value or "").strip("'\"")
    return member(column, name) if column.kind == "enum" else Value(pin.value or "")
