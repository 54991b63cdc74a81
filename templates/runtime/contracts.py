"""The data types of the interface: arguments and results of the methods, and the facts of emitted controllers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, SQLColumnExpression
from sqlalchemy.sql.base import ExecutableOption
from sqlmodel import SQLModel
from typing_extensions import TypedDict

T = TypeVar("T")
M = TypeVar("M", bound=SQLModel)  # the model of a controller
L = TypeVar("L", bound=str)  # the names of its relationships
C = TypeVar("C", bound=Mapping[str, object])  # the values of a new row
U = TypeVar("U", bound=Mapping[str, object])  # the values to change
K = TypeVar("K")  # the primary key


@dataclass(frozen=True, slots=True)
class AnyOf(Generic[T]):
    """A filter: the column has one of these values."""

    values: Iterable[T]

    def __post_init__(self) -> None:
        if isinstance(self.values, str):
            raise TypeError("AnyOf takes a list of values: a string is one value")


@dataclass(frozen=True, slots=True)
class Span(Generic[T]):
    """A filter: the column lies within these bounds."""

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
    """The keywords that every ``**where`` takes besides columns."""

    order_by: OrderBy
    limit: int | None
    offset: int | None
    options: Iterable[ExecutableOption]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A keyset page; ``next`` is the cursor of the next page, None on the last."""

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
        """The number of pages."""
        return -(-self.total // self.per_page)

    @property
    def has_next(self) -> bool:
        """Whether there is a next page."""
        return self.page < self.pages

    @property
    def has_previous(self) -> bool:
        """Whether there is a previous page."""
        return self.page > 1


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """A replica: whether reads may go to it, or why not, and its connections.

    ``staleness`` is the proven bound on the age of what it returns, in seconds; None if nothing is proven.
    """

    url: str
    usable: bool
    reason: str
    staleness: float | None
    idle: int
    in_use: int


Loader: TypeAlias = Callable[[Any, str, Sequence[SQLModel], dict[Any, SQLModel] | None], Awaitable[None]]
"""Loads a relationship of any number of objects; ``relations`` has two loaders."""


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression of an index: its SQL with unqualified columns, and the attributes that it is computed from."""

    sql: str
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Partial:
    """A partial index: its predicate as SQL, with unqualified column names.

    ``implied`` has the values that rows of the index must have, ``present`` the attributes that must not be NULL, and
    ``keys`` the attributes and expressions of a unique index, for ON CONFLICT.
    """

    where: str
    implied: Mapping[str, object] = field(default_factory=dict[str, object])
    present: Collection[str] = ()
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The generator's decisions about a model, in terms of the model's attributes.

    Parameters
    ----------
    required
        The attributes that a new row must have.
    computed
        The attributes that the database computes, which cannot be set.
    omitted
        The attributes whose default of None is replaced by the column's or the server's own default.
    unique
        The keys that ON CONFLICT accepts besides the primary key.
    expressions
        The expressions of indexes by their names in filters.
    partial
        The partial indexes by name.
    relations
        The loader of each relationship.
    absent
        The methods that do not exist, by reason, in which ``{}`` stands for the column of a finder.
    tenant
        The attribute that every call must be given, so that it reaches the rows of one tenant.
    utc
        Whether columns without time zone accept aware datetimes, which are stored in UTC.
    by_orm
        Whether only the ORM can read the rows, so that statements return their keys.
    """

    required: Collection[str] = ()
    computed: Collection[str] = ()
    omitted: Collection[str] = ()
    unique: Collection[tuple[str, ...]] = ()
    expressions: Mapping[str, Expression] = field(default_factory=dict[str, Expression])
    partial: Mapping[str, Partial] = field(default_factory=dict[str, Partial])
    relations: Mapping[str, Loader] = field(default_factory=dict[str, Loader])
    absent: Mapping[str, Collection[str]] = field(default_factory=dict[str, Collection[str]])
    tenant: str | None = None
    utc: bool = False
    by_orm: bool = False
