"""CGL602: a naive datetime."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.diagnostics import Diagnostic, Edit
from ctrlgen.lint.queries import Queries
from ctrlgen.lint.registry import Rule
from ctrlgen.lint.source_code import positional

_NAIVE = frozenset({"datetime.datetime.utcnow", "datetime.datetime.utcfromtimestamp"})


class NaiveNow(Rule):
    """``datetime.utcnow()`` has no time zone, and is deprecated since Python 3.12."""

    code = "CGL602"
    name = "naive-now"
    message = "`{name}` returns a naive datetime, which is interpreted as local time"
    why = (
        "`timestamp()` and asyncpg interpret a naive datetime as local time. Both functions are deprecated since "
        "Python 3.12."
    )
    bad = "created_at: datetime = Field(default_factory=datetime.utcnow)"
    good = "created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))"
    fixable = True

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        source = queries.source
        for node in source.all(cst.Attribute):
            if node.attr.value not in {"utcnow", "utcfromtimestamp"} or not source.qualified(node) & _NAIVE:
                continue
            call = source.parent(node)
            is_called = isinstance(call, cst.Call) and call.func is node
            target = call if isinstance(call, cst.Call) and is_called else node
            text = _replacement(node, target, queries)
            if text and text.startswith("lambda") and not isinstance(source.parent(node), cst.Arg | cst.Assign):
                text = f"({text})"
            imports = _utc_import(node, queries)
            edits = (source.replace(target, text), *imports) if text and imports is not None else ()
            replacement = text or f"{source.text(node.value)}.fromtimestamp(..., {_utc(node, queries)})"
            yield self.report(queries, target, replacement, edits, name=source.text(node))


def _replacement(node: cst.Attribute, target: cst.CSTNode, queries: Queries) -> str | None:
    owner, utc = queries.source.text(node.value), _utc(node, queries)
    if node.attr.value == "utcnow":
        now = f"{owner}.now({utc})"
        return now if isinstance(target, cst.Call) else f"lambda: {now}"
    values = positional(target) if isinstance(target, cst.Call) else []
    return f"{owner}.fromtimestamp({queries.source.text(values[0])}, {utc})" if len(values) == 1 else None


def _utc(node: cst.Attribute, queries: Queries) -> str:
    """Return the expression for ``UTC`` that matches the name of the class: qualified by its module or not."""
    owner = node.value
    return f"{queries.source.text(owner.value)}.UTC" if isinstance(owner, cst.Attribute) else "UTC"


def _utc_import(node: cst.Attribute, queries: Queries) -> tuple[Edit, ...] | None:
    """Return the edit that imports ``UTC``; empty if it is imported already, None if the name is bound otherwise."""
    return () if isinstance(node.value, cst.Attribute) else queries.source.import_edits("datetime", "UTC")
