"""CGL304: ``in`` with a column."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.conditions import as_column, comparisons, is_sql
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
    good = "select(User).where(col(User.id).in_(ids))"
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
                column, names = as_column(left, queries)
                text = f"{column}.{name}({queries.source.text(right)})"
                edits: tuple[Edit, ...] = queries.source.replace_and_import(part, text, names)
            elif is_sql(right, queries):
                contains = f"{as_column(right, queries)[0]}.contains({queries.source.text(left)})"
                text, edits = f"~{contains}" if is_not else contains, ()
            else:
                continue
            yield self.report(queries, part, text, edits, operator=operator)
