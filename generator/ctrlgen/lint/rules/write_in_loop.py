"""CGL202: a write for each row, where one call can write all rows."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.queries import Queries, Query
from ctrlgen.lint.registry import Rule
from ctrlgen.lint.rules.query_in_loop import loops_over_rows
from ctrlgen.lint.source_code import unwrapped

_BULK = {
    "create": "create_many([{{...}} for ... in {rows}])",
    r"update(_one)?_by_\w+": "update_many([(..., {{...}}) for ... in {rows}])",
    r"delete_by_\w+": "delete_many([... for ... in {rows}])",
    r"upsert_by_\w+": "upsert_many([{{...}} for ... in {rows}], key=[...])",
    r"(add|remove)_\w+": "{method}(..., ...)",  # accepts several objects on both sides
}


class WriteInLoop(Rule):
    """A loop over rows that only writes each row."""

    code = "CGL202"
    name = "write-in-loop"
    message = "`{method}` for each row of `{rows}`: a bulk call writes all of them, or none"
    why = (
        "Each write is a round trip. Outside a transaction, each is committed separately, and an error leaves some "
        "unwritten."
    )
    bad = """
for reminder in await db.reminder.find_by_user_id(user_id):
    await db.reminder.delete_by_id(reminder.id)
"""
    good = """
await db.reminder.find_by_user_id(user_id).delete()
"""
    limits = "Loops over rows that the same function reads, whose body is only the call of a controller."
    in_tests = False

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        for loop, names, body in loops_over_rows(queries):
            query = _only_write(loop, queries)
            if query is None or not names & {name.value for name in queries.source.within(body[0], cst.Name)}:
                continue
            bulk = next((text for name, text in _BULK.items() if re.fullmatch(name, query.method)), None)
            if bulk is not None:
                rows = queries.source.text(loop.iter)
                rows = rows if len(rows) < 60 else "rows"
                replacement = (
                    f"await {queries.source.text(query.receiver)}.{bulk.format(rows=rows, method=query.method)}"
                )
                yield self.report(queries, query.call, replacement, method=query.method, rows=rows)


def _only_write(loop: cst.For | cst.CompFor, queries: Queries) -> Query | None:
    """Return the write that is the only statement of a loop."""
    if not isinstance(loop, cst.For) or not isinstance(loop.body, cst.IndentedBlock) or len(loop.body.body) != 1:
        return None
    line = loop.body.body[0]
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1 or not isinstance(line.body[0], cst.Expr):
        return None
    call = unwrapped(line.body[0].value)
    query = queries.query(call) if isinstance(call, cst.Call) else None
    return query if query is not None and query.via == "controller" and query.writes and query.emitted else None
