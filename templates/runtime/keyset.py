"""Keyset pagination: the position after a row in any order, as a condition and as a cursor.

Positions are texts that PostgreSQL makes and reads back itself, so that every type it can order can be paged by.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.sql import operators

from .entity import inline

_VERSION = b"\x01"
_HEAD = len(_VERSION) + 8  # with the digest


@dataclass(frozen=True)
class Term:
    """One expression of an ORDER BY; ``name`` is its parameter."""

    name: str
    expression: sa.ColumnElement[Any]
    descending: bool
    nulls_first: bool
    nullable: bool

    @property
    def shape(self) -> Hashable:
        """What tells it from others, if it is a column; None for an expression."""
        if not isinstance(self.expression, sa.Column):
            return None
        return self.expression.key, self.descending, self.nulls_first

    def bound(self, text: str) -> sa.ColumnElement[Any]:
        """Return a value of the expression, from its text."""
        if not isinstance(self.expression, sa.Column):  # what type it has, PostgreSQL alone knows
            return sa.bindparam(None, text, sa.Text, literal_execute=True)
        return sa.cast(sa.bindparam(self.name, type_=sa.Text), self.expression.type)

    def beyond(self, text: str | None) -> sa.ColumnElement[bool]:
        """Return the condition of rows that come after those with this value."""
        if text is None:
            return self.expression.is_not(None) if self.nulls_first else sa.false()
        compare = operators.lt if self.descending else operators.gt
        beyond: sa.ColumnElement[bool] = compare(self.expression, self.bound(text))
        return sa.or_(beyond, self.expression.is_(None)) if self.nullable and not self.nulls_first else beyond

    def same(self, text: str | None) -> sa.ColumnElement[bool]:
        """Return the condition of rows with this value."""
        return self.expression.is_(None) if text is None else self.expression == self.bound(text)


class Order:
    """A total order: what was asked for, then the primary key. ``shape`` tells it from others, None if nothing can."""

    def __init__(self, clauses: Iterable[sa.SQLColumnExpression[Any]], primary_key: Iterable[sa.Column[Any]]) -> None:
        self.clauses = list(clauses)
        self.terms = [_term(clause, number) for number, clause in enumerate(self.clauses)]
        for column in primary_key:
            if not any(term.expression.shares_lineage(column) for term in self.terms):
                falling = bool(self.terms) and self.terms[-1].descending  # so that one index can serve both
                self.clauses.append(column.desc() if falling else column)
                self.terms.append(_term(self.clauses[-1], len(self.terms)))
        shapes = tuple([term.shape for term in self.terms])
        self.shape = None if None in shapes else shapes

    def position(self) -> list[sa.ColumnElement[Any]]:
        """Return what must be selected of a row to make its cursor."""
        return [sa.cast(term.expression, sa.Text).label(f"_{n}") for n, term in enumerate(self.terms)]

    def after(self, texts: Sequence[str | None]) -> sa.ColumnElement[bool]:
        """Return the condition of the rows after the one at this position."""
        first = self.terms[0]
        if all(term.descending == first.descending and not term.nullable for term in self.terms):
            row = sa.tuple_(*(term.expression for term in self.terms))
            bound = sa.tuple_(*(term.bound(text or "") for term, text in zip(self.terms, texts, strict=True)))
            return row < bound if first.descending else row > bound  # an index can be entered at it
        condition: sa.ColumnElement[bool] = sa.false()
        for term, text in zip(reversed(self.terms), reversed(texts), strict=True):
            condition = sa.or_(term.beyond(text), sa.and_(term.same(text), condition))
        return condition

    def values(self, texts: Sequence[str | None]) -> dict[str, object]:
        """Return the parameters of ``after``."""
        return {term.name: text for term, text in zip(self.terms, texts, strict=True) if text is not None}

    def cursor(self, position: Sequence[str | None]) -> str:
        """Return the cursor of a row."""
        body = json.dumps(position).encode()
        return base64.urlsafe_b64encode(self._head(body) + body).decode().rstrip("=")

    def position_of(self, cursor: str) -> list[str | None]:
        """Return the position that a cursor was made of."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise ValueError("this is not a cursor") from None
        if raw[:_HEAD] != self._head(raw[_HEAD:]):
            raise ValueError("the cursor is damaged, or was made for another order")
        try:
            position = json.loads(raw[_HEAD:])
        except (ValueError, RecursionError):
            position = None
        if not self._is_position(position):
            raise ValueError("this is not a cursor")
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
        order = (
            repr(self.shape)
            if self.shape
            else ", ".join(inline(cast("sa.ClauseElement", clause)) for clause in self.clauses)
        )
        return _VERSION + hashlib.sha256(order.encode() + body).digest()[: _HEAD - len(_VERSION)]


def _term(clause: sa.SQLColumnExpression[Any], number: int) -> Term:
    element: Any = getattr(clause, "__clause_element__", lambda: clause)()
    modifiers: list[object] = []
    while getattr(element, "modifier", None):
        modifiers.append(element.modifier)
        element = element.element
    falling, nullable = operators.desc_op in modifiers, getattr(element, "nullable", True)
    nulls_first = operators.nulls_first_op in modifiers or (falling and operators.nulls_last_op not in modifiers)
    return Term(f"after_{number}__", element, falling, nulls_first, nullable)
