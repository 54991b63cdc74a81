"""Keyset pagination: the position of a row in an order, as a cursor and as a condition.

PostgreSQL itself casts the values of a position to text and back, so any type with an order can be used.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.sql import operators

from .errors import InvalidCursorError
from .sql import DIALECT, MARK, Sql, joined
from .table import Table

_VERSION = b"\x01"
_HEADER_SIZE = len(_VERSION) + 8  # 8 bytes are the digest


@dataclass(frozen=True)
class Term:
    """One expression of an ORDER BY; ``kind`` is the type of a column, None for other expressions.

    A float is read as a number and formatted in Python, because PostgreSQL's text of it depends on settings.
    """

    sql: Sql
    kind: str | None
    descending: bool
    nulls_first: bool
    nullable: bool
    is_float: bool

    @property
    def position(self) -> Sql:
        """The value of the expression as it is kept in a cursor."""
        return self.sql if self.is_float else Sql("CAST(") + self.sql + " AS TEXT)"

    def bound(self, text: str) -> Sql:
        """Return a value of the expression in SQL, from its text."""
        if self.kind is None:  # only PostgreSQL knows the type, which it infers for a literal
            return Sql("E'" + text.replace("\\", "\\\\").replace("'", "''") + "'")
        return Sql(f"({MARK}::text)::{self.kind}", ("after",), (text,))

    def beyond(self, text: str | None) -> Sql:
        """Return the condition for rows that come after those with this value."""
        if text is None:
            return self.sql + " IS NOT NULL" if self.nulls_first else Sql("false")
        beyond = self.sql + (" < " if self.descending else " > ") + self.bound(text)
        return Sql("(") + beyond + " OR " + self.sql + " IS NULL)" if self.nullable and not self.nulls_first else beyond

    def same(self, text: str | None) -> Sql:
        """Return the condition for rows with this value."""
        return self.sql + " IS NULL" if text is None else self.sql + " = " + self.bound(text)


class Order:
    """A total order: the requested order, then the primary key."""

    def __init__(self, table: Table[Any], clauses: Iterable[Any]) -> None:
        self.clauses = list(clauses)
        self.terms = [_term(table, clause) for clause in self.clauses]
        descending = bool(self.terms) and self.terms[-1].descending  # so that one index can serve both
        ordered_by = {term.sql.text for term in self.terms}
        for part in table.primary_key:
            if part.sql not in ordered_by:
                column: Any = table.columns[part.name]
                self.clauses.append(column.desc() if descending else column)
                kind, is_float = column.type.compile(DIALECT), isinstance(column.type, sa.Float)
                self.terms.append(Term(Sql(part.sql), kind, descending, descending, column.nullable, is_float))
        self.sql = table.order_by(self.clauses)
        self.position = joined(", ", [term.position for term in self.terms])

    def after(self, cursor: str) -> Sql:
        """Return the condition for the rows after the row of a cursor."""
        strings, first = self._position_of(cursor), self.terms[0]
        if all(term.descending == first.descending and not term.nullable for term in self.terms):
            bounds = [term.bound(text or "") for term, text in zip(self.terms, strings, strict=True)]
            row = Sql("(") + joined(", ", [term.sql for term in self.terms])  # a row comparison can use an index
            return row + (") < (" if first.descending else ") > (") + joined(", ", bounds) + ")"
        condition = Sql("false")
        for term, text in zip(reversed(self.terms), reversed(strings), strict=True):
            condition = Sql("(") + term.beyond(text) + " OR (" + term.same(text) + " AND " + condition + "))"
        return condition

    def cursor(self, position: Sequence[str | float | None]) -> str:
        """Return the cursor of a row."""
        strings = [repr(float(value)) if isinstance(value, (float, Decimal)) else value for value in position]
        body = json.dumps(strings).encode()
        return base64.urlsafe_b64encode(self._header(body) + body).decode().rstrip("=")

    def _position_of(self, cursor: str) -> list[str | None]:
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            header, body = raw[:_HEADER_SIZE], raw[_HEADER_SIZE:]
            position = json.loads(body) if header == self._header(body) else None
        except (ValueError, RecursionError):
            position = None
        if not self._is_position(position):
            raise InvalidCursorError("the cursor is damaged, or belongs to another order")
        return cast("list[str | None]", position)

    def _is_position(self, value: object) -> bool:
        """Return whether a row can have this position; the digest has no secret, so anybody can compute it."""
        if not isinstance(value, list) or len(strings := cast("list[object]", value)) != len(self.terms):
            return False
        return all(
            "\0" not in text if isinstance(text, str) else text is None and term.nullable
            for text, term in zip(strings, self.terms, strict=True)
        )

    def _header(self, body: bytes) -> bytes:
        order = f"{self.sql.text} {list(self.sql.arguments)}"
        return _VERSION + hashlib.sha256(order.encode() + body).digest()[: _HEADER_SIZE - len(_VERSION)]


def _term(table: Table[Any], clause: Any) -> Term:
    element: Any = clause.__clause_element__() if hasattr(clause, "__clause_element__") else clause
    modifiers: list[object] = []
    while getattr(element, "modifier", None):
        modifiers.append(element.modifier)
        element = element.element
    descending, nullable = operators.desc_op in modifiers, getattr(element, "nullable", True)
    nulls_first = operators.nulls_first_op in modifiers or (descending and operators.nulls_last_op not in modifiers)
    is_float = isinstance(getattr(element, "type", None), sa.Float)
    kind: str | None = table.source.c[element.key].type.compile(DIALECT) if isinstance(element, sa.Column) else None
    text = table.embedded(element)
    operand = text if kind else Sql("(") + text + ")"  # NOT a > b would be NOT (a > b)
    return Term(operand, kind, descending, nulls_first, nullable, is_float)
