"""CGL503: a value is read, computed with, and written back."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.queries import Queries, Query
from ctrlgen.lint.registry import Rule
from ctrlgen.lint.source_code import dotted, keyword, positional, snake

_ARITHMETIC = (cst.Add, cst.Subtract, cst.Multiply)
_ASSIGNED: dict[type[cst.BaseAugOp], str] = {cst.AddAssign: "+", cst.SubtractAssign: "-", cst.MultiplyAssign: "*"}


class ReadThenIncrement(Rule):
    """``points=user.points + 5`` loses what another task adds meanwhile."""

    code = "CGL503"
    name = "read-then-increment"
    message = "`{value}` is computed from a row that was read before: what others write in between is lost"
    why = "Two tasks read 10, both write 15: one of the two increments is gone, and nothing says so."
    bad = """
user = await db.user.get_by_id(user_id)
await db.user.update_by_id(user_id, points=user.points + 5)
"""
    good = """
await db.user.update_by_id(user_id, points=db.user.c.points + 5)
"""
    limits = (
        "Rows read with `for_update()`, `with_for_update()` or `with_for_update=True` are locked, and fine. What a "
        "session changes inside an explicit `db.transaction()` is left alone, because that may be SERIALIZABLE."
    )
    in_tests = False

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        yield from self._updates(queries)
        yield from self._assignments(queries)

    def _updates(self, queries: Queries) -> Iterator[Diagnostic]:
        for query in queries.every:
            if query.via != "controller" or not query.method.startswith("update"):
                continue
            for argument in query.call.args:
                if argument.keyword is None:
                    continue
                column, value = argument.keyword.value, queries.resolved(argument.value)
                row = _computed_from(value, column, queries)
                if row is not None:
                    on = queries.source.text(query.receiver)
                    text = queries.source.text(value)
                    replaced = text.replace(f"{row}.{column}", f"{on}.c.{column}")
                    positionals = ", ".join(queries.source.text(it) for it in positional(query.call))
                    replacement = f"await {on}.{query.method}({positionals}, {column}={replaced})"
                    yield self.report(queries, argument, replacement, value=text)

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
            if operator and _computed_from(value, target.attr.value, queries) == dotted(target.value):
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
    """Whether a value may be a number; a text or a list that grows is none."""
    return not isinstance(value, cst.SimpleString | cst.FormattedString | cst.ConcatenatedString | cst.List | cst.Dict)


def _computed_from(value: cst.BaseExpression, column: str, queries: Queries) -> str | None:
    """Return the row whose own column a value is computed from."""
    if not isinstance(value, cst.BinaryOperation) or not isinstance(value.operator, _ARITHMETIC):
        return None
    for side in (value.left, value.right):
        if not isinstance(side, cst.Attribute) or side.attr.value != column or not isinstance(side.value, cst.Name):
            continue
        rows = queries.rows(side.value)
        other = value.right if side is value.left else value.left
        if rows is not None and not rows.many and not _is_locked(rows.query, queries) and _is_number(other, queries):
            return side.value.value
    return None


def _is_locked(read: Query, queries: Queries) -> bool:
    """Whether the row was read with a lock."""
    if any(name in {"for_update", "with_for_update"} for name, _ in queries.chain(read.call)):
        return True
    if keyword(read.call, "with_for_update") is not None:
        return True
    statement = queries.statement(read.call) if read.via == "session" else None
    return statement is not None and "with_for_update" in queries.source.text(statement)


def _model_attribute(read: Query, queries: Queries) -> str:
    arguments = positional(read.call)
    model = dotted(arguments[0]) if arguments else None
    controller = queries.emitted.of(model, queries.source.module_of(model)) if queries.emitted and model else None
    if controller is not None:
        return controller.attribute
    return snake(model) if model and model[:1].isupper() else "user"
