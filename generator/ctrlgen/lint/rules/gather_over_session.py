"""CGL402: tasks that share a session or a transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.queries import Queries
from ctrlgen.lint.registry import Rule
from ctrlgen.lint.source_code import last_name, method, receiver

_STARTERS = frozenset({"gather", "wait", "as_completed"})


class GatherOverSession(Rule):
    """``gather(session.execute(a), session.execute(b))``: a connection runs one statement at a time."""

    code = "CGL402"
    name = "gather-over-session"
    message = "concurrent tasks share `{shared}`, but {what} can be used by only one task at a time"
    why = (
        "A session has one connection, which runs one statement at a time: SQLAlchemy raises an error, or mixes the "
        "work of the tasks. In `db.transaction()`, a call from another task raises `TransactionError`."
    )
    bad = """
async with db.session() as session:
    users, cases = await asyncio.gather(session.exec(select(User)), session.exec(select(Case)))
"""
    good = """
users, cases = await asyncio.gather(db.user.find_by_guild_id(1), db.case.find_by_guild_id(1))
"""

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        for starter, tasks in _started(queries):
            shared = _shared_session(tasks, queries)
            if shared is not None:
                replacement = "await the calls one after the other, or open a session in each task"
                yield self.report(queries, starter, replacement, shared=shared, what="a session")
            elif block := queries.transaction_around(starter):
                calls = [query for task in tasks for query in queries.within(task.node) if query.via == "controller"]
                if calls and (len(calls) > 1 or len(tasks) == 1 or any(task.repeated for task in tasks)):
                    opened = next(item.item for item in block.items if queries.opens_transaction(item.item))
                    replacement = "await the calls one after the other, or gather before the transaction begins"
                    text = queries.source.text(opened)
                    yield self.report(queries, starter, replacement, shared=text, what="a transaction")


@dataclass(frozen=True, slots=True)
class _Task:
    """The expressions of the tasks, and whether a comprehension repeats them."""

    node: cst.BaseExpression
    repeated: bool


def _started(queries: Queries) -> Iterator[tuple[cst.Call, list[_Task]]]:
    """Yield each call that starts concurrent tasks, with these. A task group counts as one call."""
    groups: defaultdict[tuple[cst.CSTNode, str], list[cst.Call]] = defaultdict(list)
    for call in queries.source.all(cst.Call):
        name = last_name(call.func)
        if name in _STARTERS and "asyncio" in {
            origin.partition(".")[0] for origin in queries.source.qualified(call.func)
        }:
            yield call, [_task(argument, queries) for argument in call.args if argument.keyword is None]
        if method(call) == "create_task" and (target := receiver(call)) is not None and call.args:
            groups[queries.source.function(call), queries.source.text(target)].append(call)
    for calls in groups.values():
        yield calls[0], [_task(call.args[0], queries) for call in calls]


def _task(argument: cst.Arg, queries: Queries) -> _Task:
    value = queries.resolved(argument.value)
    return _Task(value, repeated=bool(argument.star) and bool(queries.source.within(value, cst.CompFor)))


def _shared_session(tasks: list[_Task], queries: Queries) -> str | None:
    """Return the session shared by several tasks, or by a task started in a loop."""
    source = queries.source
    counts: defaultdict[str, int] = defaultdict(int)
    for task in tasks:
        names: list[cst.Name | cst.Attribute] = [*source.within(task.node, cst.Name)]
        names += source.within(task.node, cst.Attribute)
        for text, name in {source.text(node): node for node in names}.items():
            if queries.is_session(name) and not _opened_inside(name, task.node, queries):
                counts[text] += 2 if task.repeated else 1
    return next((name for name, count in counts.items() if count > 1), None)


def _opened_inside(name: cst.Name | cst.Attribute, task: cst.BaseExpression, queries: Queries) -> bool:
    binding = queries.source.binding(name) if isinstance(name, cst.Name) else None
    return binding is not None and queries.source.is_in(binding.node, task)
