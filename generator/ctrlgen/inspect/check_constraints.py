"""CHECK constraints as conditions that can be evaluated, to choose samples that satisfy them."""

from __future__ import annotations

import logging
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlglot
from sqlalchemy import CheckConstraint, Table
from sqlglot import exp
from sqlglot.errors import SqlglotError

from ctrlgen.inspect.index_sql import NotUnderstoodError, rendered_sql
from ctrlgen.inspect.samples import UNKNOWN

_COMPARISONS: dict[type[exp.Expr], Callable[[Any, Any], object]] = {
    exp.EQ: operator.eq,
    exp.NEQ: operator.ne,
    exp.GT: operator.gt,
    exp.GTE: operator.ge,
    exp.LT: operator.lt,
    exp.LTE: operator.le,
    exp.Add: operator.add,
    exp.Sub: operator.sub,
    exp.Mul: operator.mul,
    exp.Like: lambda text, pattern: re.fullmatch(_like(pattern), text, re.DOTALL) is not None,
    exp.ILike: lambda text, pattern: re.fullmatch(_like(pattern), text, re.DOTALL | re.IGNORECASE) is not None,
    exp.RegexpLike: lambda text, pattern: re.search(pattern, text) is not None,
    exp.RegexpILike: lambda text, pattern: re.search(pattern, text, re.IGNORECASE) is not None,
}
_FUNCTIONS: dict[type[exp.Expr], Callable[[Any], object]] = {
    exp.Length: len,
    exp.Lower: str.lower,
    exp.Upper: str.upper,
    exp.Trim: str.strip,
    exp.Neg: operator.neg,
    exp.Abs: abs,
}
_COUNTS: dict[str, Callable[[list[object]], int]] = {
    "num_nonnulls": lambda values: sum(value is not None for value in values),
    "num_nulls": lambda values: sum(value is None for value in values),
}


@dataclass(frozen=True)
class Check:
    """A CHECK constraint. ``condition`` is None if its SQL cannot be evaluated here."""

    name: str
    attributes: frozenset[str]
    condition: exp.Expr | None
    by_name: Mapping[str, str]

    @property
    def constants(self) -> Iterator[str]:
        """The constants in its comparisons, as SQL literals."""
        for literal in self.condition.find_all(exp.Literal) if self.condition else ():
            yield literal.sql("postgres")

    def holds(self, row: Mapping[str, object]) -> bool:
        """Return whether the database would accept a row, as far as its values are known."""
        if self.condition is None:
            return True
        return _value(
            self.condition, {name: row.get(attribute, UNKNOWN) for name, attribute in self.by_name.items()}
        ) in (
            True,
            None,
            UNKNOWN,
        )


def checks_of(table: Table, attributes: Mapping[str, str]) -> list[Check]:
    """Return the CHECK constraints of a table. ``attributes`` maps column names to attributes of the model."""
    constraints = [item for item in table.constraints if isinstance(item, CheckConstraint)]
    checks = (_check(constraint, attributes) for constraint in constraints)
    return sorted(checks, key=lambda check: (check.name, sorted(check.attributes)))


def _check(constraint: CheckConstraint, attributes: Mapping[str, str]) -> Check:
    name = str(constraint.name) if isinstance(constraint.name, str) else ""
    try:
        sql = rendered_sql(constraint.sqltext)
        condition = _parsed(sql)
    except (NotUnderstoodError, SqlglotError, RecursionError):
        return Check(name or str(constraint.sqltext), frozenset(attributes.values()), None, attributes)
    names = {column.name for column in condition.find_all(exp.Column)}
    check = Check(
        name or sql, frozenset(attributes[column] for column in names & attributes.keys()), condition, attributes
    )
    try:
        check.holds(dict.fromkeys(attributes.values()))  # raises if any part cannot be evaluated
        understood = names <= attributes.keys() and all(map(_is_known, condition.walk()))
    except NotUnderstoodError:
        understood = False
    return check if understood else Check(check.name, check.attributes, None, attributes)


def _parsed(sql: str) -> exp.Expr:
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it logs warnings for unsupported syntax
    return sqlglot.parse_one(sql, read="postgres")


