"""What the models say: the frozen data that ``inspect`` produces and ``plan`` reads.

Nothing here knows SQLAlchemy. A column is called by its *attribute* everywhere; ``name`` is what the
database calls it. Tuples keep the order of declaration unless stated otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Literal

from ctrlgen.finding import Finding, Location


@dataclass(frozen=True, slots=True, order=True)
class Imported:
    """A name to be had by ``from module import name``; nested classes keep their dots (``Outer.Inner``)."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Annotation:
    """A Python type as source text in pieces, with the names it imports in their places.

    ``dict[str, Any]`` is ``("dict[str, ", Imported("typing", "Any"), "]")``. Builtins are plain text.
    """

    pieces: tuple[str | Imported, ...]


Kind = Literal[
    "bool", "int", "float", "decimal", "str", "bytes", "uuid", "enum",
    "datetime", "naive_datetime", "date", "time", "timedelta", "array", "json", "other",
]  # fmt: skip
"""What sort of value a column holds: what test values and comparisons are chosen by."""

Comparison = Literal["ordered", "equal", "none"]
"""``ordered``: ``=``, ``<`` and ``>`` make sense; ``equal``: only ``=``; ``none``: not even that (json)."""

Presence = Literal["required", "optional", "computed"]
"""Whether a new row needs the value, may leave it out, or must not set it."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The constraints a value must meet, from ``Field`` and the column type."""

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
    """A value as Python source, with the names it imports in their places.

    ``varies`` tells that it counts with ``next(numbers)``, and so differs each time.
    """

    pieces: tuple[str | Imported, ...]
    varies: bool = False

    def source(self, name: Callable[[Imported], str]) -> str:
        """Return the source in a module that calls what it imports by ``name``."""
        return "".join(piece if isinstance(piece, str) else name(piece) for piece in self.pieces)


NULL = Value(("None",))


@dataclass(frozen=True, slots=True)
class Samples:
    """Values for tests, which the column accepts; None where no candidate was accepted.

    ``new`` is for new rows: another value each time, where the column takes so many. ``fixed`` is the same each time.
    ``changed`` is a value that rows do not have unless it was set, and that is read as it was written. ``needed`` tells
    that tests must set a value although new rows may leave it out: a constraint refuses the default. ``settled`` tells
    that a CHECK constraint of several columns decides whether there is a value, and which.
    """

    new: Value | None = None
    fixed: Value | None = None
    changed: Value | None = None
    needed: bool = False
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A mapped column. ``annotation`` is the author's type without ``None``, which ``nullable`` stands for."""

    attribute: str
    name: str
    annotation: Annotation
    nullable: bool
    presence: Presence
    comparison: Comparison
    kind: Kind
    bounds: Bounds
    enum_member: str | None  # a member's name, for test values
    location: Location
    optional: bool = False  # whether the author's annotation has None, which the column may refuse
    default: str | None = None  # a constant default, as a Python literal; of an enum, a member's name
    unfit_default: tuple[str, str] | None = None  # "default" or "onupdate", and whether that is "naive" or "aware"
    omitted: bool = False  # whether the model's default of None stands for what the column or the database sets
    exact: bool = False  # whether Python knows as well as PostgreSQL which of its values are equal, as JSON too
    samples: Samples = Samples()

    @property
    def is_required(self) -> bool:
        """Whether a new row needs the value."""
        return self.presence == "required"

    @property
    def is_null_by_default(self) -> bool:
        """Whether new rows of the tests have NULL there: by default, or because a CHECK constraint asks for it."""
        return self.default == "None" or self.samples.new == NULL

    @property
    def is_computed(self) -> bool:
        """Whether the database computes it, and nobody may set it."""
        return self.presence == "computed"

    def value_for(self, condition: Condition) -> Value | None:
        """Return a value for which a condition on the column holds; of an enum, its member."""
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
        """What methods and filters call it."""
        return self.attribute


