"""Builds small schemas by hand, so that a test shows only what it tests."""

from __future__ import annotations

from ctrlgen.blueprint import Controller
from ctrlgen.findings import Location
from ctrlgen.inspect.sample_candidates import changed_values, fixed_values, new_values
from ctrlgen.plan import plan_controller
from ctrlgen.schema import (
    Annotation,
    Bounds,
    Column,
    ColumnPart,
    Comparison,
    Condition,
    ExpressionPart,
    ForeignKey,
    Imported,
    Index,
    Kind,
    Model,
    Origin,
    Part,
    Predicate,
    Presence,
    Relation,
    Samples,
)

HERE = Location("models.py", 1)
NO_BOUNDS = Bounds()


def column(
    attribute: str,
    type_: str = "int",
    *,
    kind: Kind = "int",
    nullable: bool = False,
    presence: Presence = "required",
    comparison: Comparison = "ordered",
    line: int = 1,
    optional: bool = False,
    default: str | None = None,
    omitted: bool = False,
    bounds: Bounds = NO_BOUNDS,
) -> Column:
    """Return a column of this type, by default an int."""
    return Column(
        attribute=attribute,
        name=attribute,
        annotation=Annotation((type_,)),
        nullable=nullable,
        presence=presence,
        comparison=comparison,
        kind=kind,
        bounds=bounds,
        enum_member=None,
        location=Location("models.py", line),
        optional=optional,
        default=default,
        omitted=omitted,
        samples=samples(kind, attribute, bounds),
    )


def samples(kind: Kind, attribute: str, bounds: Bounds) -> Samples:
    """Return the samples for a field of this kind with these bounds and without validators."""
    fixed = next(fixed_values(kind, bounds), None)
    new = next(new_values(kind, bounds, attribute.replace("_", " ")), fixed)
    return Samples(new, fixed, next(changed_values(kind, bounds), None))


def index(
    *parts: str | Part,
    name: str | None = None,
    origin: Origin = "index",
    where: str | None = None,
    conditions: tuple[Condition, ...] | None = None,
    nulls_not_distinct: bool = False,
    method: str = "btree",
    deferrable: bool = False,
) -> Index:
    """An index over these columns or expressions; partial with ``where``."""
    return Index(
        name=name,
        origin=origin,
        parts=tuple(ColumnPart(part) if isinstance(part, str) else part for part in parts),
        predicate=Predicate(where, conditions) if where else None,
        nulls_not_distinct=nulls_not_distinct,
        method=method,
        location=HERE,
        deferrable=deferrable,
    )


def unique(*parts: str | Part, name: str = "uq", **options: object) -> Index:
    """A unique index."""
    return index(*parts, name=name, origin="unique index", **options)  # type: ignore[arg-type]  # passed on as given


def expression(name: str | None, sql: str = "lower(name)", inputs: tuple[str, ...] = ("name",)) -> ExpressionPart:
    """An expression in an index."""
    return ExpressionPart(name, sql, Annotation(("str",)), "ordered", inputs)


def relation(
    attribute: str,
    target: str = "Other",
    *,
    many: bool = True,
    by_columns: bool = True,
    linked: bool = False,
    attributes: tuple[str, ...] = (),
) -> Relation:
    """Return a relationship that is joined by these attributes of its model."""
    target_class = Imported("models", target)
    return Relation(attribute, target_class, many, False, HERE, by_columns, linked, attributes)


def model(
    name: str,
    *columns: Column,
    primary_key: tuple[str, ...] = ("id",),
    indexes: tuple[Index, ...] = (),
    foreign_keys: tuple[ForeignKey, ...] = (),
    relations: tuple[Relation, ...] = (),
    table: str | None = None,
    line: int = 1,
) -> Model:
    """Return a model, by default with a generated ``id`` as its key."""
    own = (column("id", presence="optional", optional=True),) if primary_key == ("id",) else ()
    return Model(
        reference=Imported("models", name),
        table=table or name.lower(),
        columns=(*own, *columns),
        indexes=(index(*primary_key, origin="primary key", name="pk"), *indexes),
        foreign_keys=foreign_keys,
        relations=relations,
        location=Location("models.py", line),
    )


def method_names(model: Model) -> list[str]:
    """Return the methods of the model's controller that not every controller has."""
    return [method.name for method in plan_controller(model).methods]


def controller(model: Model) -> Controller:
    """The model's controller."""
    return plan_controller(model)