_KNOWN = frozenset(
    {
        *(*_COMPARISONS, *_FUNCTIONS),
        *(exp.And, exp.Or, exp.Not, exp.Paren, exp.Between, exp.In, exp.Is, exp.Null, exp.Boolean, exp.Literal),
        *(exp.Column, exp.Identifier, exp.Cast, exp.DataType, exp.Anonymous, exp.Any, exp.Array, exp.Coalesce),
    }
)


_ARGUMENTS = frozenset(
    {"this", "expression", "expressions", "low", "high", "to", "negate", "quoted", "is_string", "nested"}
)


def _is_known(node: exp.Expr) -> bool:
    """Return whether a node is of a supported kind without unsupported options."""
    arguments = {name for name, value in node.args.items() if value not in (None, False, [])}
    return isinstance(node, exp.DataType) or (type(node) in _KNOWN and arguments <= _ARGUMENTS)


def _value(node: exp.Expr, row: Mapping[str, object]) -> object:
    """Return the value of an expression for a row: None for NULL, ``UNKNOWN`` if it depends on an unknown value.

    Raises
    ------
    NotUnderstoodError
        The expression is not supported.
    """
    value = _plain_value(node, row)
    return _negated(value) if node.args.get("negate") else value


def _negated(value: object) -> object:
    return value if value in (None, UNKNOWN) else not value


def _plain_value(node: exp.Expr, row: Mapping[str, object]) -> object:
    match node:
        case exp.Paren() | exp.Cast():
            return _value(node.this, row)
        case exp.Column():
            return row.get(node.name, UNKNOWN)
        case exp.Literal():
            return node.name if node.is_string else Decimal(node.name)
        case exp.Null():
            return None
        case exp.Boolean():
            return bool(node.this)
        case exp.And() | exp.Or():
            return _combined(node, row)
        case exp.Not():
            return _negated(_value(node.this, row))
        case exp.Is():
            value, expected = _value(node.this, row), _value(node.expression, row)
            return UNKNOWN if value is UNKNOWN else value is expected or (value is not None and value == expected)
        case _:
            return _of_values(node, row)


def _combined(node: exp.And | exp.Or, row: Mapping[str, object]) -> object:
    decisive = isinstance(node, exp.Or)
    values = [_value(node.left, row), _value(node.right, row)]
    if any(value is decisive for value in values):
        return decisive
    return next((value for value in values if value in (None, UNKNOWN)), not decisive)


def _of_values(node: exp.Expr, row: Mapping[str, object]) -> object:
    """Return the result of an operator or function."""
    function, operands = _applied(node, row)
    if isinstance(node, exp.Anonymous):
        return UNKNOWN if UNKNOWN in operands else function(operands)
    if isinstance(node, exp.Coalesce):
        return next((value for value in operands if value is not None), None)
    if any(value is UNKNOWN for value in operands):
        return UNKNOWN
    if any(value is None for value in operands):
        return None
    try:
        return function(*operands)
    except (TypeError, ValueError, re.error) as error:
        raise NotUnderstoodError(str(error)) from error


def _applied(node: exp.Expr, row: Mapping[str, object]) -> tuple[Callable[..., object], list[object]]:
    def values(nodes: Iterable[exp.Expr]) -> list[object]:
        return [_value(node, row) for node in nodes]

    match node:
        case exp.Between():
            low, high = node.args["low"], node.args["high"]
            return _is_between, values((node.this, low, high))
        case exp.In() if node.expressions:
            return _is_one_of, values((node.this, *node.expressions))
        case exp.EQ() if isinstance(node.expression, exp.Any) and (array := node.expression.find(exp.Array)):
            return _is_one_of, values((node.this, *array.expressions))
        case exp.Anonymous() if node.name.lower() in _COUNTS:
            return _COUNTS[node.name.lower()], values(node.expressions)
        case exp.Coalesce():
            return _is_one_of, values((node.this, *node.expressions))
        case _ if type(node) in _COMPARISONS:
            return _COMPARISONS[type(node)], values((node.this, node.expression))
        case _ if type(node) in _FUNCTIONS:
            return _FUNCTIONS[type(node)], values((node.this,))
        case _:
            raise NotUnderstoodError(type(node).__name__)


def _is_between(value: Decimal, least: Decimal, most: Decimal) -> bool:
    return least <= value <= most


def _is_one_of(value: object, *listed: object) -> bool:
    return value in listed


def _like(pattern: str) -> str:
    return re.escape(pattern).replace("%", ".*").replace("_", ".")
