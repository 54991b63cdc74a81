"""CGL103: a query through a session that an emitted method can replace."""

from __future__ import annotations

from collections.abc import Iterator

from typing_extensions import override

from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.queries import Queries
from ctrlgen.lint.registry import Rule
from ctrlgen.lint.replacements import replacement_for
from ctrlgen.lint.rules.direct_session import entry_kind


class ReplaceableQuery(Rule):
    """``session.exec(select(User).where(User.id == 1))`` instead of ``db.user.get_by_id(1)``."""

    code = "CGL103"
    name = "replaceable-query"
    message = "this query is equivalent to `{method}`"
    why = "The emitted method sends one statement backed by an index, is tested, and is fully typed."
    bad = "user = (await session.exec(select(User).where(User.discord_id == 42))).first()"
    good = "user = await db.user.get_by_discord_id(42)"
    limits = (
        "Requires `[tool.ctrlgen]`, because the rule needs the project's emitted methods. Queries whose conditions are "
        "equalities of a key or of the first column of an index. Statements that join, group, lock or order by several "
        "columns are not reported, and neither are queries in `db.transaction()`, which may have to share it with "
        "calls of controllers."
    )
    in_tests = False

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        source = queries.source
        for query in queries.every:
            if query.via != "session" or any(
                entry_kind(function, queries) for function in source.functions(query.call)
            ):
                continue  # reported by CGL101
            replacement = replacement_for(query, queries)
            if replacement is not None:
                method = replacement.removeprefix("await ").partition("(")[0]
                yield self.report(queries, query.call, replacement, method=method)
