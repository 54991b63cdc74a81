"""Keyset pagination: the position after a row in any order, as a condition and as a cursor.

Positions are strings that PostgreSQL makes and reads back itself, so that every type it can order can be paged by.
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
_HEAD = len(_VERSION) + 8  # with the digest


@dataclass(frozen=True)
class Term:
    """One expression of an ORDER BY; ``kind`` is its type where it is a column's.

    What text PostgreSQL makes of a float is a matter of its settings: Python makes it of an ``exact`` one.
    """

    sql: Sql
    kind: str | None
    descending: bool
    nulls_first: bool
    nullable: bool
    exact: bool

    @property
    def position(self) -> Sql:
        """The value of the expression, as a cursor keeps it."""
        return self.sql if self.exact else Sql("CAST(") + self.sql + " AS TEXT)"

    def bound(self, text: str) -> Sql:
        """Return a value of the expression, from its text."""
        if self.kind is None:  # what type it has, PostgreSQL alone knows
            return Sql("E'" + text.replace("\\", "\\\\").replace("'", "''") + "'")
        return Sql(f"({MARK}::text)::{self.kind}", (("after", text),))

    def beyond(self, text: str | None) -> Sql:
        """Return the condition of rows that come after those with this value."""
        if text is None:
            return self.sql + " IS NOT NULL" if self.nulls_first else Sql("false")
        beyond = self.sql + (" < " if self.descending else " > ") + self.bound(text)
        return Sql("(") + beyond + " OR " + self.sql + " IS NULL)" if self.nullable and not self.nulls_first else beyond

    def same(self, text: str | None) -> Sql:
        """Return the condition of rows with this value."""
        return self.sql + " IS NULL" if text is None else self.sql + " = " + self.bound(text)


class Order:
    """A total order: what was asked for, then the primary key."""

    def __init__(self, table: Table[Any], clauses: Iterable[Any]) -> None:
        self.clauses = list(clauses)
        self.terms = [_term(table, clause) for clause in self.clauses]
        falling = bool(self.terms) and self.terms[-1].descending  # so that one index can serve both
        named = {term.sql.text for term in self.terms}
        for part in table.primary_key:
            if part.sql not in named:
                column: Any = table.columns[part.name]
                self.clauses.append(column.desc() if falling else column)
                kind, exact = column.type.compile(DIALECT), isinstance(column.type, sa.Float)
                self.terms.append(Term(Sql(part.sql), kind, falling, falling, column.nullable, exact))
        self.sql = ordered(table, self.clauses)
        self.position = joined(", ", [term.position for term in self.terms])

    def after(self, cursor: str) -> Sql:
        """Return the condition of the rows after the one that a cursor was made of."""
        texts, first = self._position_of(cursor), self.terms[0]
        if all(term.descending == first.descending and not term.nullable for term in self.terms):
            bounds = [term.bound(text or "") for term, text in zip(self.terms, texts, strict=True)]
            row = Sql("(") + joined(", ", [term.sql for term in self.terms])  # an index can be entered at it
            return row + (") < (" if first.descending else ") > (") + joined(", ", bounds) + ")"
        condition = Sql("false")
        for term, text in zip(reversed(self.terms), reversed(texts), strict=True):
            condition = Sql("(") + term.beyond(text) + " OR (" + term.same(text) + " AND " + condition + "))"
        return condition

    def cursor(self, position: Sequence[str | float | None]) -> str:
        """Return the cursor of a row."""
        texts = [repr(float(value)) if isinstance(value, (float, Decimal)) else value for value in position]
        body = json.dumps(texts).encode()
        return base64.urlsafe_b64encode(self._head(body) + body).decode().rstrip("=")

    def _position_of(self, cursor: str) -> list[str | None]:
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            position = json.loads(raw[_HEAD:]) if raw[:_HEAD] == self._head(raw[_HEAD:]) else None
        except (ValueError, RecursionError):
            position = None
        if not self._is_position(position):
            raise InvalidCursorError("the cursor is damaged, or was made for another order")
        return cast("list[str | None]", position)

    def _is_position(self, given: object) -> bool:
        """Whether this could have been made of a row: the digest has no secret, so anybody may make one."""
        if not isinstance(given, list) or len(texts := cast("list[object]", given)) != len(self.terms):
            return False
        return all(
            "\0" not in text if isinstance(text, str) else text is None and term.nullable
            for text, term in zip(texts, self.terms, strict=True)
        )

    def _head(self, body: bytes) -> bytes:
        order = f"{self.sql.text} {self.sql.arguments}"
        return _VERSION + hashlib.sha256(order.encode() + body).digest()[: _HEAD - len(_VERSION)]


def ordered(table: Table[Any], clauses: Iterable[Any]) -> Sql:
    """Return an ORDER BY, or nothing where none is asked for."""
    given = [table.embedded(clause) for clause in clauses]
    return Sql(" ORDER BY ") + joined(", ", given) if given else Sql("")


def _term(table: Table[Any], clause: Any) -> Term:
    element: Any = clause.__clause_element__() if hasattr(clause, "__clause_element__") else clause
    modifiers: list[object] = []
    while getattr(element, "modifier", None):
        modifiers.append(element.modifier)
        element = element.element
    falling, nullable = operators.desc_op in modifiers, getattr(element, "nullable", True)
    nulls_first = operators.nulls_first_op in modifiers or (falling and operators.nulls_last_op not in modifiers)
    is_float = isinstance(getattr(element, "type", None), sa.Float)
    kind: str | None = table.source.c[element.key].type.compile(DIALECT) if isinstance(element, sa.Column) else None
    text = table.embedded(element)
    compared = text if kind else Sql("(") + text + ")"  # NOT a > b would be NOT (a > b)
    return Term(compared, kind, falling, nulls_first, nullable, is_float)
