"""CGL403: a query that is never awaited."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.emitted_methods import FINDER
from ctrlgen.lint.queries import SELECTION, Queries, Query
from ctrlgen.lint.registry import Rule

_ALWAYS_TRUE = "it is always true"
_NO_TRUTH = "its truth value raises a TypeError"
_CONSUMERS = frozenset(
    {"len", "list", "tuple", "set", "sorted", "sum", "max", "min", "bool", "any", "all", "enumerate"}
)


class MissingAwait(Rule):
    """A selection or coroutine is used as if it were the result."""

    code = "CGL403"
    name = "missing-await"
    message = "`{query}` is not awaited: {use}"
    why = "Nothing is sent to the database before the await. A coroutine is always true, a selection raises an error."
    bad = """
if db.user.find_by_guild_id(guild_id):
    ...
"""
    good = """
if await db.user.find_by_guild_id(guild_id).exists():
    ...
"""
    limits = (
        "Calls of emitted methods in `async def`. Selections that are stored, refined or returned are not reported."
    )
    fixable = True

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        source = queries.source
        for query in queries.every:
            if query.via != "controller" or not query.emitted or not source.in_async_function(query.call):
                continue
            end = queries.end(query.call)
            if queries.is_awaited(query.call) or not _is_lazy(query, queries):
                continue
            yield from self._uses(query, end, queries)

    def _uses(self, query: Query, end: cst.Call, queries: Queries) -> Iterator[Diagnostic]:
        source, text = queries.source, queries.source.text(end)
        use = _use(end, query, queries)
        if use is not None:
            awaited = _awaited(end, query, use, queries)
            edits = (source.replace(end, awaited),) if _may_await(end, queries) else ()
            yield self.report(queries, end, awaited, edits, query=_short(text), use=use)
            return
        parent = source.parent(end)
        if not isinstance(parent, cst.Assign) or len(parent.targets) != 1:
            return
        target = parent.targets[0].target
        function = source.function(end)
        bound = [
            binding
            for binding in source.bindings(function)
            if isinstance(target, cst.Name) and binding.name == target.value
        ]
        if not isinstance(target, cst.Name) or len(bound) != 1:
            return
        for name in source.own(function, cst.Name):
            if name.value == target.value and name is not target and (use := _use(name, query, queries)):
                edits = (source.replace(end, f"await {text}"),)
                yield self.report(queries, end, f"await {text}", edits, query=_short(text), use=use)
                return


def _awaited(end: cst.Call, query: Query, use: str, queries: Queries) -> str:
    """Return the corrected call: awaited, and with ``exists()`` if its truth value is tested."""
    text = queries.source.text(end)
    if use == _NO_TRUTH and queries.end(query.call) is query.call:
        return f"await {text}.exists()"
    is_inner = isinstance(queries.source.parent(end), cst.Attribute | cst.Subscript)
    return f"(await {text})" if is_inner else f"await {text}"


def _may_await(end: cst.Call, queries: Queries) -> bool:
    """Return whether adding an await is safe. In a generator expression it is not."""
    function = queries.source.function(end)
    around = (ancestor for ancestor in queries.source.ancestors(end) if queries.source.is_in(ancestor, function))
    return not any(isinstance(ancestor, cst.GeneratorExp) for ancestor in around)


def _is_lazy(query: Query, queries: Queries) -> bool:
    """Return whether all methods called on the selection are methods of selections."""
    return all(name in SELECTION for name, _ in queries.chain(query.call))


def _use(node: cst.BaseExpression, query: Query, queries: Queries) -> str | None:
    """Return the mistake in the use of a query that is not awaited, or None if the use may be correct."""
    source = queries.source
    parent = source.parent(node)
    truth = _NO_TRUTH if FINDER.match(query.method) else _ALWAYS_TRUE
    if isinstance(parent, cst.Expr):
        return "it has no effect" if isinstance(node, cst.Call) else None
    if isinstance(parent, cst.Return) and not FINDER.match(query.method) and node is queries.end(query.call):
        function = source.function(node)
        returns = function.returns if isinstance(function, cst.FunctionDef) else None
        is_meant = returns is not None and re.search(r"Coroutine|Awaitable|Any|object", source.text(returns.annotation))
        return None if is_meant else "the caller gets a coroutine"
    if isinstance(parent, cst.For | cst.CompFor) and parent.iter is node:
        return None if parent.asynchronous is not None else "there is nothing to iterate over"
    if isinstance(parent, cst.If | cst.IfExp | cst.While | cst.Assert) and parent.test is node:
        return truth
    if isinstance(parent, cst.UnaryOperation) and isinstance(parent.operator, cst.Not):
        return truth
    if isinstance(parent, cst.Comparison):
        return "it is never equal to a row" if parent.left is node else None
    if isinstance(parent, cst.Subscript) and parent.value is node:
        return "it has no items"
    if isinstance(parent, cst.Attribute) and parent.value is node:
        own = SELECTION | {"close", "send", "throw"} if FINDER.match(query.method) else {"close", "send", "throw"}
        return None if parent.attr.value in own or parent.attr.value.startswith("_") else "it has no such attribute"
    if isinstance(parent, cst.Arg):
        call = source.parent(parent)
        is_consumed = isinstance(call, cst.Call) and isinstance(call.func, cst.Name) and call.func.value in _CONSUMERS
        return "it has no rows" if is_consumed and not parent.keyword else None
    return None


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
