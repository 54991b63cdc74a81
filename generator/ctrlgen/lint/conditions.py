"""Finds the conditions of queries, and which of their parts are SQL, for the rules about Python's operators."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from ctrlgen.lint.queries import Queries
from ctrlgen.lint.source_code import dotted, last_name, method, positional, receiver

_CLASS = re.compile(r"^_?[A-Z][A-Za-z0-9]*$")
_CONSTANT = re.compile(r"^[A-Z0-9_]{2,}$")
_SETTINGS = re.compile(r"(Settings|Env|Environment|Constants|Flags)$")
_CONDITIONAL = frozenset({"where", "filter", "having"})
_RELATED = frozenset({"any", "has"})
_JOINING = frozenset({"join", "outerjoin"})
_COMBINING = frozenset({"and_", "or_", "not_"})
_NARROWING = frozenset({"find_all", "find_one", "count", "exists", "paginate", "update_where", "delete_where"})


def conditions(queries: Queries) -> Iterator[cst.BaseExpression]:
    """Yield every condition of a query once. Names are resolved to the expressions they are bound to."""
    seen: set[cst.BaseExpression] = set()
    for call in queries.source.all(cst.Call):
        for argument in _conditions_of(call, queries):
            for condition in _flattened(argument, queries):
                if condition not in seen:
                    seen.add(condition)
                    yield condition


def _conditions_of(call: cst.Call, queries: Queries) -> Iterator[cst.BaseExpression]:
    name = last_name(call.func)
    if name in _COMBINING or (name in _CONDITIONAL and receiver(call) is not None):
        yield from positional(call)
    if name in _RELATED and receiver(call) is not None:
        yield from positional(call)
    if name in _JOINING and receiver(call) is not None:
        yield from positional(call)[1:]
    if name in _NARROWING and receiver(call) is not None and queries.query(call) is not None:
        yield from positional(call)
    for argument in call.args:
        if argument.keyword is not None and argument.keyword.value == "filters":
            yield argument.value


def _flattened(node: cst.BaseExpression, queries: Queries) -> Iterator[cst.BaseExpression]:
    node = queries.resolved(node)
    if isinstance(node, cst.List | cst.Tuple):
        for element in node.elements:
            yield from _flattened(element.value, queries)
    else:
        yield node


def comparisons(queries: Queries) -> Iterator[tuple[cst.Comparison, cst.ComparisonTarget]]:
    """Yield the comparisons of two operands in the conditions of queries, with the operator and the right operand."""
    for part in operations(queries):
        if isinstance(part, cst.Comparison) and len(part.comparisons) == 1:
            yield part, part.comparisons[0]


def operations(queries: Queries) -> Iterator[cst.BaseExpression]:
    """Yield the operations that the conditions of queries consist of."""
    for condition in conditions(queries):
        yield from parts(condition)


def parts(condition: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    """Yield the operations that a condition consists of: the operands of ``&``, ``and``, ``not`` and so on."""
    if isinstance(condition, cst.BooleanOperation):
        yield condition
        yield from parts(condition.left)
        yield from parts(condition.right)
    elif isinstance(condition, cst.BinaryOperation) and isinstance(condition.operator, cst.BitAnd | cst.BitOr):
        yield from parts(condition.left)
        yield from parts(condition.right)
    elif isinstance(condition, cst.UnaryOperation):
        yield condition
        yield from parts(condition.expression)
    elif isinstance(condition, cst.Comparison):
        yield condition


def is_sql(node: cst.BaseExpression, queries: Queries) -> bool:
    """Return whether an expression is a SQLAlchemy expression: a column, a comparison, or a combination of these."""
    if isinstance(node, cst.Comparison):
        return is_sql(node.left, queries) or any(
            is_sql(comparison.comparator, queries) for comparison in node.comparisons
        )
    if isinstance(node, cst.BinaryOperation | cst.BooleanOperation):
        return is_sql(node.left, queries) or is_sql(node.right, queries)
    if isinstance(node, cst.UnaryOperation):
        return is_sql(node.expression, queries)
    if isinstance(node, cst.Call):
        return _is_sql_call(node, queries)
    return isinstance(node, cst.Attribute) and is_column(node, queries)


def _is_sql_call(call: cst.Call, queries: Queries) -> bool:
    name, target = last_name(call.func), receiver(call)
    if name == "col" and isinstance(call.func, cst.Name):
        return any(origin.startswith("sqlmodel.") for origin in queries.source.qualified(call.func))
    if target is None:
        return name in _COMBINING
    if dotted(target) in {"func", "sa.func", "sqlalchemy.func"}:
        return True
    return method(call) is not None and isinstance(target, cst.Attribute | cst.Call) and is_sql(target, queries)


def is_column(node: cst.Attribute, queries: Queries) -> bool:
    """Return whether an attribute is a column of a model: ``User.name`` or ``db.user.c.name``."""
    name = node.attr.value
    if _CONSTANT.match(name) or name.startswith("__") or not name[0].islower():
        return False
    if isinstance(node.value, cst.Name):
        owner = node.value.value
        if owner == "c":
            value = queries.resolved(node.value)
            return isinstance(value, cst.Attribute) and value.attr.value == "c"
        is_class = bool(_CLASS.match(owner)) and not _CONSTANT.match(owner) and not _SETTINGS.search(owner)
        return is_class and not _is_enum(owner, queries)
    return isinstance(node.value, cst.Attribute) and node.value.attr.value == "c"


def _is_enum(name: str, queries: Queries) -> bool:
    return any(base.endswith(("Enum", "Flag")) for base in queries.modules.base_names(queries.source, name))


def as_column(node: cst.BaseExpression, queries: Queries) -> tuple[str, tuple[str, ...]]:
    """Return the source of an operand whose methods are called, and the names that it uses from sqlmodel.

    To type checkers, ``User.id`` of a model is an ``int``, and ``col(User.id)`` a column.
    """
    if isinstance(node, cst.Attribute) and isinstance(node.value, cst.Name) and node.value.value != "c":
        return f"col({queries.source.text(node)})", ("col",)
    return in_parentheses(node, queries), ()


def without_parentheses(node: cst.BaseExpression, queries: Queries) -> str:
    """Return the source of an operand that becomes an argument."""
    return queries.source.text(node.with_changes(lpar=(), rpar=()))


def in_parentheses(node: cst.BaseExpression, queries: Queries) -> str:
    """Return the source of an operand, in parentheses if ``&``, ``|``, ``~`` or a method call would bind tighter."""
    text = queries.source.text(node)
    is_open = isinstance(node, cst.BinaryOperation | cst.BooleanOperation | cst.Comparison | cst.UnaryOperation)
    return f"({text})" if is_open and not node.lpar else text
