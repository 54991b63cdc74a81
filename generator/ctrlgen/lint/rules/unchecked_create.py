"""CGL504: a row is created from unchecked keyword arguments."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.queries import Queries
from ctrlgen.lint.registry import Rule


class UncheckedCreate(Rule):
    """``create(**data)`` with untyped keyword arguments of the function, and no handler."""

    code = "CGL504"
    name = "unchecked-create"
    message = "`{call}` inserts the untyped `**{data}` of the caller, and an existing row is not handled"
    why = "A misspelled column is found only at run time, and callers do not expect an error for a duplicate."
    bad = """
async def create_user(self, **data):
    return await self.db.user.create(**data)
"""
    good = """
async def create_user(self, **data: Unpack[UserCreate]) -> User | None:
    try:
        return await self.db.user.create(**data)
    except UniqueViolation:
        logger.warning("user %s exists already", data["discord_id"])
        return None
"""
    limits = "Functions outside controllers that pass their `**data`, annotated without `Unpack[...]`, outside a `try`."
    in_tests = False

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        source = queries.source
        for query in queries.every:
            function = source.function(query.call)
            if query.via != "controller" or query.method != "create" or not isinstance(function, cst.FunctionDef):
                continue
            data = function.params.star_kwarg
            if data is None or source.text(query.receiver) == "self" or _is_typed(data, queries):
                continue
            passed = [arg.value for arg in query.call.args if arg.star == "**"]
            is_own = any(isinstance(value, cst.Name) and value.value == data.name.value for value in passed)
            if is_own and not _is_tried(query.call, function, queries):
                stem = source.text(query.receiver).rpartition(".")[2].title().replace("_", "")
                replacement = (
                    f"`**{data.name.value}: Unpack[{stem}Create]`, and `except UniqueViolation:` around the call"
                )
                text = source.text(query.call)
                yield self.report(queries, query.call, replacement, call=text, data=data.name.value)


def _is_typed(data: cst.Param, queries: Queries) -> bool:
    return data.annotation is not None and "Unpack" in queries.source.text(data.annotation.annotation)


def _is_tried(call: cst.Call, function: cst.FunctionDef, queries: Queries) -> bool:
    attempts = (
        ancestor
        for ancestor in queries.source.ancestors(call)
        if isinstance(ancestor, cst.Try) and queries.source.is_in(ancestor, function)
    )
    return any(queries.source.is_in(call, attempt.body) for attempt in attempts)
