"""CGL601: SQL with values formatted into it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst
from typing_extensions import override

from ctrlgen.lint.diagnostics import Diagnostic
from ctrlgen.lint.queries import Queries
from ctrlgen.lint.registry import Rule
from ctrlgen.lint.source_code import last_name, method, receiver

_SQL = re.compile(
    r"^\s*(WITH\s+\w+\s+AS\b|SELECT\b.*\bFROM\b|INSERT\s+INTO\b|UPDATE\s+\S+\s+SET\b|DELETE\s+FROM\b|MERGE\s+INTO\b)",
    re.DOTALL,
)
_SQL_TO_TEXT = re.compile(_SQL.pattern, re.DOTALL | re.IGNORECASE)
_OPERATOR = r"(=|<|>|\|\||\bLIKE\s|\bIN\s*\(|\bVALUES\s*\([^)]*|\bBETWEEN\s|\bLIMIT\s|\bOFFSET\s|,)"
_VALUE_BEFORE = re.compile(
    rf"{_OPERATOR.replace('|,', '')}\s*$|{_OPERATOR}\s*'[^'\s]*$|\bBETWEEN\s+\S+\s+AND\s+$", re.IGNORECASE
)
_QUOTE_BEFORE = re.compile(r"'[^'\s]*$")
_TEMPLATE = re.compile(r"\{\{.*?(\}\}|$)", re.DOTALL)
"""Placeholders of a template engine, as used by dbt."""
_PARAMETERS = re.compile(r"placeholder|bind|param|marks|quoted|literal", re.IGNORECASE)
_RUNS_SQL = frozenset({"text", "execute", "exec", "fetch", "fetchrow", "fetchval", "scalar", "scalars", "executemany"})
_STATEMENT_NAME = re.compile(r"(^|_)(sql|query|stmt|statement)$", re.IGNORECASE)
_HOLE = "\0"


class FormattedSql(Rule):
    """``f"... WHERE name = '{name}'"``: the value is interpreted as SQL."""

    code = "CGL601"
    name = "formatted-sql"
    message = "`{value}` is formatted into SQL: whoever controls the value controls the statement"
    why = "A value with a quote ends the literal, and the rest is executed as SQL: this is SQL injection."
    bad = """query = f"SELECT * FROM users WHERE username = '{username}'" """
    good = """query = text("SELECT * FROM users WHERE username = :username").bindparams(username=username)"""
    limits = (
        "Only values, formatted by f-string, `%`, `format` or `+`. Names of tables and columns, which cannot be "
        "parameters, lists of placeholders, and uppercase constants are not reported. In a migration of Alembic, whose "
        "values nobody else controls, only values in quotes are."
    )

    in_tests = False

    @override
    def check(self, queries: Queries) -> Iterator[Diagnostic]:
        source = queries.source
        for node in _formatted(queries):
            if _is_part(source.parent(node)):
                continue  # of a longer string
            pieces = _pieces(node, queries)
            if pieces is None:
                continue
            template = "".join(piece if isinstance(piece, str) else _HOLE for piece in pieces)
            pattern = _SQL_TO_TEXT if _is_run(node, queries) else _SQL
            if not pattern.match(template):
                continue
            value = _first_value(pieces, queries)
            if value is not None:
                name = source.text(value)
                parameter = re.sub(r"\W+", "_", name.rpartition(".")[2]).strip("_").lower() or "value"
                replacement = (
                    f"`:{parameter}` in `text(...)` and `.bindparams({parameter}={name})`; or a condition on columns"
                )
                yield self.report(queries, node, replacement, value=name)


def _formatted(queries: Queries) -> list[cst.BaseExpression]:
    source = queries.source
    nodes: list[cst.BaseExpression] = [
        *source.all(cst.ConcatenatedString),
        *source.all(cst.FormattedString),
        *(
            operation
            for operation in source.all(cst.BinaryOperation)
            if isinstance(operation.operator, cst.Modulo | cst.Add)
        ),
        *(call for call in source.all(cst.Call) if method(call) == "format"),
    ]
    return sorted(nodes, key=source.order)


def _is_part(parent: cst.CSTNode | None) -> bool:
    is_operation = isinstance(parent, cst.BinaryOperation) and isinstance(parent.operator, cst.Modulo | cst.Add)
    is_template = isinstance(parent, cst.Attribute) and parent.attr.value == "format"
    return is_operation or is_template or isinstance(parent, cst.ConcatenatedString)


def _pieces(node: cst.BaseExpression, queries: Queries) -> list[str | cst.BaseExpression] | None:
    """Return the parts of a string and the expressions formatted into it; None for anything else."""
    if isinstance(node, cst.SimpleString):
        value = node.evaluated_value
        return [value] if isinstance(value, str) else None
    if isinstance(node, cst.FormattedString):
        return [
            part.value if isinstance(part, cst.FormattedStringText) else part.expression
            for part in node.parts
            if isinstance(part, cst.FormattedStringText | cst.FormattedStringExpression)
        ]
    if isinstance(node, cst.ConcatenatedString):
        left, right = _pieces(node.left, queries), _pieces(node.right, queries)
        return None if left is None or right is None else left + right
    if isinstance(node, cst.BinaryOperation):
        return _operation(node, queries)
    if isinstance(node, cst.Call) and method(node) == "format":
        return _with_holes(receiver(node), [arg.value for arg in node.args], r"\{[^{}]*\}", queries)
    return None


def _operation(node: cst.BinaryOperation, queries: Queries) -> list[str | cst.BaseExpression] | None:
    if isinstance(node.operator, cst.Modulo):
        right = node.right
        values = [element.value for element in right.elements] if isinstance(right, cst.Tuple) else [right]
        if isinstance(right, cst.Dict):
            values = [element.value for element in right.elements if isinstance(element, cst.DictElement)]
        return _with_holes(node.left, values, r"%(\(\w+\))?[sdr]", queries)
    if not isinstance(node.operator, cst.Add):
        return None
    left = _pieces(node.left, queries)
    if left is None:
        return None
    return left + (_pieces(node.right, queries) or [node.right])


def _with_holes(
    template: cst.BaseExpression | None, values: list[cst.BaseExpression], hole: str, queries: Queries
) -> list[str | cst.BaseExpression] | None:
    pieces = _pieces(template, queries) if template is not None else None
    if pieces is None or not all(isinstance(piece, str) for piece in pieces):
        return None
    strings = re.split(hole.replace("(\\(", "(?:\\("), "".join(str(piece) for piece in pieces))
    result: list[str | cst.BaseExpression] = [strings[0]]
    for index, text in enumerate(strings[1:]):
        if values:
            result.append(values[min(index, len(values) - 1)])
        result.append(text)
    return result


def _first_value(pieces: list[str | cst.BaseExpression], queries: Queries) -> cst.BaseExpression | None:
    before = ""
    pattern = _QUOTE_BEFORE if queries.source.imports_from("alembic") else _VALUE_BEFORE
    for piece in pieces:
        if isinstance(piece, str):
            before += piece
            continue
        if pattern.search(_TEMPLATE.sub("", before)) and not _is_harmless(piece, queries):
            return piece
        before += "x"
    return None


def _is_harmless(value: cst.BaseExpression, queries: Queries) -> bool:
    """Return whether an expression is safe to format: a constant, placeholders, or an explicitly quoted identifier."""
    text = queries.source.text(value)
    name = last_name(value) or ""
    return bool(_PARAMETERS.search(text)) or name.isupper() or isinstance(value, cst.SimpleString | cst.Integer)


def _is_run(node: cst.BaseExpression, queries: Queries) -> bool:
    """Return whether a string is executed as SQL, or named so. Its keywords may then be lowercase."""
    argument = queries.source.parent(node)
    if isinstance(argument, cst.Assign):
        names = [last_name(target.target) or "" for target in argument.targets]
        return any(_STATEMENT_NAME.search(name) for name in names)
    call = queries.source.parent(argument) if isinstance(argument, cst.Arg) else None
    return isinstance(call, cst.Call) and last_name(call.func) in _RUNS_SQL
