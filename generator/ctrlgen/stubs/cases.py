"""Plans a test per method: what it makes, calls and expects, as source text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ctrlgen.package import Controller, Method, Parameter
from ctrlgen.schema import Column, ColumnPart, Imported, Predicate
from ctrlgen.stubs.factories import key_columns, key_value
from ctrlgen.stubs.values import Value, fixed_value, other_value

_PREFERENCE = {"str": 0, "int": 1, "decimal": 2, "datetime": 3, "bool": 4}
"""Which kinds of columns show a change best, the best first."""

_LOWERED = re.compile(r"(lower|upper)_(\w+)")


@dataclass(frozen=True, slots=True)
class Case:
    """A test: the method it is for, the lines of its body, and what they import."""

    method: str
    lines: tuple[str, ...]
    imports: tuple[Imported, ...] = ()


class Cases:
    """Writes the tests of one controller.

    The row under test is called by the controller's name; ``db.<module>`` is the controller.
    """

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
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

    def _get(self, method: Method) -> Case | None:
        return self._keyed(method, lambda key: [f"assert await {self._db}.{method.name}({key}) == {self._row}"])

    def _get_one(self, method: Method) -> Case | None:
        def lines(key: str) -> list[str]:
            pk = ", ".join(self._value(name) for name in key_columns(self._controller))
            pk_delete = f"delete_by_{'_and_'.join(key_columns(self._controller))}"
            return [
                f"assert await {self._db}.{method.name}({key}) == {self._row}",
                f"await {self._db}.{pk_delete}({pk})",
                "with pytest.raises(NotFoundError):",
                f"    await {self._db}.{method.name}({key})",
            ]

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
        found = [f"assert {self._row} in await {self._db}.{method.name}"]
        return self._keyed(method, lambda key: [f"{found[0]}({key})"])

    def _load(self, method: Method) -> Case:
        relation = method.relation
        if relation is None:
            raise AssertionError("a loader has a relationship")
        loaded = f"{self._row}.{relation.attribute}"
        optional = f"assert {loaded} is None" if relation.optional else f"assert {loaded}"
        expected = f"assert {loaded} == []" if relation.many else optional
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
        if any(column.attribute == parameter.key for column in self._controller.columns):
            return self._value(parameter.key)
        lowered = _LOWERED.fullmatch(parameter.key)
        if lowered and any(column.attribute == lowered[2] for column in self._controller.columns):
            return f"{self._value(lowered[2])}.{lowered[1]}()"
        return None

    def _value(self, attribute: str) -> str:
        return key_value(self._controller, self._row, attribute)

    def _inside(self, method: Method) -> tuple[list[str], tuple[Imported, ...]] | None:
        """Return the lines that bring the row inside the predicate; None where it is not understood."""
        predicate = method.index.predicate if method.index and method.within else None
        if predicate is None:
            return [], ()
        pinned = self._pinned(predicate)
        if pinned is None or not pinned:
            return None if pinned is None else ([], ())
        key = key_columns(self._controller)
        changes = ", ".join(f"{attribute}={value.text}" for attribute, value in pinned.items())
        where = ", ".join(self._value(name) for name in key)
        lines = [
            f"{self._row} = present(await {self._db}.update_by_{'_and_'.join(key)}({where}, {changes}))",
        ]
        return lines, tuple(name for value in pinned.values() for name in value.imports)

    def _pinned(self, predicate: Predicate) -> dict[str, Value] | None:
        if predicate.pins is None:
            return None
        values: dict[str, Value] = {}
        for pin in predicate.pins:
            column = self._controller.model.column(pin.attribute)
            value = {"=": Value(pin.value or ""), "is null": Value("None")}.get(pin.test) or fixed_value(column)
            if value is None or not any(entry.key == pin.attribute for entry in self._controller.update):
                return None
            values[pin.attribute] = value
        return values

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
        changes = ((column, other_value(column)) for column in columns)
        return next(((column, value) for column, value in changes if value is not None), None)
