"""CGL602: a naive datetime."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.diagnostics import Diagnostic, Edit
from ctrlgen.lint.queries import Queries
from ctrlgen.lint.registry import Rule
from ctrlgen.lint.source_code import last_name, positional

_COLUMNS = frozenset({"Column", "mapped_column", "Field"})
_TYPES = frozenset({"DateTime", "NaiveDatetime", "TIMESTAMP"})
_TIME_ZONE = re.compile(r"\btimezone\s*=\s*True\b")
_NAIVE = frozenset({"datetime.datetime.utcnow", "datetime.datetime.utcfromtimestamp"})


class NaiveNow(Rule):
    """``datetime.utcnow()`` has no time zone, and is deprecated since Python 3.12."""

    code = "CGL602"
    name = "naive-now"
    message = "`{name}` returns a naive datetime, {consequence}"
    why = (
        "`timestamp()` and asyncpg interpret a naive datetime as local time. Both functions are deprecated since "
        "Python 3.12."
    )
    bad = "created_at: datetime = Field(default_factory=datetime.utcnow)"
    good = "created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))"
    limits = (
        "Where the column is declared without time zone (`Column(DateTime, ...)`, `NaiveDatetime`), the replacement "
        "stays naive. Elsewhere `--fix` writes aware values: check that they are neither stored in such a column nor "
        "compared with its values."
    )
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
            zone = _zone(node, queries)
            text = _replacement(node, target, queries, naive=zone == "none")
            if text and text.startswith("lambda") and not isinstance(source.parent(node), cst.Arg | cst.Assign):
                text = f"({text})"
            imports = _utc_import(node, queries)
            if text and imports is not None and zone != "unknown":
                edits = (source.replace(target, text), *imports)
            else:
                edits = ()
            replacement = text or f"{source.text(node.value)}.fromtimestamp(..., {_utc(node, queries)})"
            consequence = "and is deprecated" if zone == "none" else "which is interpreted as local time"
            yield self.report(queries, target, replacement, edits, name=source.text(node), consequence=consequence)


def _zone(node: cst.Attribute, queries: Queries) -> Literal["utc", "none", "unknown"]:
    """Return whether the column, of which this is the default, has a time zone; "utc" for a value of anything else."""
    source = queries.source
    declaration: cst.CSTNode | None = None
    for ancestor in source.ancestors(node):
        if isinstance(ancestor, cst.Call) and last_name(ancestor.func) in _COLUMNS:
            declaration = ancestor
        elif isinstance(ancestor, cst.BaseSmallStatement | cst.BaseCompoundStatement):
            if declaration is not None and isinstance(ancestor, cst.AnnAssign):
                declaration = ancestor  # whose annotation may have the type
            break
    if declaration is None:
        return "utc"
    words = {name.value for name in source.within(declaration, cst.Name)}
    if words & _TYPES:
        return "utc" if _TIME_ZONE.search(source.text(declaration)) else "none"
    return "utc" if "Field" in words else "unknown"


def _replacement(node: cst.Attribute, target: cst.CSTNode, queries: Queries, *, naive: bool) -> str | None:
    owner, utc = queries.source.text(node.value), _utc(node, queries)
    without_zone = ".replace(tzinfo=None)" if naive else ""
    if node.attr.value == "utcnow":
        now = f"{owner}.now({utc}){without_zone}"
        return now if isinstance(target, cst.Call) else f"lambda: {now}"
    values = positional(target) if isinstance(target, cst.Call) else []
    if len(values) != 1:
        return None
    return f"{owner}.fromtimestamp({queries.source.text(values[0])}, {utc}){without_zone}"


def _utc(node: cst.Attribute, queries: Queries) -> str:
    """Return the expression for ``UTC`` that matches the name of the class: qualified by its module or not."""
    owner = node.value
    return f"{queries.source.text(owner.value)}.UTC" if isinstance(owner, cst.Attribute) else "UTC"


def _utc_import(node: cst.Attribute, queries: Queries) -> tuple[Edit, ...] | None:
    """Return the edit that imports ``UTC``; empty if it is imported already, None if the name is bound otherwise."""
    return () if isinstance(node.value, cst.Attribute) else queries.source.import_edits("datetime", "UTC")
