"""CGL303: ``is`` with a column."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.conditions import as_column, comparisons, is_sql
from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.queries import Queries
from ctrlgen.lint.registry import Rule


class PythonIs(Rule):
    """``User.deleted_at is None`` is always False, because the column is an object."""

    code = "CGL303"
    name = "python-is"
    message = "`{operator}` compares Python objects before the query is built: the condition is always {value}"
    why = "A column is never the object `None` or `True`, so the condition is a constant and the query is wrong."
    bad = "select(User).where(User.deleted_at is None)"
    good = "select(User).where(col(User.deleted_at).is_(None))"
    fixable = True

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        for part, comparison in comparisons(queries):
            if not isinstance(comparison.operator, cst.Is | cst.IsNot) or not is_sql(part.left, queries):
                continue
            is_not = isinstance(comparison.operator, cst.IsNot)
            left, names = as_column(part.left, queries)
            text = f"{left}.{'is_not' if is_not else 'is_'}({queries.source.text(comparison.comparator)})"
            edits = queries.source.replace_and_import(part, text, names)
            yield self.report(queries, part, text, edits, operator="is not" if is_not else "is", value=is_not)
