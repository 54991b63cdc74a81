"""What is said about tables and methods: plain data, which crosses processes and is printed in every format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Per = Literal["call", "row", "link"]
"""What costs a statement: the call, or each of its rows or links."""


@dataclass(frozen=True, slots=True)
class Signature:
    """How a method is called; without ``self``, which no caller gives."""

    is_async: bool
    name: str
    parameters: tuple[str, ...]
    returns: str

    def __str__(self) -> str:
        return f"{self.head}({', '.join(self.parameters)}) -> {self.returns}"

    @property
    def head(self) -> str:
        """What stands before the parameters."""
        return f"{'async ' * self.is_async}def {self.name}"


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as it is sent, and what each of its parameters is for."""

    sql: str
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """How many statements a method sends: between ``least`` and ``most`` for a call.

    ``per`` tells that the last of them is sent for each row, or for each link. ``loads`` tells that each relationship
    in ``load`` adds one, ``by_orm`` that SQLAlchemy's ORM then sends its own, ``cached`` that none is sent while the
    answer is in memory.
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

    ``kind`` is what the generator calls its sort: ``get``, ``find``, ``load``; its name for what all controllers have.
    ``backing`` is the key or index that answers it, ``origin`` what that is: ``primary key``, ``unique constraint``,
    ``unique index`` or ``index``; both are None where nothing does, as for methods on any rows. ``problem`` says why
    there are no statements, where they could not be made.
    """

    kind: str
    signature: Signature
    doc: str
    statements: tuple[Statement, ...]
    cost: Cost
    backing: str | None = None
    origin: str | None = None
    scans: bool = False
    problem: str | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        return self.signature.name


@dataclass(frozen=True, slots=True)
class ExplainedAbsence:
    """A method that is not emitted, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class MissingIndex:
    """An index that would give a finder, as source to paste into ``__table_args__``."""

    finder: str
    source: str
    is_foreign_key: bool


@dataclass(frozen=True, slots=True)
class ExplainedColumn:
    """A column: ``name`` is the attribute, ``column`` what the database calls it."""

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

    ``parts`` are attributes or SQL expressions, each with its operator class and order if it has one.
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
    """A foreign key; ``target`` is the model as ``module.Name``, None where no class is mapped to the table.

    ``unique`` tells that each row of the other table is referred to once at most, ``nullable`` that a row need not
    refer to any, ``indexed`` that an index finds the rows that refer to one.
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
    """A relationship, the method that loads it, and the table it goes through, if it does."""

    name: str
    target: str
    many: bool
    optional: bool
    through: str | None
    loader: str | None


@dataclass(frozen=True, slots=True)
class TableStructure:
    """What a table is made of; ``schema`` is None in the schema that PostgreSQL looks in first."""

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

    ``select_list`` is what its statements select or return.
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
        """What foreign keys and relationships call it."""
        return f"{self.module}.{self.name}"

    @property
    def qualified_table(self) -> str:
        """The table, with its schema if it has one."""
        return f"{self.structure.schema}.{self.table}" if self.structure.schema else self.table


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that was asked for; ``incomplete`` says why models may be missing."""

    models: tuple[ExplainedModel, ...]
    incomplete: str | None = None
