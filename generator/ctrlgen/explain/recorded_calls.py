"""Calls the methods of emitted controllers on a runtime without a database, and records their statements.

The SQL is therefore rendered by the same code as in an application. In the copy of the runtime used here, three things
are replaced: statements are recorded instead of sent, values are the names of parameters, and they are neither
validated nor converted. The SQL of a statement does not depend on its values.

Runs in the child process, where the models are.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from typing import Any

from ctrlgen.blueprint import Controller, Method
from ctrlgen.errors import described
from ctrlgen.explain.explanation import Cost, Per, Statement
from ctrlgen.schema import Relation

_PER: Mapping[str, Per] = {
    **dict.fromkeys(("create_many", "upsert_many", "update_many", "bulk_update"), "row"),
    **dict.fromkeys(("add", "remove", "set"), "link"),
}
_ANY_ROW = (0,) * 1_000  # at least the number of columns that a statement may return
_ALWAYS_ONE_ROW = ("SELECT count(", "SELECT EXISTS ", "WITH written AS MATERIALIZED (")
_NO_ROW_ERRORS = ("MultipleFoundError", "NotFoundError", "NotStoredError")

Call = Callable[[], object]


class Placeholder(str):
    """The name of a value, used in its place."""

    __slots__ = ()


@dataclass
class Log:
    """The statements that one call has sent."""

    statements: list[Statement] = field(default_factory=list[Statement])
    in_transaction: bool = False
    by_orm: bool = False

    @property
    def distinct(self) -> list[Statement]:
        """The distinct statements. They are repeated only because there is no database."""
        return list(dict.fromkeys(self.statements))


class Connection:
    """A connection that answers each execution of a statement with one row, or with none."""

    def __init__(self, *, has_rows: bool) -> None:
        self._rows = [_ANY_ROW] if has_rows else []

    async def fetch(self, query: str, *_arguments: object) -> Sequence[Sequence[object]]:
        """Return the rows of a statement. A count or an EXISTS always has one row."""
        return [_ANY_ROW] if query.startswith(_ALWAYS_ONE_ROW) else self._rows

    def is_in_transaction(self) -> bool:
        """Return whether there is a transaction, whose end the changes of a cache would wait for."""
        return False

    async def execute(self, _query: str, *_arguments: object) -> str:
        """Return the status of a statement."""
        return f"DONE {len(self._rows)}"

    async def fetchmany(self, _query: str, args: Sequence[object]) -> Sequence[Sequence[object]]:
        """Return one row for each execution of the statement."""
        return self._rows * len(args)


@dataclass(frozen=True)
class RecordedCall:
    """The statements of a method and their cost, or the reason why they could not be recorded."""

    statements: tuple[Statement, ...]
    cost: Cost
    problem: str | None = None


class Recorder:
    """Calls the methods of the controllers in ``package``, a copy of the emitted package made for this purpose."""

    def __init__(self, package: str) -> None:
        self._package, self._log, self._connection = package, Log(), Connection(has_rows=False)
        self._database: Any = import_module(f"{package}.database").Database("postgresql://nowhere/")
        if caching := getattr(self._database, "caching", None):
            for cache in caching.caches.values():
                cache.sender = "this process"  # a random number, which is part of the statements
        self._replace_parts()

    def _replace_parts(self) -> None:
        modules = ("execution", "operand", "validation")
        execution, operand, validation = (import_module(f"{self._package}.runtime.{name}") for name in modules)

        async def send(_self: object, statement: Any, work: Callable[[Connection], Awaitable[object]]) -> object:
            self._log.statements.append(Statement(statement.numbered, statement.names))
            return await work(self._connection)

        async def atomic(_self: object, work: Callable[[], Awaitable[object]]) -> object:
            self._log.in_transaction = True
            return await work()

        async def by_orm(_self: object, _keys: object, _options: object = ()) -> list[object]:
            self._log.by_orm = True
            return []

        prepare = operand.Operand.__init__

        def without_conversions(self: Any, *arguments: Any, **options: Any) -> None:
            prepare(self, *arguments, **options)
            self.bind = self.result = None

        def unchecked(self: Any, values: Mapping[str, object], validator: Any, *_: object) -> dict[str, object]:
            completed = {**validator.validate_python({}), **values}  # without values, only the defaults remain
            return {name: completed[name] for name in self._table.columns if name in completed}

        _replace(execution.Execution, _send=send, atomic=atomic, by_orm=by_orm)
        _replace(operand.Operand, __init__=without_conversions)
        _replace(validation.Validation, _validated=unchecked)

    def controller(self, controller: Controller) -> Any:
        """Return an instance of the emitted class."""
        cls = getattr(import_module(f"{self._package}.{controller.module}"), controller.class_name)
        return cls(self._database)

    def record(self, name: str, kind: str, call: Call, *, loads: bool, cached: bool = False) -> RecordedCall:
        """Make a call twice, with and without rows in the table, and return its statements if nothing is cached."""
        logs = list[Log]()
        for has_rows in (False, True):
            self._log, self._connection = Log(), Connection(has_rows=has_rows)
            if caching := getattr(self._database, "caching", None):
                caching.forget()
            try:
                asyncio.run(_finished(call))
            except Exception as error:  # noqa: BLE001 - the models' own code, such as a default, may raise anything
                if type(error).__name__ not in _NO_ROW_ERRORS:
                    return RecordedCall((), Cost(0, 0), f"the call of {name} failed: {described(error)}")
            logs.append(self._log)
        counts = [len(log.distinct) for log in logs]
        least = 0 if cached else min(counts)
        cost = Cost(least, max(counts), _PER.get(kind, "call"), loads=loads, cached=cached)
        in_transaction, by_orm = (any(getattr(log, flag) for log in logs) for flag in ("in_transaction", "by_orm"))
        statements = tuple(dict.fromkeys(statement for log in logs for statement in log.distinct))
        return RecordedCall(statements, replace(cost, in_transaction=in_transaction, by_orm=by_orm))


def _replace(cls: type[object], **methods: object) -> None:
    """Replace methods of a class, which must exist."""
    for name, method in methods.items():
        assert name in vars(cls), f"the runtime's {cls.__name__} no longer has {name}"
        setattr(cls, name, method)


async def _finished(call: Call) -> None:
    result = call()
    if inspect.isawaitable(result):
        await result


def derived_calls(controller: Controller, instance: Any) -> Iterator[tuple[Method, Call]]:
    """Yield each method derived from the model, with a call of it."""
    for method in controller.methods:
        yield method, _call(controller, instance, method)


def _call(controller: Controller, instance: Any, method: Method) -> Call:
    function = getattr(instance, method.name)
    key = [Placeholder(parameter.key) for parameter in method.parameters]
    match method.kind:
        case "get" | "get_one" | "delete" | "find":
            return lambda: function(*key)
        case "update" | "update_one":
            return lambda: function(*key, **_change(controller))
        case "get_or_create" | "upsert":
            return lambda: function(**_row(controller, method.within))
        case "create_or_update":
            return lambda: function(_row(controller, method.within), _change(controller))
        case "load":
            return lambda: function([_object(instance.model)])
        case _:
            relation = method.relation
            assert relation
            return lambda: function([_object(instance.model)], [_related(instance, relation)])


def common_calls(controller: Controller, instance: Any) -> Iterator[tuple[str, Call]]:
    """Yield each method that every controller has, with a call of it. Filters, which are optional, are left out."""
    key = tuple(Placeholder(column.attribute) for column in controller.primary_key)
    key_value = key[0] if len(key) == 1 else key
    by_key = {str(part): part for part in key}
    row, change = _row(controller, None), _change(controller)
    yield "create", lambda: instance.create(**row)
    yield "create_many", lambda: instance.create_many([row])
    yield "upsert_many", lambda: instance.upsert_many([{**by_key, **row}])
    tenant = {controller.tenant.name: Placeholder(controller.tenant.key)} if controller.tenant else {}
    for name in ("find_all", "find_one", "count", "exists"):
        yield name, partial(getattr(instance, name), **tenant)
    if not tenant:
        yield "paginate", instance.paginate
        yield "delete_where", lambda: instance.delete_where(all_rows=True)
    if change:
        yield "update_where", lambda: instance.update_where(all_rows=not tenant, **tenant, **change)
        yield "update_many", lambda: instance.update_many([(key_value, change)])
        yield "bulk_update", lambda: instance.bulk_update([{**by_key, **change}])
    yield "delete_many", lambda: instance.delete_many([key_value])


def _row(controller: Controller, within: str | None) -> dict[str, object]:
    """Return the required values of a new row, and those that the predicate of its index needs."""
    partial = next((index for index in controller.facts.partial if index.name == within), None)
    implied = {condition.attribute for condition in partial.implied_values} if partial else set[str]()
    names = [*controller.facts.required, *(partial.present if partial else ())]
    return {name: Placeholder(name) for name in dict.fromkeys(names) if name not in implied}


def _change(controller: Controller) -> dict[str, object]:
    """Return a change of one column, preferably one that is neither a key nor a reference."""
    keys = {name for index in controller.model.indexes for name in index.columns}
    keys |= {name for key in controller.model.foreign_keys for name in key.attributes}
    names = [entry.key for entry in controller.update]
    plain = [name for name in names if name not in keys]
    required = [name for name in plain if name in controller.facts.required]
    return {name: Placeholder(name) for name in [*required, *plain, *names][:1]}


def _object(model: Any) -> object:
    """Return an instance of a model with a name in the place of each value."""
    mapper: Any = import_module("sqlalchemy").inspect(model)
    instance: object = mapper.class_manager.new_instance()
    vars(instance).update({column.key: Placeholder(column.key) for column in mapper.column_attrs})
    return instance


def _related(instance: Any, relation: Relation) -> object:
    return _object(getattr(instance.model, relation.attribute).property.mapper.class_)
