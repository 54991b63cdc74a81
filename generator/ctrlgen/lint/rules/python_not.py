"""CGL301: ``not`` before a SQL expression."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.conditions import in_parentheses, is_sql, operations
from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.queries import Queries
from ctrlgen.lint.registry import Rule


class PythonNot(Rule):
    """``not User.is_active`` is evaluated by Python, and is False."""

    code = "CGL301"
    name = "python-not"
    message = "`not` is evaluated by Python before the query is built: the condition is a constant, or raises an error"
    why = "SQLAlchemy cannot overload `not`: `not User.is_active` is `False`, and the query returns no rows."
    bad = "await db.user.find_all(not User.is_active)"
    good = "await db.user.find_all(~User.is_active)"
    fixable = True

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        for part in operations(queries):
            is_not = isinstance(part, cst.UnaryOperation) and isinstance(part.operator, cst.Not)
            if is_not and isinstance(part, cst.UnaryOperation) and is_sql(part.expression, queries):
                text = f"~{in_parentheses(part.expression, queries)}"
                yield self.report(queries, part, text, (queries.source.replace(part, text),))
