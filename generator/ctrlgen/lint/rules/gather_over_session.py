"""CGL402: tasks that share a session or a transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.queries import Queries
from ctrlgen.lint.registry import Rule
from ctrlgen.lint.source_code import last_name, method, receiver

_STARTERS = frozenset({"gather", "wait", "as_completed"})


class GatherOverSession(Rule):
    """``gather(session.execute(a), session.execute(b))``: a connection does one thing at a time."""

    code = "CGL402"
    name = "gather-over-session"
    message = "tasks that run at once share `{shared}`, and {what} is for one task at a time"
    why = (
        "A session has one connection, which can run one statement at a time: SQLAlchemy raises, or mixes up the work "
        "of two tasks. In `db.transaction()` a call of another task is a `TransactionError`."
    )
    bad = """
async with db.session() as session:
    users, cases = await asyncio.gather(session.exec(select(User)), session.exec(select(Case)))
"""
    good = """
users, cases = await asyncio.gather(db.user.find_by_guild_id(1).all(), db.case.find_by_guild_id(1).all())
"""

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        for starter, arguments in _started(queries):
            shared = _shared_session(arguments, queries)
            if shared is not None:
                replacement = "await one after the other, or give each task a session of its own"
                yield self.report(queries, starter, replacement, shared=shared, what="a session")
            elif block := queries.transaction_around(starter):
                calls = [query for it in arguments for query in queries.within(it) if query.via == "controller"]
                is_repeated = any(arg.star for arg in arguments)
                if calls and (len(calls) > 1 or is_repeated or len(arguments) == 1):
                    opened = next(it.item for it in block.items if queries.opens_transaction(it.item))
                    replacement = "await one after the other, or gather before the transaction begins"
                    text = queries.source.text(opened)
                    yield self.report(queries, starter, replacement, shared=text, what="a transaction")


def _started(queries: Queries) -> Iterator[tuple[cst.Call, list[cst.Arg]]]:
    """Yield each call that runs several things at once, with their arguments; a task group counts as one call."""
    groups: defaultdict[tuple[cst.CSTNode, str], list[cst.Call]] = defaultdict(list)
    for call in queries.source.all(cst.Call):
        name = last_name(call.func)
        if name in _STARTERS and "asyncio" in {it.partition(".")[0] for it in queries.source.qualified(call.func)}:
            yield call, [argument for argument in call.args if argument.keyword is None]
        if method(call) == "create_task" and (target := receiver(call)) is not None and call.args:
            groups[queries.source.function(call), queries.source.text(target)].append(call)
    for calls in groups.values():
        yield calls[0], [call.args[0] for call in calls]


def _shared_session(arguments: list[cst.Arg], queries: Queries) -> str | None:
    """Return the session that more than one of the tasks has, or one that is started in a loop."""
    counts: defaultdict[str, int] = defaultdict(int)
    for argument in arguments:
        for name in {it.value: it for it in queries.source.within(argument, cst.Name)}.values():
            if queries.is_session(name) and not _opened_inside(name, argument, queries):
                is_repeated = bool(argument.star) and bool(queries.source.within(argument, cst.CompFor))
                counts[name.value] += 2 if is_repeated else 1
    return next((name for name, count in counts.items() if count > 1), None)


def _opened_inside(name: cst.Name, argument: cst.Arg, queries: Queries) -> bool:
    binding = queries.source.binding(name)
    return binding is not None and queries.source.is_in(binding.node, argument)
