"""The plan of the package: the frozen data that ``plan`` produces, and that ``render`` and ``stubs`` read.

It contains every decision: names, methods, parameters, the wording of docstrings. Templates only print it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ctrlgen.findings import Finding
from ctrlgen.schema import (
    Annotation,
    Column,
    Comparison,
    Condition,
    ExpressionPart,
    Imported,
    Index,
    Model,
    Relation,
)

RUNTIME_NAMES = {
    "contracts": ("AnyOf", "Filters", "OrderBy", "Page", "PaginationResult", "Settable", "Span"),
    "controller": ("BaseController",),
    "errors": (
        "CheckViolation",
        "ConflictError",
        "ConstraintError",
        "DatabaseError",
        "ExclusionViolation",
        "ForeignKeyViolation",
        "InvalidCursorError",
        "InvalidValueError",
        "MultipleFoundError",
        "NotFoundError",
        "NotNullViolation",
        "NotStoredError",
        "PartitionViolation",
        "RefusedError",
        "TimedOutError",
        "TransactionError",
        "UniqueViolation",
        "UnloadedError",
        "UnreachableError",
        "UnreadableRowError",
        "ValidationError",
    ),
    "selection": ("Selection",),
    "service": ("DatabaseService",),
}
"""The names that the package re-exports from each module of its runtime."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a TypedDict: ``key: annotation``, with a wrapper for the accepted values.

    ``wrapper`` is a generic alias of the runtime: ``Settable`` in an update, ``Ordered`` or ``Equal`` in a
    filter, None for the plain type.
    """

    key: str
    annotation: Annotation
    nullable: bool
    wrapper: Literal["Settable", "Ordered", "Equal"] | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter for one part of a key: its name in Python, and its key in ``Where``."""

    name: str
    key: str
    annotation: Annotation
    nullable: bool
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Method:
    """A method derived from a key, an index or a relationship.

    ``kind`` selects its template, ``methods/<kind>.jinja``. ``within`` is the name of the partial index whose predicate
    the method includes. ``index`` is the index that backs the method (None for a loader), ``relation`` the relationship
    that a loader loads.
    """

    kind: str
    name: str
    doc: str
    parameters: tuple[Parameter, ...] = ()
    within: str | None = None
    index: Index | None = None
    relation: Relation | None = None

    @property
    def accepts_null(self) -> bool:
        """Whether None is a valid key, which finds the row with NULL."""
        return any(parameter.nullable for parameter in self.parameters)

    @property
    def keys(self) -> tuple[str, ...]:
        """The ``Where`` keys of the parameters."""
        return tuple(parameter.key for parameter in self.parameters)


@dataclass(frozen=True, slots=True)
class Partial:
    """A partial index that a method is ``within``: its predicate as SQL, and the conditions on columns.

    ``implied_values`` are the conditions that determine a value, ``present`` the attributes that are not NULL, and
    ``keys`` the names of the parts of a unique index, if all have a name.
    """

    name: str
    where: str
    implied_values: tuple[Condition, ...] = ()
    present: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts about a model that the runtime needs, as in its class ``Facts``."""

    required: tuple[str, ...] = ()
    computed: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    expressions: tuple[ExpressionPart, ...] = ()
    partial: tuple[Partial, ...] = ()
    utc: bool = False


@dataclass(frozen=True, slots=True)
class AbsentMethods:
    """Methods that are not emitted, and the reason. ``{}`` in the reason is replaced by the column of a finder."""

    reason: str
    names: tuple[str, ...]

    def reason_for(self, name: str) -> str:
        """Return the reason for one method, as the runtime formats it."""
        return self.reason.replace("{}", name.removeprefix("find_by_"))


@dataclass(frozen=True, slots=True)
class Cached:
    """The cache settings of a model, as in the runtime's ``Cached``. ``ttl`` and ``size`` are the limits."""

    ttl: float
    size: int
    keys: tuple[tuple[str, ...], ...] = ()
    finders: tuple[str, ...] = ()
    exact: tuple[tuple[str, ...], ...] = ()
    returned: tuple[str, ...] = ()
    uuids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Effects:
    """The cached models that writes to a model's table affect beyond its own rows, as in the runtime's ``Effects``.

    ``update`` maps columns to models, ``links`` relationships to models.
    """

    any: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()
    update: tuple[tuple[str, tuple[str, ...]], ...] = ()
    links: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.any or self.delete or self.update or self.links)


