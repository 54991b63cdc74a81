"""The second step, for tests: plans a test for each method."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from ctrlgen.blueprint import Method, Parameter
from ctrlgen.schema import Column, Relation
from ctrlgen.stubs.plan_rows import Lines, Rows, UnknownRowError, conditions_of
from ctrlgen.stubs.stub_names import new_row, row_values

_PREFERENCE = {"str": 0, "int": 1, "decimal": 2, "datetime": 3, "bool": 4}
"""The kinds of columns that are best suited to show a change, the best first."""

LOADED = "find_all().load"
"""The name by which a test of loading relationships is recognized."""

_FOLDED = re.compile(r"(lower|upper)_(\w+)")


@dataclass(frozen=True, slots=True)
class TestCase:
    """A test: the method it is for, and the lines of its body."""

    method: str
    lines: Lines

    @property
    def name(self) -> str:
        """The name of the test without ``test_``."""
        return re.sub(r"\W+", "_", self.method)


class TestCases:
    """Writes the tests of one controller.

    The row under test has the name of the controller, which is ``db.<module>``.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows, self._controller = rows, rows.controller
        self._row, self._new = rows.name, rows.new
        self._db = f"db.{self._controller.module}"

    def all(self, missing: Callable[[str], bool]) -> Iterator[TestCase]:
        """Yield a test for each method without one, if a test can be written."""
        for name, write in {**self._of_model(), **self._of_methods()}.items():
            lines = _known(write) if missing(name) else None
            if lines:
                yield TestCase(name, lines)

    def _of_methods(self) -> dict[str, Callable[[], Lines | None]]:
        known = (method for method in self._controller.methods if method.kind in self._writers)
        return {method.name: partial(self._writers[method.kind], self, method) for method in known}

    def _of_model(self) -> dict[str, Callable[[], Lines | None]]:
        key = ", ".join(f"{column.attribute}={self._rows.value(column)}" for column in self._controller.primary_key)
        row, db = self._row, self._db
        return {
            "create": lambda: [self._new, f"assert {row} in await {db}.find_all()"],
            "find_all": lambda: [self._new, f"assert await {db}.find_all({key}) == [{row}]"],
            "find_one": lambda: [self._new, f"assert await {db}.find_one({key}) == {row}"],
            "count": lambda: [self._new, f"assert await {db}.count({key}) == 1"],
            "exists": lambda: [self._new, f"assert await {db}.exists({key})"],
            "update_where": self._update_where,
            LOADED: self._loaded,
        }

    def _update_where(self) -> Lines | None:
        change = self._change(())
        if change is None:
            return None
        column, value = change
        first = self._controller.primary_key[0]
        call = f"{self._db}.update_where({self._db}.c.{first.attribute} == {self._rows.value(first)}, {column}={value})"
        return [self._new, f"assert await {call} == 1"]

    def _loaded(self) -> Lines | None:
        relations = [relation.attribute for relation in self._controller.relations]
        if not relations:
            return None
        names = ", ".join(f'"{name}"' for name in relations)
        return [
            *self._some_rows(),
            "async with explained(db) as plans:",
            f"    await {self._db}.find_all().load({names})",
            f"assert len(plans) <= {1 + len(relations)}",
        ]

    def _some_rows(self) -> Lines:
        creation = f"await {new_row(self._controller)}(db)"
        return [creation] if self._rows.once else ["for _ in range(2):", f"    {creation}"]

    def _get(self, method: Method) -> Lines | None:
        return self._keyed(
            method, lambda key: self._planned_by(method, f"assert await {self._db}.{method.name}({key}) == {self._row}")
        )

    def _get_one(self, method: Method) -> Lines | None:
        def lines(key: str) -> Lines:
            pk = ", ".join(self._rows.value(column) for column in self._controller.primary_key)
            assertion = f"assert await {self._db}.{method.name}({key}) == {self._row}"
            delete = self._by_primary_key("delete")
            gone = [
                f"await {self._db}.{delete}({pk})",
                "with pytest.raises(NotFoundError):",
                f"    await {self._db}.{method.name}({key})",
            ]
            return [assertion, *(gone if delete else ())]

        return self._keyed(method, lines)

    def _update(self, method: Method) -> Lines | None:
        change = self._change(tuple(condition.attribute for condition in conditions_of(method) or ()))
        if change is None:
            return None
        column, value = change

        def lines(key: str) -> Lines:
            keys = ", ".join(filter(None, [key, f"{column}=value"]))
            return [
                f"value = {value}",
                f"changed = await {self._db}.{method.name}({keys})",
                *(["assert changed is not None"] if method.kind == "update" else []),
                f"assert changed.{column} == value",
            ]

        return self._keyed(method, lines)

    def _delete(self, method: Method) -> Lines | None:
        call = f"await {self._db}.{method.name}"
        return self._keyed(method, lambda key: [f"assert {call}({key})", f"assert not {call}({key})"])

    def _get_or_create(self, method: Method) -> Lines:
        name, call = self._row, f"await {self._db}.{method.name}(**values)"
        return self._inserting(method, f"{name}, is_new = {call}", "assert is_new", f"assert {call} == ({name}, False)")

    def _upsert(self, method: Method) -> Lines:
        call = f"await {self._db}.{method.name}(**values)"
        same = [f"assert second.{key.attribute} == first.{key.attribute}" for key in self._controller.primary_key]
        return self._inserting(method, f"first = {call}", f"second = {call}", *same)

    def _create_or_update(self, method: Method) -> Lines:
        call = f"await {self._db}.{method.name}(create=values, update={{}})"
        same = [f"assert second.{key.attribute} == first.{key.attribute}" for key in self._controller.primary_key]
        return self._inserting(method, f"first = {call}", f"second = {call}", *same)

    def _inserting(self, method: Method, *lines: str) -> Lines:
        return [*self._rows.inserted(method), *lines]

    def _find(self, method: Method) -> Lines | None:
        assertion = f"assert {self._row} in await {self._db}.{method.name}"
        return self._keyed(method, lambda key: self._planned_by(method, f"{assertion}({key})"))

    def _load(self, method: Method) -> Lines:
        relation = method.relation
        if relation is None:
            raise AssertionError("a loader has a relationship")
        related = f"{self._row}.{relation.attribute}"
        expected = {True: f"assert {related}", False: f"assert not {related}", None: f"_ = {related}"}
        call = f"await {self._db}.{method.name}([{self._row}])"
        return [self._new, call, expected[self._has_related(relation)]]

    def _add(self, method: Method) -> Lines:
        lines, call, relation = self._linking(method)
        load, related = self._sibling(relation, "load"), f"{self._row}.{relation.attribute}"
        loaded = [f"await {self._db}.{load}([{self._row}])", f"assert len({related}) == 1"] if load else []
        return [*lines, f"assert {call} == 1", f"assert {call} == 0", *loaded]

    def _remove(self, method: Method) -> Lines:
        lines, call, relation = self._linking(method)
        add = self._sibling(relation, "add")
        if add is None:
            return [*lines, f"assert {call} == 0"]
        return [*lines, call.replace(f".{method.name}(", f".{add}("), f"assert {call} == 1", f"assert {call} == 0"]

    def _set(self, method: Method) -> Lines:
        lines, call, _ = self._linking(method)
        none = f"await {self._db}.{method.name}([{self._row}], [])"
        return [*lines, f"assert {call} == 1", f"assert {call} == 0", f"assert {none} == 1"]

    def _linking(self, method: Method) -> tuple[Lines, str, Relation]:
        """Return the lines that create two rows, and the call that adds or removes a link between them."""
        relation = method.relation
        if relation is None:
            raise AssertionError("a linker has a relationship")
        lines, related = self._rows.linked(relation)
        return lines, f"await {self._db}.{method.name}([{self._row}], [{related}])", relation

    def _sibling(self, relation: Relation, kind: str) -> str | None:
        """Return the method of a kind on a relationship, which the configuration may rename or skip."""
        methods = (method for method in self._controller.methods if method.kind == kind and method.relation == relation)
        return next((method.name for method in methods), None)

    def _has_related(self, relation: Relation) -> bool | None:
        """Return whether a new row has a related row; None if unknown."""
        model, columns = self._controller.model, set(relation.attributes)
        if not relation.by_columns or not columns:
            return None
        keys = (key for key in model.foreign_keys if key.target == relation.target)
        if not relation.many and any(columns == {*key.attributes} for key in keys):
            if columns <= self._rows.present:
                return True
            lacking = any(self._rows.lacks(attribute) for attribute in columns)
            return False if lacking else None
        # Referencing rows are created after the row that they reference.
        return False if columns == {*model.primary_key.columns} else None

    _writers: dict[str, Callable[[TestCases, Method], Lines | None]] = {  # noqa: RUF012 - a table of the methods above
        "get": _get,
        "get_one": _get_one,
        "update": _update,
        "update_one": _update,
        "delete": _delete,
        "get_or_create": _get_or_create,
        "upsert": _upsert,
        "create_or_update": _create_or_update,
        "find": _find,
        "load": _load,
        "add": _add,
        "remove": _remove,
        "set": _set,
    }

    def _planned_by(self, method: Method, line: str) -> Lines:
        """Return the lines that run one query and check its plan."""
        index = method.index
        if index is None or not (index.parts and index.is_comparable and index.enforced):
            return [line]
        return [
            "async with explained(db) as plans:",
            f"    {line}",
            "assert len(plans) == 1",
            'assert "Seq Scan" not in plans[0]',
        ]

    def _by_primary_key(self, kind: str) -> str | None:
        """Return the method of a kind on the primary key, which the configuration may rename or skip."""
        methods = (method for method in self._controller.methods if method.kind == kind and method.index)
        return next((method.name for method in methods if method.index == self._controller.model.primary_key), None)

    def _keyed(self, method: Method, lines: Callable[[str], Lines]) -> Lines | None:
        """Return a test with a row inside the method's predicate, called with the key of the row."""
        key = [self._argument(parameter) for parameter in method.parameters]
        if None in key:
            return None
        setup, body = self._rows.row_for(method), lines(", ".join(text for text in key if text))
        if not any(re.search(rf"(?<!\.)\b{self._row}\b", line) for line in body):
            setup[-1] = setup[-1].removeprefix(f"{self._row} = ")  # a key without columns
        return [*setup, *body]

    def _argument(self, parameter: Parameter) -> str | None:
        columns = {column.attribute: column for column in self._controller.columns}
        if column := columns.get(parameter.key):
            return f"{self._row}.{column.attribute}" if parameter.nullable else self._rows.value(column)
        folded = _FOLDED.fullmatch(parameter.key)
        column = columns.get(folded[2]) if folded else None
        if folded and column and (not column.nullable or column.attribute in self._rows.present):
            return f"{self._rows.value(column)}.{folded[1]}()"
        return None

    def _change(self, fixed: tuple[str, ...]) -> tuple[str, str] | None:
        """Choose a column to change and the source of its new value, preferably neither a key nor a foreign key."""
        model = self._controller.model
        referring = {name for key in model.foreign_keys for name in key.attributes}
        unique = {name for index in model.indexes if index.unique for name in index.columns}
        free = {entry.key for entry in self._controller.update} - referring - set(fixed)

        def order(column: Column) -> tuple[bool, int]:
            return column.attribute in unique, _PREFERENCE.get(column.kind, 9)

        columns = sorted((column for column in self._controller.columns if column.attribute in free), key=order)
        changes = ((column.attribute, self._other(column)) for column in columns if column.attribute.isidentifier())
        return next(((attribute, value) for attribute, value in changes if value is not None), None)

    def _other(self, column: Column) -> str | None:
        """Return another value, from the factory if possible, so that valid values are defined in one place."""
        if keyword.iskeyword(column.attribute) or column.samples.changed is None:
            return None
        if self._is_from_factory(column):
            return f'(await {row_values(self._controller)}(db))["{column.attribute}"]'
        return column.samples.changed.source(self._rows.names.name)

    def _is_from_factory(self, column: Column) -> bool:
        """Return whether the factory always sets the column, with a different value at each call."""
        sure = any(entry.key == column.attribute and entry.required for entry in self._controller.create)
        needs = self._rows.once - {self._controller.module}  # the factory cannot create these rows again
        new = column.samples.new
        return sure and not needs and column.attribute in self._rows.present and new is not None and new.varies


def _known(write: Callable[[], Lines | None]) -> Lines | None:
    """Return the lines of a test; None if no row is known, or if a column is named like a keyword such as ``class``."""
    try:
        lines = write()
        ast.parse("async def test():\n" + "".join(f"    {line}\n" for line in lines or ("pass",)))
    except (UnknownRowError, SyntaxError):
        return None
    return lines
