"""CGL301: ``not`` before a SQL expression."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.conditions import as_column, is_sql, operations, without_parentheses
from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.queries import Queries
from ctrlgen.lint.registry import Rule


class PythonNot(Rule):
    """``not User.is_active`` is evaluated by Python, and is False."""

    code = "CGL301"
    name = "python-not"
    message = "`not` is evaluated by Python before the query is built: the condition is a constant, or raises an error"
    why = (
        "SQLAlchemy cannot overload `not`: `not User.is_active` is `False`, and finds no rows. Finders raise an error."
    )
    bad = "select(User).where(not User.is_active)"
    good = "select(User).where(~col(User.is_active))"
    fixable = True

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        for part in operations(queries):
            is_not = isinstance(part, cst.UnaryOperation) and isinstance(part.operator, cst.Not)
            if is_not and isinstance(part, cst.UnaryOperation) and is_sql(part.expression, queries):
                text, names = _negated(part.expression, queries)
                edits = queries.source.replace_and_import(part, text, names)
                yield self.report(queries, part, text, edits)


def _negated(node: cst.BaseExpression, queries: Queries) -> tuple[str, tuple[str, ...]]:
    """Return the negation of a condition, and the names that it uses from sqlmodel."""
    if isinstance(node, cst.Attribute | cst.Call):
        column, names = as_column(node, queries)
        return f"~{column}", names
    return f"not_({without_parentheses(node, queries)})", ("not_",)
