"""CGL302: ``and`` or ``or`` between SQL expressions."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.conditions import conditions, is_sql, parts, without_parentheses
from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.queries import Queries
from ctrlgen.lint.registry import Rule


class PythonAndOr(Rule):
    """``User.a == 1 and User.b == 2`` evaluates to one of the two, or raises an error."""

    code = "CGL302"
    name = "python-and-or"
    message = "`{operator}` is evaluated by Python before the query is built: it drops one side, or raises an error"
    why = "SQLAlchemy cannot overload `and` and `or`: Python evaluates to one side and drops the other."
    bad = "select(User).where(User.guild_id == 1 and User.points > 5)"
    good = "select(User).where(and_(User.guild_id == 1, User.points > 5))"
    limits = "`flag or User.points > 5` is not reported: with a Python value on the left, it may be intended."
    fixable = True

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        for condition in conditions(queries):
            inner: set[cst.CSTNode] = set()
            for part in parts(condition):
                if not isinstance(part, cst.BooleanOperation) or part in inner:
                    continue
                operands = _operands(part, inner)
                if any(is_sql(operand, queries) for operand in operands[:-1]):
                    is_and = isinstance(part.operator, cst.And)
                    name = "and_" if is_and else "or_"
                    text = f"{name}({', '.join(without_parentheses(operand, queries) for operand in operands)})"
                    edits = queries.source.replace_and_import(part, text, [name]) if not _is_nested(operands) else ()
                    yield self.report(queries, part, text, edits, operator="and" if is_and else "or")


def _operands(node: cst.BooleanOperation, inner: set[cst.CSTNode]) -> list[cst.BaseExpression]:
    """Return ``a``, ``b`` and ``c`` of ``a and b and c``, and add the nested operations to ``inner``."""
    operands: list[cst.BaseExpression] = []
    for side in (node.left, node.right):
        if isinstance(side, cst.BooleanOperation) and type(side.operator) is type(node.operator) and not side.lpar:
            inner.add(side)
            operands += _operands(side, inner)
        else:
            operands.append(side)
    return operands


def _is_nested(operands: list[cst.BaseExpression]) -> bool:
    """Return whether an operand needs a fix as well. The inner operation is then fixed first."""
    is_operator = any(
        isinstance(operand, cst.Comparison)
        and any(isinstance(target.operator, cst.Is | cst.IsNot | cst.In | cst.NotIn) for target in operand.comparisons)
        for operand in operands
    )
    is_not = any(
        isinstance(operand, cst.UnaryOperation) and isinstance(operand.operator, cst.Not) for operand in operands
    )
    return is_operator or is_not or any(isinstance(operand, cst.BooleanOperation) for operand in operands)
