"""CGL101: a command or route that uses a session directly."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.queries import Queries, Query
from ctrlgen.lint.registry import Rule
from ctrlgen.lint.replacements import replacement_for
from ctrlgen.lint.source_code import dotted, last_name, positional

_COMMANDS = frozenset({"command", "hybrid_command", "group", "hybrid_group", "listener", "event", "context_menu"})
_ROUTES = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "websocket", "api_route", "route"})
_LISTENERS = frozenset({"listener", "event"})
_BOUNDARIES = frozenset({"commit", "flush", "rollback", "refresh"})
_COMMAND_LINES = ("typer", "click", "cyclopts", "asyncclick")


class DirectSession(Rule):
    """A command or route opens or uses a database session."""

    code = "CGL101"
    name = "direct-session"
    message = "`{function}` is a {kind} and uses a database session directly: queries belong in controllers"
    why = (
        "Each command or route that opens a session has its own rules for commits and errors, and cannot be tested "
        "without the framework."
    )
    bad = """
@commands.command()
async def points(self, ctx):
    async with self.bot.db.session() as session:
        user = await session.get(User, ctx.author.id)
"""
    good = """
@commands.command()
async def points(self, ctx):
    user = await self.bot.db.user.get_by_id(ctx.author.id)
"""
    limits = (
        "Functions decorated as a command, listener or event of a bot, or as a route with a path. A session that is "
        "only passed on, committed, flushed or tested with `SELECT 1` is not reported, and neither are commands of a "
        "command line. Each session is reported once."
    )

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        source = queries.source
        reported: set[tuple[cst.CSTNode, str]] = set()
        for query in queries.every:
            entry = next(
                (
                    (function, kind)
                    for function in source.functions(query.call)
                    if (kind := entry_kind(function, queries))
                ),
                None,
            )
            if query.via != "session" or entry is None or query.method in _BOUNDARIES or queries.is_probe(query):
                continue
            function, kind = entry
            place = _opened_at(query, queries)
            key = (place or function, source.text(query.receiver))
            if key not in reported:
                reported.add(key)
                replacement = _replacement(query, place or function, queries)
                yield self.report(queries, place or query.call, replacement, function=function.name.value, kind=kind)


def entry_kind(function: cst.FunctionDef, queries: Queries) -> str | None:
    """Return ``command`` or ``listener`` for a function of a bot, ``route`` for a web handler, None for any other."""
    if queries.source.imports_from(*_COMMAND_LINES):
        return None
    for decorator in function.decorators:
        call = decorator.decorator
        name = last_name(call.func if isinstance(call, cst.Call) else call)
        path = dotted(call.func if isinstance(call, cst.Call) else call)
        if name in _COMMANDS and path != name and function.asynchronous is not None:
            return "listener" if name in _LISTENERS else "command"
        if name in _ROUTES and isinstance(call, cst.Call) and _has_path(call, queries):
            return "route"
    return None


def _has_path(call: cst.Call, queries: Queries) -> bool:
    first = positional(call)
    if isinstance(call.func, cst.Name):
        return any(origin.startswith("litestar") for origin in queries.source.qualified(call.func))
    is_path = bool(first) and isinstance(first[0], cst.SimpleString | cst.FormattedString | cst.ConcatenatedString)
    return is_path or any(arg.keyword is not None and arg.keyword.value == "path" for arg in call.args)


def _opened_at(query: Query, queries: Queries) -> cst.WithItem | None:
    """Return the ``with`` item that opens the session of a query."""
    if isinstance(query.receiver, cst.Name):
        binding = queries.source.binding(query.receiver)
        if binding is not None and isinstance(binding.node, cst.WithItem):
            return binding.node
    return None


def _replacement(query: Query, place: cst.CSTNode, queries: Queries) -> str:
    block = queries.source.statement(place)
    replacements = [text for query in queries.within(block) if (text := replacement_for(query, queries)) is not None]
    if replacements:
        return "; ".join(dict.fromkeys(replacements))
    return "call a method of a controller, `await db.user.get_by_id(...)`; move several calls into a controller method"
