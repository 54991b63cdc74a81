"""CGL103: a query through a session that an emitted method replaces."""

from __future__ import annotations

from collections.abc import Iterator

from typing_extensions import override

from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.queries import Queries
from ctrlgen.lint.registry import Rule
from ctrlgen.lint.replacements import replacement_for
from ctrlgen.lint.rules.direct_session import entry_kind


class ReplaceableQuery(Rule):
    """``session.exec(select(User).where(User.id == 1))``, which is ``db.user.get_by_id(1)``."""

    code = "CGL103"
    name = "replaceable-query"
    message = "this query is what `{method}` does"
    why = "The emitted method is one statement served by an index, is tested, and returns a type that checkers know."
    bad = "user = (await session.exec(select(User).where(User.discord_id == 42))).first()"
    good = "user = await db.user.get_by_discord_id(42)"
    limits = (
        "Needs `[tool.ctrlgen]`, because it asks the project's plan. Queries whose conditions are equalities of a key "
        "or of what an index leads; statements that join, group, lock or order by several columns are left alone, and "
        "so is what stands in `db.transaction()`, where calls of controllers and of the session may have to share it."
    )
    in_tests = False

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        source = queries.source
        for query in queries.every:
            if query.via != "session" or any(entry_kind(it, queries) for it in source.functions(query.call)):
                continue  # of which CGL101 says it
            replacement = replacement_for(query, queries)
            if replacement is not None:
                method = replacement.removeprefix("await ").partition("(")[0]
                yield self.report(queries, query.call, replacement, method=method)
