"""What goes in and out: the facts that emitted controllers state, and what callers pass in and get back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, SQLColumnExpression
from sqlalchemy.sql.base import ExecutableOption
from sqlmodel import SQLModel
from typing_extensions import TypedDict

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AnyOf(Generic[T]):
    """A filter: the column has one of these values."""

    values: Iterable[T]

    def __post_init__(self) -> None:
        if isinstance(self.values, str):
            raise TypeError("AnyOf takes a list of values: a string is one value")


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
Condition: TypeAlias = SQLColumnExpression[bool] | SQLColumnExpression[bool | None]
Filters: TypeAlias = Condition | Iterable[Condition] | None
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


class Loader(Protocol):
    """Loads a relationship of any number of objects; ``relations`` has two of them."""

    async def __call__(
        self, execution: Any, name: str, objects: Sequence[SQLModel], seen: dict[Any, SQLModel] | None, /
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression of an index: as SQL with columns by their bare names, and the attributes it is computed from."""

    sql: str
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Partial:
    """A partial index: the predicate as SQL, with columns by their bare names.

    ``implied`` has the values that the predicate gives to a row, ``present`` the attributes that it says are not
    NULL, and ``keys`` the attributes and expressions of a unique one, for ON CONFLICT.
    """

    where: str
    implied: Mapping[str, object] = field(default_factory=dict[str, object])
    present: Collection[str] = ()
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that is said in attributes of the model.

    Parameters
    ----------
    required
        What a new row must give.
    computed
        What the database computes, and nobody may set.
    omitted
        Where a default of None stands for what the column or the database has.
    unique
        The keys that ON CONFLICT takes; the primary key is always one of them.
    expressions
        Expressions of indexes, by what filters call them.
    partial
        Partial indexes by name.
    relations
        What loads each relationship.
    utc
        Whether columns without time zone take aware datetimes, as UTC.
    """

    required: Collection[str] = ()
    computed: Collection[str] = ()
    omitted: Collection[str] = ()
    unique: Collection[tuple[str, ...]] = ()
    expressions: Mapping[str, Expression] = field(default_factory=dict[str, Expression])
    partial: Mapping[str, Partial] = field(default_factory=dict[str, Partial])
    relations: Mapping[str, Loader] = field(default_factory=dict[str, Loader])
    utc: bool = False