@dataclass(frozen=True, slots=True)
class ExpressionPart:
    """An expression in an index.

    ``name`` is what methods and filters call it (``lower_name``), or None where its SQL suggests nothing; ``sql`` is
    the expression alone, without the index's order. ``inputs`` are the attributes of the columns that it is computed
    from; empty where that is not known.
    """

    name: str | None
    sql: str
    annotation: Annotation
    comparison: Comparison
    inputs: tuple[str, ...] = ()


Part = ColumnPart | ExpressionPart


@dataclass(frozen=True, slots=True)
class Condition:
    """One understood conjunct of a partial index's predicate: the column equals a constant, or is (not) NULL."""

    attribute: str
    test: Literal["=", "is null", "is not null"]
    value: str | None = None  # the constant as a Python literal, for "="


@dataclass(frozen=True, slots=True)
class Predicate:
    """The WHERE of a partial index, parsed once.

    ``conditions`` are joined by AND; None where some part of the SQL was not understood.
    """

    sql: str
    conditions: tuple[Condition, ...] | None

    @property
    def is_settled(self) -> bool:
        """Whether it is understood, and says one thing only of each column."""
        return self.conditions is not None and len({each.attribute for each in self.conditions}) == len(self.conditions)

    @property
    def implied_values(self) -> tuple[Condition, ...]:
        """The conditions that give a row its value for a column, be it NULL."""
        return tuple(each for each in self.conditions or () if each.test != "is not null")

    @property
    def present(self) -> tuple[str, ...]:
        """The columns that it says are not NULL."""
        return tuple(each.attribute for each in self.conditions or () if each.test == "is not null")

    @property
    def null(self) -> frozenset[str]:
        """The columns that it says are NULL."""
        return frozenset(each.attribute for each in self.conditions or () if each.test == "is null")

    def holds_where_present(self, columns: Collection[str]) -> bool:
        """Whether it holds for every row with values in these columns: it only leaves out NULLs of theirs."""
        return self.conditions is not None and not self.implied_values and set(self.present) <= set(columns)


Companions = tuple[tuple[str, Value], ...] | None
"""Values of further columns, by attribute."""

Origin = Literal["primary key", "unique constraint", "unique index", "index"]