NO_EFFECTS = Effects()


@dataclass(frozen=True, slots=True)
class NestedRelation:
    """A relationship of related objects: ``cases.guild`` loads the guild of each case."""

    path: str
    by_columns: bool


@dataclass(frozen=True, slots=True)
class Controller:
    """One emitted module: ``<module>.py`` with class ``<stem>Controller``, available as ``db.<module>``."""

    model: Model
    stem: str  # "GuildConfig": the prefix of class names
    module: str  # "guild_config": the module, and the attribute of `Database`
    own: str | None  # the project's own controller, "app.users:Users", used by `Database` instead of this one
    values_name: str  # the TypedDict of a new row without its primary key
    create_name: str  # the TypedDict of a new row
    update_name: str  # the TypedDict of changed values
    create: tuple[Entry, ...]
    update: tuple[Entry, ...]
    where: tuple[Entry, ...]
    facts: Facts
    columns: tuple[Column, ...]
    relations: tuple[Relation, ...]
    methods: tuple[Method, ...]
    nested: tuple[NestedRelation, ...] = ()
    absent: tuple[AbsentMethods, ...] = ()
    cached: Cached | None = None
    effects: Effects = NO_EFFECTS

    @property
    def is_watched(self) -> bool:
        """Whether its writes affect a cached model."""
        return self.cached is not None or bool(self.effects)

    @property
    def loadable(self) -> tuple[str, ...]:
        """The relationships that ``load`` accepts."""
        return (*(relation.attribute for relation in self.relations), *(nested.path for nested in self.nested))

    @property
    def class_name(self) -> str:
        """The name of the controller class."""
        return f"{self.stem}Controller"

    @property
    def where_name(self) -> str:
        """The name of the TypedDict of filters."""
        return f"{self.stem}Where"

    @property
    def load_name(self) -> str:
        """The name of the Literal of relationship names."""
        return f"{self.stem}Load"

    @property
    def columns_name(self) -> str:
        """The name of the class of typed columns."""
        return f"{self.stem}Columns"

    @property
    def names(self) -> frozenset[str]:
        """The public names of the module."""
        typed = (self.values_name, self.create_name, self.update_name, self.where_name, self.load_name)
        return frozenset({self.class_name, *typed})

    @property
    def in_facade(self) -> Imported:
        """The class of the attribute of `Database`."""
        module, _, name = (self.own or f".{self.module}:{self.class_name}").partition(":")
        return Imported(module, name)

    @property
    def primary_key(self) -> tuple[Column, ...]:
        """The columns of the primary key."""
        return tuple(map(self.model.column, self.model.primary_key.columns))


@dataclass(frozen=True, slots=True)
class Package:
    """The generated package: its controllers, sorted by module name, and the findings."""

    name: str  # the import name: "generated"
    controllers: tuple[Controller, ...]
    findings: tuple[Finding, ...]
    cache_sync: bool = False  # whether processes notify each other of their writes

    @property
    def cached(self) -> dict[str, Cached]:
        """The cached models, by their attributes of `Database`."""
        return {controller.module: controller.cached for controller in self.controllers if controller.cached}

    @property
    def channel(self) -> str:
        """The notification channel of the caches. PostgreSQL allows 63 characters."""
        return f"{self.name.replace('.', '_')}_cache"[-63:] if self.cache_sync and self.cached else ""

    @property
    def runtime_names(self) -> dict[str, tuple[str, ...]]:
        """The names that it re-exports from each module of its runtime."""
        return RUNTIME_NAMES | ({"cache": ("CacheInfo",)} if self.cached else {})

    @property
    def names(self) -> frozenset[str]:
        """The public names of the package."""
        of_runtime = (name for names in self.runtime_names.values() for name in names)
        return frozenset({"Database", *of_runtime, *(controller.class_name for controller in self.controllers)})
