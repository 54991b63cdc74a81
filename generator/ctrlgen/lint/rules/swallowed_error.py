"""CGL501: a handler that turns every error into a result."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.queries import Queries
from ctrlgen.lint.registry import Rule
from ctrlgen.lint.source_code import last_name

_BROAD = frozenset({"Exception", "BaseException"})


class SwallowedError(Rule):
    """``except Exception: return None`` around a query hides the difference between a missing row and a failure."""

    code = "CGL501"
    name = "swallowed-error"
    message = "`{handler}` returns {value} for every error: the caller cannot distinguish a failure from a result"
    why = (
        "A lost connection, a misspelled column and a cancelled statement all return None or False, as if the row were "
        "missing."
    )
    bad = """
try:
    return await self.db.user.get_by_id(user_id)
except Exception as e:
    logger.error(f"Failed to get user: {e}")
    return None
"""
    good = """
try:
    return await self.db.user.create(**values)
except UniqueViolation:
    return None  # there is one already; everything else is for the caller
"""
    limits = (
        "A `try` that contains a query other than `SELECT 1`. Handlers that raise are not reported. A "
        "`db.transaction()` block that ends in `return True` is not reported either if the handler logs the error: it "
        "returns whether the transaction was committed."
    )
    in_tests = False

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        source = queries.source
        for attempt in source.all(cst.Try):
            statements = [query for query in queries.within(attempt.body) if not queries.is_probe(query)]
            if not statements or _reports_outcome(attempt, queries):
                continue
            for handler in attempt.handlers:
                value = _returned(handler, queries)
                if not _is_broad(handler) or value is None or source.within(handler, cst.Raise):
                    continue
                handled = f"except {source.text(handler.type)}" if handler.type is not None else "except"
                replacement = (
                    "catch the error that is expected (`UniqueViolation`, `NotFoundError`, `IntegrityError`) and let "
                    "every other one reach the caller: `raise` after logging"
                )
                yield self.report(queries, value, replacement, handler=handled, value=_name(value))


def _is_broad(handler: cst.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    kinds = (
        [element.value for element in handler.type.elements] if isinstance(handler.type, cst.Tuple) else [handler.type]
    )
    return any(last_name(kind) in _BROAD for kind in kinds)


def _returned(handler: cst.ExceptHandler, queries: Queries) -> cst.Return | None:
    """Return the ``return None`` or ``return False`` at the end of a handler."""
    body = handler.body.body
    last = body[-1] if body else None
    statement = last.body[-1] if isinstance(last, cst.SimpleStatementLine) else None
    if not isinstance(statement, cst.Return):
        return None
    if statement.value is None:
        function = next(queries.source.functions(statement), None)
        annotation = queries.source.text(function.returns.annotation) if function and function.returns else ""
        return statement if "None" in annotation.split(" | ")[1:] or annotation.startswith("Optional[") else None
    is_answer = isinstance(statement.value, cst.Name) and statement.value.value in {"None", "False"}
    return statement if is_answer else None


def _name(statement: cst.Return) -> str:
    return statement.value.value if isinstance(statement.value, cst.Name) else "None"


def _reports_outcome(attempt: cst.Try, queries: Queries) -> bool:
    """Return whether the whole body is a transaction that returns True after its commit, and the handlers log."""
    body = attempt.body.body
    block = body[0] if len(body) == 1 else None
    if not isinstance(block, cst.With) or not any(queries.opens_transaction(item.item) for item in block.items):
        return False
    returns = [statement.value for statement in queries.source.within(block, cst.Return)]
    is_outcome = bool(returns) and all(isinstance(value, cst.Name) and value.value == "True" for value in returns)
    return is_outcome and all(queries.source.within(handler, cst.Call) for handler in attempt.handlers)
