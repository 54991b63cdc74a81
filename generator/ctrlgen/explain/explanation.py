"""The explanation of tables and methods: plain data that is sent between processes and printed in every format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Per = Literal["call", "row", "link"]
"""The unit that costs a statement: the call, or each of its rows or links."""

_UNITS = {"row": "row, in one stream", "link": "link, in one stream"}


@dataclass(frozen=True, slots=True)
class Signature:
    """The signature of a method, without ``self``."""

    is_async: bool
    name: str
    parameters: tuple[str, ...]
    returns: str

    def __str__(self) -> str:
        return f"{self.head}({', '.join(self.parameters)}) -> {self.returns}"

    @property
    def head(self) -> str:
        """The part before the parameters."""
        return f"{'async ' * self.is_async}def {self.name}"


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as it is sent, with the meaning of each parameter."""

    sql: str
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """The number of statements that a call of a method sends: between ``least`` and ``most``.

    ``per`` tells whether the last statement is sent once per call, per row or per link. ``loads`` tells whether each
    relationship in ``load`` adds a statement, ``by_orm`` whether SQLAlchemy's ORM sends further statements, ``cached``
    whether no statement is sent if the result is cached.
    """

    least: int
    most: int
    per: Per = "call"
    loads: bool = False
    in_transaction: bool = False
    by_orm: bool = False
    cached: bool = False


@dataclass(frozen=True, slots=True)
class ExplainedMethod:
    """A method of a controller.

    ``kind`` is the kind of the method in the plan (``get``, ``find``, ``load``), or its name if every controller has
    it. ``backing`` is the name of the key or index that serves the method, and ``origin`` its kind: ``primary key``,
    ``unique constraint``, ``unique index`` or ``index``. Both are None if the method needs none. ``key`` has its parts.
    ``problem`` is the reason why the statements could not be recorded.
    """

    kind: str
    signature: Signature
    doc: str
    statements: tuple[Statement, ...]
    cost: Cost
    backing: str | None = None
    origin: str | None = None
    key: tuple[str, ...] = ()
    scans: bool = False
    problem: str | None = None

    @property
    def name(self) -> str:
        """The name of the method."""
        return self.signature.name


@dataclass(frozen=True, slots=True)
class ExplainedAbsence:
    """A method that is not emitted, and the reason."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class MissingIndex:
    """An index that would add a finder, as source to paste into ``__table_args__``."""

    finder: str
    source: str
    is_foreign_key: bool


@dataclass(frozen=True, slots=True)
class ExplainedColumn:
    """A column. ``name`` is the attribute, ``column`` the name in the database."""

    name: str
    column: str
    type: str
    sql_type: str
    nullable: bool
    primary_key: bool
    presence: str
    default: str | None
    comment: str | None


@dataclass(frozen=True, slots=True)
class ExplainedIndex:
    """A key or index, and the methods that it backs.

    ``parts`` are attributes or SQL expressions, each with its operator class and order, if any.
    """

    name: str | None
    origin: str
    unique: bool
    parts: tuple[str, ...]
    method: str
    where: str | None
    include: tuple[str, ...]
    nulls_not_distinct: bool
    location: str
    backs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExplainedForeignKey:
    """A foreign key. ``target`` is the model as ``module.Name``, or None if no class is mapped to the table.

    ``unique`` tells whether each row of the other table is referenced at most once, ``nullable`` whether the reference
    may be NULL, ``indexed`` whether an index finds the referencing rows.
    """

    columns: tuple[str, ...]
    target: str | None
    table: str
    target_columns: tuple[str, ...]
    on_delete: str | None
    unique: bool
    nullable: bool
    indexed: bool


@dataclass(frozen=True, slots=True)
class ExplainedRelationship:
    """A relationship, the method that loads it, and its secondary table, if any."""

    name: str
    target: str
    many: bool
    optional: bool
    through: str | None
    loader: str | None


@dataclass(frozen=True, slots=True)
class TableStructure:
    """The structure of a table. ``schema`` is None for the default schema."""

    schema: str | None
    doc: str
    comment: str | None
    columns: tuple[ExplainedColumn, ...]
    indexes: tuple[ExplainedIndex, ...]
    foreign_keys: tuple[ExplainedForeignKey, ...]
    relationships: tuple[ExplainedRelationship, ...]


@dataclass(frozen=True, slots=True)
class ExplainedModel:
    """A model: its table, and the methods of its controller.

    ``select_list`` is the list of columns that its statements select or return.
    """

    name: str
    module: str
    location: str
    table: str
    attribute: str
    controller: str
    structure: TableStructure
    select_list: str
    methods: tuple[ExplainedMethod, ...]
    absent: tuple[ExplainedAbsence, ...]
    missing_indexes: tuple[MissingIndex, ...]

    @property
    def reference(self) -> str:
        """The name that foreign keys and relationships refer to."""
        return f"{self.module}.{self.name}"

    @property
    def qualified_table(self) -> str:
        """The name of the table, qualified with its schema if it has one."""
        return f"{self.structure.schema}.{self.table}" if self.structure.schema else self.table


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of the chosen models.

    ``incomplete`` is the reason why models may be missing. ``method`` is the method that was chosen, if any.
    """

    models: tuple[ExplainedModel, ...]
    incomplete: str | None = None
    method: str | None = None


def summary(method: ExplainedMethod) -> str:
    """Return one line with the cost and the index of a method."""
    parts = [_number(method.cost)]
    if method.cost.cached:
        parts = [_statements(method.cost.most), "none while it is cached"]
    if method.cost.loads:
        parts.append("1 more for each relationship in `load`")
    if method.cost.in_transaction:
        parts.append("in a transaction")
    if method.cost.by_orm:
        parts.append("and the statements of SQLAlchemy's ORM that load the objects")
    if method.origin:
        parts.append(f"by {_backing(method)}")
    elif method.scans:
        parts.append("backed by no index: it scans the table")
    return "; ".join(parts) if method.statements or method.cost.by_orm else "statements unknown"


def _backing(method: ExplainedMethod) -> str:
    if method.origin == "primary key":
        return "the primary key"
    if method.backing:
        return f"the {method.origin} {method.backing}"
    return f"the unnamed {method.origin}{' on ' if method.key else ''}{', '.join(method.key)}"


def _number(cost: Cost) -> str:
    if cost.per != "call":
        unit = f"1 statement per {_UNITS[cost.per]}"
        return unit if cost.most <= 1 else f"{_statements(cost.most - 1)}, and {unit}"
    return _statements(cost.most) if cost.least == cost.most else f"{cost.least} or {_statements(cost.most)}"


def _statements(number: int) -> str:
    return "1 statement" if number == 1 else f"{number} statements"
