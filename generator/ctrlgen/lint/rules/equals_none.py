"""CGL305: ``== None`` in a condition."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.conditions import as_column, comparisons, is_sql
from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.queries import Queries
from ctrlgen.lint.registry import Rule


class EqualsNone(Rule):
    """``User.deleted_at == None`` works, but needs a ``noqa``, and its usual fix breaks the query."""

    code = "CGL305"
    name = "equals-none"
    message = "`{operator} None` looks like a mistake, and the usual fix, `{python}`, breaks the query"
    why = "SQLAlchemy renders it as IS NULL, but a reader or a linter may change it to `is None`, which is a constant."
    bad = "select(User).where(User.deleted_at == None)"
    good = "select(User).where(col(User.deleted_at).is_(None))"
    fixable = True

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        for part, comparison in comparisons(queries):
            is_none = isinstance(comparison.comparator, cst.Name) and comparison.comparator.value == "None"
            if not is_none or not isinstance(comparison.operator, cst.Equal | cst.NotEqual):
                continue
            if is_sql(part.left, queries):
                is_not = isinstance(comparison.operator, cst.NotEqual)
                left, names = as_column(part.left, queries)
                text = f"{left}.{'is_not' if is_not else 'is_'}(None)"
                operator, python = ("!=", "is not None") if is_not else ("==", "is None")
                edits = queries.source.replace_and_import(part, text, names)
                yield self.report(queries, part, text, edits, operator=operator, python=python)
