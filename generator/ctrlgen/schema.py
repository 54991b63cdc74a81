"""The schema of the models: the frozen data that ``inspect`` produces and ``plan`` reads.

It does not depend on SQLAlchemy. Columns are identified by *attribute*; ``name`` is the name in the database. Tuples
are in the order of declaration unless stated otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Literal

from ctrlgen.findings import Finding, Location


@dataclass(frozen=True, slots=True, order=True)
class Imported:
    """A name that can be imported by ``from module import name``. Nested classes are qualified (``Outer.Inner``)."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Annotation:
    """A Python type as pieces of source, with its imported names in their places.

    ``dict[str, Any]`` is ``("dict[str, ", Imported("typing", "Any"), "]")``. Builtins are plain text.
    """

    pieces: tuple[str | Imported, ...]


Kind = Literal[
    "bool", "int", "float", "decimal", "str", "bytes", "uuid", "enum",
    "datetime", "naive_datetime", "date", "time", "timedelta", "array", "json", "other",
]  # fmt: skip
"""The kind of the values of a column, which determines test values and comparisons."""

Comparison = Literal["ordered", "equal", "none"]
"""The comparisons of a column: ``ordered``: ``=``, ``<`` and ``>``; ``equal``: only ``=``; ``none``: none (json)."""

UnfitKind = Literal["naive", "local", "aware"]
"""The problem with a default of a datetime column, see :class:`UnfitDefault`."""

Presence = Literal["required", "optional", "computed"]
"""Whether a new row requires the value, may omit it, or must not set it."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The constraints on a value, from ``Field`` and the column type."""

    minimum: str | None = None  # ge, as a Python literal
    above: str | None = None  # gt
    maximum: str | None = None  # le
    below: str | None = None  # lt
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    decimal_places: int | None = None
    multiple_of: str | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """A value as pieces of Python source, with its imported names in their places.

    ``varies`` tells whether it uses the counter ``next(numbers)``, and so differs each time.
    """

    pieces: tuple[str | Imported, ...]
    varies: bool = False

    def source(self, name: Callable[[Imported], str]) -> str:
        """Return the source, with ``name`` returning the names of imports."""
        return "".join(piece if isinstance(piece, str) else name(piece) for piece in self.pieces)


NULL = Value(("None",))


@dataclass(frozen=True, slots=True)
class Samples:
    """Values for tests that the column accepts; None if no candidate was accepted.

    ``new`` is for new rows: a different value each time, if the column allows it. ``fixed`` is the same each time.
    ``changed`` is a value that rows have only if it is set, and that is read back unchanged. ``needed`` tells whether
    tests must set a value that new rows may omit, because a constraint rejects the default. ``settled`` tells whether a
    CHECK constraint on several columns determines the value.
    """

    new: Value | None = None
    fixed: Value | None = None
    changed: Value | None = None
    needed: bool = False
    settled: bool = False


@dataclass(frozen=True, slots=True)
class UnfitDefault:
    """A Python default with a time zone where its column has none, or the reverse.

    A column with time zone either rejects a naive datetime (``naive``), or reads it as local time (``local``).
    """

    what: Literal["default", "onupdate"]
    problem: UnfitKind

    @property
    def is_rejected(self) -> bool:
        """Whether every statement that uses it fails."""
        return self.problem != "local"


@dataclass(frozen=True, slots=True)
class Column:
    """A mapped column. ``annotation`` is the declared type without ``None``, which ``nullable`` represents."""

    attribute: str
    name: str
    annotation: Annotation
    nullable: bool
    presence: Presence
    comparison: Comparison
    kind: Kind
    bounds: Bounds
    enum_member: str | None  # the name of an enum member, for test values
    location: Location
    optional: bool = False  # whether the annotation includes None, which the column may reject
    default: str | None = None  # a constant default, as a Python literal; for an enum, the name of a member
    unfit_default: UnfitDefault | None = None
    omitted: bool = False  # whether a default of None means that the column or the database sets the value
    exact: bool = False  # whether Python and PostgreSQL agree on the equality of its values, also as JSON
    samples: Samples = Samples()

    @property
    def is_required(self) -> bool:
        """Whether a new row requires the value."""
        return self.presence == "required"

    @property
    def is_null_by_default(self) -> bool:
        """Whether new rows of the tests have NULL there: by default, or because a CHECK constraint requires it."""
        return self.default == "None" or self.samples.new == NULL

    @property
    def is_computed(self) -> bool:
        """Whether the database computes the value, and it cannot be set."""
        return self.presence == "computed"

    def value_for(self, condition: Condition) -> Value | None:
        """Return the value that satisfies a condition on the column; for an enum, the member."""
        constant = condition.value or ""
        if condition.test != "=":
            return NULL if condition.test == "is null" else self.samples.fixed
        match self.kind:
            case "enum":
                enum = next((piece for piece in self.annotation.pieces if isinstance(piece, Imported)), None)
                member = constant.strip("'\"")
                return Value((enum, f".{member}")) if enum else None
            case "uuid":
                return Value((Imported("uuid", "UUID"), f"({constant})"))
            case "decimal":
                return Value((Imported("decimal", "Decimal"), f'("{constant}")'))
            case _:
                return Value((constant,))


