"""CGL304: ``in`` with a column."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.conditions import comparisons, in_parentheses, is_sql
from ctrlgen.lint.diagnostics import Diagnostic, Edit
from ctrlgen.lint.queries import Queries
from ctrlgen.lint.registry import Rule


class PythonIn(Rule):
    """``User.id in ids`` is evaluated by Python, and not by the database."""

    code = "CGL304"
    name = "python-in"
    message = (
        "`{operator}` is evaluated by Python before the query is built: the condition is a constant, or raises an error"
    )
    why = "Python compares the column object with each item, and the database never sees the condition."
    bad = "select(User).where(User.id in ids)"
    good = "select(User).where(User.id.in_(ids))"
    fixable = True

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        for part, comparison in comparisons(queries):
            if not isinstance(comparison.operator, cst.In | cst.NotIn):
                continue
            is_not = isinstance(comparison.operator, cst.NotIn)
            operator = "not in" if is_not else "in"
            left, right = part.left, comparison.comparator
            if is_sql(left, queries):
                name = "not_in" if is_not else "in_"
                text = f"{in_parentheses(left, queries)}.{name}({queries.source.text(right)})"
                edits: tuple[Edit, ...] = (queries.source.replace(part, text),)
            elif is_sql(right, queries):
                contains = f"{in_parentheses(right, queries)}.contains({queries.source.text(left)})"
                text, edits = f"~{contains}" if is_not else contains, ()
            else:
                continue
            yield self.report(queries, part, text, edits, operator=operator)
