"""What callers of the emitted controllers pass in and get back, besides models."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, SQLColumnExpression
from sqlalchemy.sql.base import ExecutableOption
from typing_extensions import TypedDict

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AnyOf(Generic[T]):
    """A filter: the column has one of these values."""

    values: Iterable[T]


@dataclass(frozen=True, slots=True)
class Span(Generic[T]):
    """A filter: the column lies between these bounds, as many as are given."""

    ge: T | None = None
    gt: T | None = None
    le: T | None = None
    lt: T | None = None


Equal: TypeAlias = T | AnyOf[T]
Ordered: TypeAlias = T | AnyOf[T] | Span[T]
Settable: TypeAlias = T | ColumnElement[T]
Filters: TypeAlias = ColumnElement[bool] | Iterable[ColumnElement[bool]] | None
OrderBy: TypeAlias = SQLColumnExpression[object] | Iterable[SQLColumnExpression[object]] | None


class Refinements(TypedDict, total=False):
    """What every ``**where`` takes besides columns."""

    order_by: OrderBy
    limit: int | None
    offset: int | None
    options: Iterable[ExecutableOption]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A keyset page; ``next`` is the cursor of the page after it, None on the last."""

    items: list[T]
    next: str | None


@dataclass(frozen=True, slots=True)
class PaginationResult(Generic[T]):
    """A numbered page, counted from 1."""

    items: list[T]
    total: int
    page: int
    per_page: int

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return -(-self.total // self.per_page)

    @property
    def has_next(self) -> bool:
        """Whether a page follows."""
        return self.page < self.pages

    @property
    def has_previous(self) -> bool:
        """Whether a page precedes."""
        return self.page > 1