@dataclass(frozen=True, slots=True)
class ColumnPart:
    """A column in a key or index."""

    attribute: str

    @property
    def name(self) -> str:
        """The name in methods and filters."""
        return self.attribute


@dataclass(frozen=True, slots=True)
class ExpressionPart:
    """An expression in an index.

    ``name`` is the name in methods and filters (``lower_name``), or None if its SQL suggests none. ``sql`` is the
    expression without the order. ``inputs`` are the attributes of the columns that it is computed from; empty if
    unknown.
    """

    name: str | None
    sql: str
    annotation: Annotation
    comparison: Comparison
    inputs: tuple[str, ...] = ()


Part = ColumnPart | ExpressionPart


@dataclass(frozen=True, slots=True)
class Condition:
    """One parsed conjunct of the predicate of a partial index: the column equals a constant, or is (not) NULL."""

    attribute: str
    test: Literal["=", "is null", "is not null"]
    value: str | None = None  # the constant as a Python literal, for "="


@dataclass(frozen=True, slots=True)
class Predicate:
    """The WHERE of a partial index, parsed once.

    ``conditions`` are joined by AND; None if any part of the SQL could not be parsed.
    """

    sql: str
    conditions: tuple[Condition, ...] | None

    @property
    def is_settled(self) -> bool:
        """Whether it is parsed, and has only one condition on each column."""
        return self.conditions is not None and len({condition.attribute for condition in self.conditions}) == len(
            self.conditions
        )

    @property
    def implied_values(self) -> tuple[Condition, ...]:
        """The conditions that determine the value of a column, including NULL."""
        return tuple(condition for condition in self.conditions or () if condition.test != "is not null")

    @property
    def present(self) -> tuple[str, ...]:
        """The columns that it requires to be not NULL."""
        return tuple(condition.attribute for condition in self.conditions or () if condition.test == "is not null")

    @property
    def null(self) -> frozenset[str]:
        """The columns that it requires to be NULL."""
        return frozenset(condition.attribute for condition in self.conditions or () if condition.test == "is null")

    def holds_where_present(self, columns: Collection[str]) -> bool:
        """Return whether it holds for every row with values in these columns, and excludes only their NULLs."""
        return self.conditions is not None and not self.implied_values and set(self.present) <= set(columns)


Companions = tuple[tuple[str, Value], ...] | None
"""Values of further columns, by attribute."""

Origin = Literal["primary key", "unique constraint", "unique index", "index"]


