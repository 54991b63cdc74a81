"""CGL503: a value is read, changed, and written back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.queries import Queries, Query
from ctrlgen.lint.registry import Rule
from ctrlgen.lint.source_code import dotted, keyword, positional, snake

_ARITHMETIC = (cst.Add, cst.Subtract, cst.Multiply)
_ASSIGNED: dict[type[cst.BaseAugOp], str] = {cst.AddAssign: "+", cst.SubtractAssign: "-", cst.MultiplyAssign: "*"}


class ReadThenIncrement(Rule):
    """``points=user.points + 5`` loses concurrent updates."""

    code = "CGL503"
    name = "read-then-increment"
    message = "`{value}` is computed from a row that was read earlier: updates made in between are lost"
    why = "Two tasks read 10, and both write 15: one increment is lost without an error."
    bad = """
user = await db.user.get_by_id(user_id)
await db.user.update_by_id(user_id, points=user.points + 5)
"""
    good = """
await db.user.update_by_id(user_id, points=db.user.c.points + 5)
"""
    limits = (
        "Rows read with `for_update()`, `with_for_update()` or `with_for_update=True` are locked, and are not "
        "reported. Changes through a session in an explicit `db.transaction()` are not reported, because it may be "
        "SERIALIZABLE."
    )
    in_tests = False

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        yield from self._updates(queries)
        yield from self._assignments(queries)

    def _updates(self, queries: Queries) -> Iterator[Diagnostic]:
        for query in queries.every:
            if query.via != "controller" or not query.method.startswith(("update", "upsert")):
                continue
            for argument in query.call.args:
                if argument.keyword is None:
                    continue
                column, value = argument.keyword.value, queries.resolved(argument.value)
                computed = _computation(value, column, queries)
                if computed is not None:
                    on = queries.source.text(query.receiver)
                    arguments = [
                        f"{column}={computed.expression.format(column=f'{on}.c.{column}')}"
                        if other is argument
                        else f"{other.keyword.value}={queries.source.text(other.value)}"
                        if other.keyword is not None
                        else f"{other.star}{queries.source.text(other.value)}"
                        for other in query.call.args
                    ]
                    replacement = f"await {on}.{query.method}({', '.join(arguments)})"
                    yield self.report(queries, argument, replacement, value=queries.source.text(value))

    def _assignments(self, queries: Queries) -> Iterator[Diagnostic]:
        source = queries.source
        for change in source.all(cst.AugAssign):
            operator = _ASSIGNED.get(type(change.operator))
            if operator is not None and isinstance(change.target, cst.Attribute):
                yield from self._session_change(change, change.target, operator, change.value, queries)
        for assignment in source.all(cst.Assign):
            target, value = assignment.targets[0].target, queries.resolved(assignment.value)
            if not isinstance(target, cst.Attribute) or not isinstance(value, cst.BinaryOperation):
                continue
            operator = _operator(value)
            if (
                operator
                and not isinstance(value.left, cst.Call)
                and _computed_from(value, target.attr.value, queries) == dotted(target.value)
            ):
                yield from self._session_change(assignment, target, operator, value.right, queries)

    def _session_change(
        self, change: cst.CSTNode, target: cst.Attribute, operator: str, value: cst.BaseExpression, queries: Queries
    ) -> Iterator[Diagnostic]:
        source = queries.source
        rows = queries.rows(target.value)
        if rows is None or rows.many or rows.query.via != "session" or _is_locked(rows.query, queries):
            return
        if queries.transaction_around(change) is not None or not _is_number(value, queries):
            return
        text, column = source.text(target), target.attr.value
        amount = source.text(value)
        on = f"db.{_model_attribute(rows.query, queries)}"
        computed = f"{column}={on}.c.{column} {operator} {amount}"
        replacement = f"await {on}.update_by_id({dotted(target.value)}.id, {computed})"
        yield self.report(queries, change, replacement, value=f"{text} {operator} {amount}")


def _operator(value: cst.BinaryOperation) -> str | None:
    signs: dict[type[cst.BaseBinaryOp], str] = {cst.Add: "+", cst.Subtract: "-", cst.Multiply: "*"}
    return signs.get(type(value.operator))


def _is_number(value: cst.BaseExpression, queries: Queries) -> bool:
    """Return whether a value may be a number, and not a string or a list that is extended."""
    return not isinstance(value, cst.SimpleString | cst.FormattedString | cst.ConcatenatedString | cst.List | cst.Dict)


@dataclass(frozen=True, slots=True)
class _Computation:
    """The computation of a value from a column of a row. ``expression`` is a template with ``{column}``."""

    row: str
    expression: str


def _computation(value: cst.BaseExpression, column: str, queries: Queries) -> _Computation | None:
    source = queries.source
    row = _computed_from(value, column, queries)
    if row is not None:
        text = source.text(value).replace("{", "{{").replace("}", "}}").replace(f"{row}.{column}", "{column}")
        for function, of_sql in (("max", "func.greatest"), ("min", "func.least")):
            text = re.sub(rf"\b{function}\(", f"{of_sql}(", text)
        return _Computation(row, text)
    change = _increment(value, column, queries)
    if change is None or not isinstance(value, cst.Attribute):
        return None
    amount = source.text(change.value).replace("{", "{{").replace("}", "}}")
    return _Computation(source.text(value.value), f"{{column}} {_ASSIGNED[type(change.operator)]} {amount}")


def _computed_from(value: cst.BaseExpression, column: str, queries: Queries) -> str | None:
    """Return the computation of a value from a column of its row, directly or as in ``max(0, row.points - 5)``."""
    for operation in queries.source.within(value, cst.BinaryOperation):
        if not isinstance(operation.operator, _ARITHMETIC):
            continue
        for side, other in ((operation.left, operation.right), (operation.right, operation.left)):
            if isinstance(side, cst.Attribute) and side.attr.value == column and _is_number(other, queries):
                row = _unlocked_row(side, queries)
                if row is not None:
                    return row
    return None


def _increment(value: cst.BaseExpression, column: str, queries: Queries) -> cst.AugAssign | None:
    """Return the ``row.points += 5`` before ``row.points`` is written back."""
    if not isinstance(value, cst.Attribute) or value.attr.value != column or _unlocked_row(value, queries) is None:
        return None
    source = queries.source
    for change in source.own(source.function(value), cst.AugAssign):
        is_same = source.text(change.target) == source.text(value) and source.order(change) < source.order(value)
        if is_same and type(change.operator) in _ASSIGNED and _is_number(change.value, queries):
            return change
    return None


def _unlocked_row(attribute: cst.Attribute, queries: Queries) -> str | None:
    """Return the name of the row of an attribute, if the row was read without a lock."""
    if not isinstance(attribute.value, cst.Name):
        return None
    rows = queries.rows(attribute.value)
    is_unlocked = rows is not None and not rows.many and not _is_locked(rows.query, queries)
    return attribute.value.value if is_unlocked else None


def _is_locked(read: Query, queries: Queries) -> bool:
    """Return whether a query locks its rows."""
    if any(name in {"for_update", "with_for_update"} for name, _ in queries.chain(read.call)):
        return True
    if keyword(read.call, "with_for_update") is not None:
        return True
    statement = queries.statement(read.call) if read.via == "session" else None
    return statement is not None and "with_for_update" in queries.source.text(statement)


def _model_attribute(read: Query, queries: Queries) -> str:
    arguments = positional(read.call)
    model = dotted(arguments[0]) if arguments else None
    controller = queries.emitted_controller(model)
    if controller is not None:
        return controller.attribute
    return snake(model) if model and model[:1].isupper() else "user"
