"""CGL203: all rows of a table at once."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.queries import Queries
from ctrlgen.lint.registry import Rule
from ctrlgen.lint.rules.query_in_loop import loops_over_rows, repeated_reads

_BOUNDING = frozenset(
    {"limit", "page", "first", "one", "one_or_none", "count", "exists", "delete", "update", "sum", "min", "max", "avg"}
)


class UnboundedFindAll(Rule):
    """``find_all()`` without a condition, a limit or a page."""

    code = "CGL203"
    name = "unbounded-find-all"
    message = "`find_all()` reads all rows of the table into memory, however many there are"
    why = "A call that is instant with test data can block or kill the process with production data."
    bad = "users = await self.db.user.find_all()"
    good = "page = await self.db.user.find_all().page(size=50)"
    limits = (
        "Calls without arguments other than an order, whose result is awaited or returned. `async for`, which streams, "
        "rows whose loop CGL201 reports, and tests are not reported."
    )
    in_tests = False

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        source = queries.source
        reported = _rows_of_reported_loops(queries)
        for query in queries.every:
            call = query.call
            if query.via != "controller" or query.method != "find_all" or not _is_unbounded(call) or call in reported:
                continue
            names = {name for name, _ in queries.chain(call)}
            if names & _BOUNDING or not queries.is_awaited(call):
                continue
            text = source.text(call)
            yield self.report(
                queries, call, f"`{text}.page(size=50)`, `{text}.limit(100)`, or `async for row in {text}`"
            )


def _is_unbounded(call: cst.Call) -> bool:
    """Return whether a call has no arguments other than an order."""
    return all(arg.keyword is not None and arg.keyword.value == "order_by" for arg in call.args)


def _rows_of_reported_loops(queries: Queries) -> set[cst.Call]:
    """Return the queries whose loops CGL201 reports: fixing these changes the query anyway."""
    calls: set[cst.Call] = set()
    for loop, names, body in loops_over_rows(queries):
        rows = queries.rows(loop.iter)
        if rows is not None and any(True for _ in repeated_reads(body, names, queries)):
            calls.add(rows.query.call)
    return calls
