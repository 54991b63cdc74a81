"""Keyset pagination: the position after a row in any order, as a condition and as a cursor.

Positions are texts that PostgreSQL makes and reads back itself, so that every type it can order can be paged by.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, SQLColumnExpression, Text, and_, false, literal, or_, tuple_
from sqlalchemy import cast as sql_cast
from sqlalchemy.sql import operators

_VERSION = b"\x01"
_DIGEST = 8


@dataclass(frozen=True)
class Term:
    """One expression of an ORDER BY."""

    expression: ColumnElement[Any]
    descending: bool
    nulls_first: bool
    nullable: bool

    def bound(self, text: str) -> ColumnElement[Any]:
        """Return a value of the expression, from its text."""
        return sql_cast(literal(text, Text), self.expression.type)

    def beyond(self, text: str | None) -> ColumnElement[bool]:
        """Return the condition of rows that come after those with this value."""
        if text is None:
            return self.expression.is_not(None) if self.nulls_first else false()
        bound = self.bound(text)
        beyond = self.expression < bound if self.descending else self.expression > bound
        return or_(beyond, self.expression.is_(None)) if self.nullable and not self.nulls_first else beyond

    def same(self, text: str | None) -> ColumnElement[bool]:
        """Return the condition of rows with this value."""
        return self.expression.is_(None) if text is None else self.expression == self.bound(text)


class Order:
    """A total order: what was asked for, then the primary key."""

    def __init__(self, clauses: Iterable[SQLColumnExpression[Any]], primary_key: Iterable[ColumnElement[Any]]) -> None:
        self.clauses = list(clauses)
        self.terms = [_term(clause) for clause in self.clauses]
        for column in primary_key:
            if not any(term.expression.shares_lineage(column) for term in self.terms):
                falling = bool(self.terms) and self.terms[-1].descending  # so that one index can serve both ways
                self.clauses.append(column.desc() if falling else column)
                self.terms.append(Term(column, falling, falling, nullable=False))

    def position(self) -> list[ColumnElement[Any]]:
        """Return what must be selected of a row to make its cursor."""
        return [sql_cast(term.expression, Text).label(f"_{n}") for n, term in enumerate(self.terms)]

    def after(self, cursor: str) -> ColumnElement[bool]:
        """Return the condition of the rows after the one that the cursor was made of."""
        texts = self._decoded(cursor)
        first = self.terms[0]
        if all(term.descending == first.descending and not term.nullable for term in self.terms):
            row = tuple_(*(term.expression for term in self.terms))
            bound = tuple_(*(term.bound(text or "") for term, text in zip(self.terms, texts, strict=True)))
            return row < bound if first.descending else row > bound
        condition: ColumnElement[bool] = false()
        for term, text in zip(reversed(self.terms), reversed(texts), strict=True):
            condition = or_(term.beyond(text), and_(term.same(text), condition))
        return condition

    def cursor(self, position: Sequence[str | None]) -> str:
        """Return the cursor of a row."""
        body = json.dumps(list(position), separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(_VERSION + self._digest(body) + body).decode().rstrip("=")

    def _decoded(self, cursor: str) -> list[str | None]:
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("this is not a cursor") from None
        body = raw[1 + _DIGEST :]
        if raw[: 1 + _DIGEST] != _VERSION + self._digest(body):
            raise ValueError("the cursor is damaged, or was made for another order")
        return cast("list[str | None]", json.loads(body))

    def _digest(self, body: bytes) -> bytes:
        order = ", ".join(str(clause) for clause in self.clauses)
        return hashlib.sha256(order.encode() + body).digest()[:_DIGEST]


def _term(clause: SQLColumnExpression[Any]) -> Term:
    element: Any = getattr(clause, "__clause_element__", lambda: clause)()
    descending, nulls_first = False, None
    while modifier := getattr(element, "modifier", None):
        descending = descending or modifier is operators.desc_op
        if modifier in {operators.nulls_first_op, operators.nulls_last_op}:
            nulls_first = modifier is operators.nulls_first_op
        element = element.element
    nullable: bool = getattr(element, "nullable", True)
    return Term(element, descending, descending if nulls_first is None else nulls_first, nullable)