@dataclass(frozen=True, slots=True)
class Index:
    """An access path of the table: primary key, unique constraint or index. ``name`` is the name in the database."""

    name: str | None
    origin: Origin
    parts: tuple[Part, ...]
    predicate: Predicate | None
    nulls_not_distinct: bool
    method: str  # "btree", "gin", "gist", "hash", ...
    location: Location
    deferrable: bool = False  # not accepted by ON CONFLICT
    enforced: bool = True  # whether the database enforces it; the key of a view is known only to the mapper
    companions: Companions = ()  # operator class and order of each part; empty if all are the defaults
    orders: tuple[str, ...] = ()  # operator class and order of each part; empty if all are defaults
    included: tuple[str, ...] = ()  # the included columns (INCLUDE), by name in the database
    unknown_columns: tuple[str, ...] = ()  # names in its SQL that are not columns of the table
    constants: tuple[str, ...] = ()  # SQL of expressions, or of the predicate, that does not refer to a column

    @property
    def unique(self) -> bool:
        """Whether no two rows can agree in all parts (within the predicate, for a partial index)."""
        return self.origin != "index"

    @property
    def columns(self) -> tuple[str, ...]:
        """The attributes of the parts that are columns."""
        return columns_of(self.parts)

    @property
    def expressions(self) -> tuple[ExpressionPart, ...]:
        """The parts that are expressions."""
        return tuple(part for part in self.parts if isinstance(part, ExpressionPart))

    @property
    def is_of_columns(self) -> bool:
        """Whether every part is a column."""
        return len(self.columns) == len(self.parts)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parts; empty if one of them has no name."""
        return names_of(self.parts)

    @property
    def ordered_parts(self) -> tuple[tuple[Part, str], ...]:
        """The parts, each with its operator class and order."""
        return tuple(zip(self.parts, chain(self.orders, repeat("")), strict=False))

    @property
    def is_comparable(self) -> bool:
        """Whether the index supports comparisons of its parts, as B-tree and hash indexes do."""
        return self.method in {"btree", "hash"}

    def holds_all_rows_with(self, parts: Iterable[Part]) -> bool:
        """Return whether every row with values in these parts is in the index, so that it excludes only NULLs."""
        return self.predicate is None or self.predicate.holds_where_present(columns_of(parts))


@dataclass(frozen=True, slots=True)
class Partitioning:
    """The PARTITION BY of a table, ``LIST (guild_id)``: its columns by attribute, and its expressions as SQL."""

    sql: str
    columns: tuple[str, ...] = ()
    expressions: tuple[str, ...] = ()
    unknown_columns: tuple[str, ...] = ()  # names that are not columns of the table


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns of this table that reference columns of ``target``, which is None if its class is not mapped."""

    attributes: tuple[str, ...]
    target: Imported | None
    target_attributes: tuple[str, ...]
    location: Location
    target_table: str = ""  # the name in the database, qualified with its schema if it has one
    on_delete: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key between two tables, mapped or not, with an action on its own rows, by names in the database.

    ``on_delete`` and ``on_update`` are the actions when the referenced row is deleted, or its columns are updated.
    """

    parent: str
    parent_columns: tuple[str, ...]
    child: str
    child_columns: tuple[str, ...]
    on_delete: Literal["delete", "update"] | None
    on_update: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """A relationship: the attribute, the target, and whether it is a list."""

    attribute: str
    target: Imported
    many: bool
    optional: bool  # for a scalar: whether it may be None
    location: Location
    by_columns: bool = (
        True  # whether related rows are found by comparing columns; otherwise only SQLAlchemy can load them
    )
    linked: bool = False  # whether the objects are linked by a table that has only the two keys
    attributes: tuple[str, ...] = ()  # the columns of the model by which it is joined
    link_table: str | None = None  # the secondary table of a many-to-many relationship, with its schema
    pairs: tuple[tuple[str, str], ...] = ()  # attributes of both sides that are equal, directly or in the link table
    crosses_tenants: bool = False  # whether its statement reads other tenants than those of its objects


@dataclass(frozen=True, slots=True)
class Model:
    """A mapped class. ``indexes`` begins with the primary key; the others are sorted by name."""

    reference: Imported
    table: str
    columns: tuple[Column, ...]
    indexes: tuple[Index, ...]
    foreign_keys: tuple[ForeignKey, ...]
    relations: tuple[Relation, ...]
    location: Location
    plain: bool = True  # whether instances consist only of a row; otherwise only SQLAlchemy can create them
    unsettled_checks: tuple[str, ...] = ()  # the CHECK constraints for which no satisfying samples are known
    schema: str | None = None  # the schema of the table
    partitioning: Partitioning | None = None
    tenant: str | None = None  # the column of the setting `tenant`, if the model has it and every call requires it

    @property
    def full_table(self) -> str:
        """The table's name, with its schema."""
        return f"{self.schema}.{self.table}" if self.schema else self.table

    @property
    def primary_key(self) -> Index:
        """The primary key, which every mapped class has."""
        return self.indexes[0]

    def column(self, attribute: str) -> Column:
        """Return the column with this attribute."""
        return next(column for column in self.columns if column.attribute == attribute)


@dataclass(frozen=True, slots=True)
class Schema:
    """All models, sorted by module and name.

    ``incomplete`` is the reason why models may be missing: a module that cannot be imported.
    """

    models: tuple[Model, ...]
    findings: tuple[Finding, ...] = ()
    incomplete: Finding | None = None
    references: tuple[Reference, ...] = ()  # all foreign keys with an action, of any table


def columns_of(parts: Iterable[Part]) -> tuple[str, ...]:
    """Return the attributes of the parts that are columns."""
    return tuple(part.attribute for part in parts if isinstance(part, ColumnPart))


def inputs_of(part: Part) -> tuple[str, ...]:
    """Return the attributes of the columns that a part depends on; empty if unknown."""
    return (part.attribute,) if isinstance(part, ColumnPart) else part.inputs


def names_of(parts: Iterable[Part]) -> tuple[str, ...]:
    """Return the names of the parts; empty if one of them has no name."""
    names = [part.name for part in parts]
    return tuple(name for name in names if name is not None) if None not in names else ()
