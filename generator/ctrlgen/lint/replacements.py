"""Finds the emitted method that replaces a query through a session, for CGL101 and CGL103."""

from __future__ import annotations

import libcst as cst

from ctrlgen.lint.emitted_methods import EmittedController
from ctrlgen.lint.queries import Queries, Query
from ctrlgen.lint.source_code import dotted, last_name, method, positional, receiver

_PLAIN = frozenset({"where", "filter", "limit", "order_by"})


def replacement_for(query: Query, queries: Queries) -> str | None:
    """Return the call of a controller that replaces a query, or None if no emitted method does."""
    if queries.emitted is None or query.via != "session" or queries.transaction_around(query.call) is not None:
        return None
    if query.method in {"get", "get_one"}:
        return _replaced_get(query, queries)
    if query.method in {"execute", "exec", "scalars", "scalar"}:
        statement = queries.statement(query.call)
        return _replaced_statement(statement, queries) if statement is not None else None
    return None


def _controller(model: cst.BaseExpression, queries: Queries) -> EmittedController | None:
    return queries.emitted_controller(dotted(model))


def _replaced_get(query: Query, queries: Queries) -> str | None:
    arguments = positional(query.call)
    if len(arguments) != 2 or len(query.call.args) != 2 or isinstance(arguments[1], cst.Tuple | cst.Dict):
        return None
    controller = _controller(arguments[0], queries)
    kind = "get" if query.method == "get" else "get_one"
    getter = controller.method(kind, frozenset(controller.primary_key)) if controller else None
    if controller is None or getter is None or len(getter.keys) != 1:
        return None
    return f"await db.{controller.attribute}.{getter.name}({queries.source.text(arguments[1])})"


def _replaced_statement(statement: cst.Call, queries: Queries) -> str | None:
    """Return the replacement of ``select(User).where(User.id == 1)``, or of a ``delete`` by a key."""
    steps: list[tuple[str, cst.Call]] = []
    first = statement
    while (target := receiver(first)) is not None and isinstance(target, cst.Call):
        steps.append((method(first) or "", first))
        first = target
    if len(first.args) != 1 or any(name not in _PLAIN for name, _ in steps):
        return None
    verb, controller = last_name(first.func), _controller(first.args[0].value, queries)
    values = _compared(steps, queries)
    if controller is None or not values or not set(values) <= controller.columns:
        return None
    keys, refinements = frozenset(values), _refinements(steps, queries)
    if verb == "delete":
        deleter = controller.method("delete", keys)
        return _call(controller, deleter.name, deleter.keys, values) if deleter and refinements == "" else None
    if verb != "select" or refinements is None:
        return None
    getter = controller.method("get", keys)
    if getter is not None:
        return _call(controller, getter.name, getter.keys, values)
    finder = controller.finder(keys)
    return _call(controller, finder.name, finder.keys, values) + refinements if finder is not None else None


def _compared(steps: list[tuple[str, cst.Call]], queries: Queries) -> dict[str, str] | None:
    """Return the equalities in all ``where`` clauses; None if there is any other condition."""
    values: dict[str, str] = {}
    for name, call in steps:
        if name not in {"where", "filter"}:
            continue
        for condition in positional(call):
            compared = queries.compared(condition)
            if compared is None or set(compared) & set(values):
                return None
            values |= compared
        if len(positional(call)) != len(call.args):
            return None
    return values


def _refinements(steps: list[tuple[str, cst.Call]], queries: Queries) -> str | None:
    """Return ``.order_by(...).limit(...)`` in the order of the source; None for an order by several columns."""
    text = ""
    for name, call in reversed(steps):
        if name in {"order_by", "limit"}:
            if len(call.args) != 1:
                return None
            text += f".{name}({queries.source.text(call.args[0].value)})"
    return text


def _call(controller: EmittedController, name: str, keys: tuple[str, ...], values: dict[str, str]) -> str:
    rest = [f"{key}={value}" for key, value in values.items() if key not in keys]
    return f"await db.{controller.attribute}.{name}({', '.join([*(values[key] for key in keys), *rest])})"
