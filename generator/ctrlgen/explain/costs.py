"""Describes the cost and the index of a method in one line, for all output formats."""

from __future__ import annotations

from ctrlgen.explain.explanation import Cost, ExplainedMethod

_UNITS = {"row": "row, in one stream", "link": "link, in one stream"}


def summary(method: ExplainedMethod) -> str:
    """Return one line with the cost and the index of a method."""
    parts = [_number(method.cost)]
    if method.cost.cached:
        parts = [_statements(method.cost.most), "none while it is cached"]
    if method.cost.loads:
        parts.append("1 more for each relationship in `load`")
    if method.cost.in_transaction:
        parts.append("in a transaction")
    if method.cost.by_orm:
        parts.append("and the statements of SQLAlchemy's ORM that load the objects")
    if method.origin:
        parts.append(f"by {_backing(method)}")
    elif method.scans:
        parts.append("backed by no index: it scans the table")
    return "; ".join(parts) if method.statements or method.cost.by_orm else "statements unknown"


def _backing(method: ExplainedMethod) -> str:
    if method.origin == "primary key":
        return "the primary key"
    return f"the {method.origin} {method.backing or 'without a name'}"


def _number(cost: Cost) -> str:
    if cost.per != "call":
        unit = f"1 statement per {_UNITS[cost.per]}"
        return unit if cost.most <= 1 else f"{_statements(cost.most - 1)}, and {unit}"
    return _statements(cost.most) if cost.least == cost.most else f"{cost.least} or {_statements(cost.most)}"


def _statements(number: int) -> str:
    return "1 statement" if number == 1 else f"{number} statements"