@dataclass(frozen=True, slots=True)
class Index:
    """An access path of the table: primary key, unique constraint or index. ``name`` is the database's."""

    name: str | None
    origin: Origin
    parts: tuple[Part, ...]
    predicate: Predicate | None
    nulls_not_distinct: bool
    method: str  # "btree", "gin", "gist", "hash", ...
    location: Location
    deferrable: bool = False  # which ON CONFLICT does not take
    enforced: bool = True  # by the database; the key of a view is one to the mapper alone
    companions: Companions = ()  # what CHECK constraints ask of a row that it finds; None where no row can be
    orders: tuple[str, ...] = ()  # of each part its operator class and order, empty by default; so are all if empty
    included: tuple[str, ...] = ()  # the columns it only stores (INCLUDE), by the database's name
    unknown_columns: tuple[str, ...] = ()  # what its SQL names and the table lacks
    constants: tuple[str, ...] = ()  # SQL of expressions, or of the predicate, that names no column

    @property
    def unique(self) -> bool:
        """Whether two rows cannot agree in all parts (inside the predicate, for a partial one)."""
        return self.origin != "index"

    @property
    def columns(self) -> tuple[str, ...]:
        """The attributes of those parts that are columns."""
        return columns_of(self.parts)

    @property
    def expressions(self) -> tuple[ExpressionPart, ...]:
        """Those parts that are expressions."""
        return tuple(part for part in self.parts if isinstance(part, ExpressionPart))

    @property
    def is_of_columns(self) -> bool:
        """Whether every part is a column."""
        return len(self.columns) == len(self.parts)

    @property
    def names(self) -> tuple[str, ...]:
        """What the parts are called; empty where one of them has no name."""
        return names_of(self.parts)

    @property
    def ordered_parts(self) -> tuple[tuple[Part, str], ...]:
        """The parts, each with its operator class and order."""
        return tuple(zip(self.parts, chain(self.orders, repeat("")), strict=False))

    @property
    def is_comparable(self) -> bool:
        """Whether the index answers comparisons of its parts, as a B-tree and a hash do."""
        return self.method in {"btree", "hash"}

    def holds_all_rows_with(self, parts: Iterable[Part]) -> bool:
        """Whether every row with values in these parts is in the index: it is full, or leaves out NULLs of theirs."""
        return self.predicate is None or self.predicate.holds_where_present(columns_of(parts))


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns of this table that point at columns of ``target``; None where its class is not mapped."""

    attributes: tuple[str, ...]
    target: Imported | None
    target_attributes: tuple[str, ...]
    location: Location
    target_table: str = ""  # the database's name, with its schema if it has one
    on_delete: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key between two tables, mapped or not, by the database's names, that does something to its own rows.

    ``on_delete`` and ``on_update`` are what it does when the row that they refer to goes, or its columns change.
    """

    parent: str
    parent_columns: tuple[str, ...]
    child: str
    child_columns: tuple[str, ...]
    on_delete: Literal["delete", "update"] | None
    on_update: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """A relationship: the attribute, what it points at, and whether it holds a list."""

    attribute: str
    target: Imported
    many: bool
    optional: bool  # of a single object: may it be None
    location: Location
    by_columns: bool = True  # whether it is found by comparing columns; else only SQLAlchemy knows how to load it
    linked: bool = False  # whether rows of a table that has nothing but the two keys link the objects
    attributes: tuple[str, ...] = ()  # the columns of its own model that it is found by
    link_table: str | None = None  # of a many-to-many relationship, with its schema


@dataclass(frozen=True, slots=True)
class Model:
    """A mapped class. ``indexes`` begins with the primary key; the rest is sorted by name."""

    reference: Imported
    table: str
    columns: tuple[Column, ...]
    indexes: tuple[Index, ...]
    foreign_keys: tuple[ForeignKey, ...]
    relations: tuple[Relation, ...]
    location: Location
    plain: bool = True  # whether a row is all there is to an object; else only SQLAlchemy can make one
    unsettled_checks: tuple[str, ...] = ()  # the CHECK constraints that no samples are known to satisfy
    schema: str | None = None  # of the table

    @property
    def full_table(self) -> str:
        """The table's name, with its schema."""
        return f"{self.schema}.{self.table}" if self.schema else self.table

    @property
    def primary_key(self) -> Index:
        """The access path every mapped class has."""
        return self.indexes[0]

    def column(self, attribute: str) -> Column:
        """Return the column called ``attribute``."""
        return next(column for column in self.columns if column.attribute == attribute)


@dataclass(frozen=True, slots=True)
class Schema:
    """All models, sorted by module and name.

    ``incomplete`` is the reason why models may be missing: a module of theirs could not be imported.
    """

    models: tuple[Model, ...]
    findings: tuple[Finding, ...] = ()
    incomplete: Finding | None = None
    references: tuple[Reference, ...] = ()  # every foreign key with an action, of whatever table


def columns_of(parts: Iterable[Part]) -> tuple[str, ...]:
    """Return the attributes of those parts that are columns."""
    return tuple(part.attribute for part in parts if isinstance(part, ColumnPart))


def inputs_of(part: Part) -> tuple[str, ...]:
    """Return the attributes of the columns that decide what a part is; nothing where they are not known."""
    return (part.attribute,) if isinstance(part, ColumnPart) else part.inputs


def names_of(parts: Iterable[Part]) -> tuple[str, ...]:
    """Return what the parts are called; nothing where one of them has no name."""
    names = [part.name for part in parts]
    return tuple(name for name in names if name is not None) if None not in names else ()
