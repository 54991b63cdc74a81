"""Turns mapped classes into the ``Schema``, one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import FunctionType
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy
from sqlalchemy import CheckConstraint, Column, Table
from sqlalchemy.orm import Mapper
from sqlmodel import SQLModel

from ctrlgen import schema
from ctrlgen.errors import did_you_mean
from ctrlgen.findings import INHERITED_TABLE, UNKNOWN_VALIDATED, UNREADABLE, UNRUN_HOOKS
from ctrlgen.inspect.annotations import reference
from ctrlgen.inspect.column_types import labels_of, overrides
from ctrlgen.inspect.columns import columns_of, declared_type, mapped_columns
from ctrlgen.inspect.indexes import Owner, indexes_of
from ctrlgen.inspect.mappers import configure
from ctrlgen.inspect.partitions import partitioning_of
from ctrlgen.inspect.predicates import Subject
from ctrlgen.inspect.relationships import Classes, foreign_keys_of, is_plain, references_of, relations_of
from ctrlgen.inspect.samples import Sampler
from ctrlgen.schema import Model, Schema
from ctrlgen.source_locations import Context, Sources

if TYPE_CHECKING:
    from ctrlgen.inspect.check_constraints import Check

_WRITE_EVENTS = tuple(f"{when}_{what}" for what in ("insert", "update", "delete") for when in ("before", "after"))


def inspect(classes: Iterable[type[SQLModel]], sources: Sources, *, with_samples: bool = True) -> Schema:
    """Return the schema of the mapped classes; the samples of columns are needed only for test stubs.

    Raises
    ------
    ModelError
        If their relationships cannot be resolved.
    """
    mappers = sorted((_mapper(cls) for cls in classes), key=_order)
    context = Context(sources, with_samples=with_samples)
    configure(mappers, sources)
    tables = _tables(mappers)
    models = tuple(filter(None, (_attempt(mapper, tables, context) for mapper in mappers)))
    references = references_of({id(table): table for table in _declared(tables)}.values())
    return Schema(models, tuple(sorted(context.findings)), references=references)


def _mapper(cls: type[SQLModel]) -> Mapper[Any]:
    return sqlalchemy.inspect(cls)


def _order(mapper: Mapper[Any]) -> tuple[str, str]:
    return mapper.class_.__module__, mapper.class_.__qualname__


def _tables(mappers: Iterable[Mapper[Any]]) -> Classes:
    """Return the mappers in the registries of the models by table, with base mappers preferred."""
    every = {other for mapper in mappers for other in mapper.registry.mappers}
    by_table: dict[Table, Mapper[Any]] = {}
    for mapper in sorted(every, key=lambda mapper: (mapper.inherits is not None, _order(mapper))):
        by_table.setdefault(_table(mapper), mapper)
    return by_table


def _declared(mapped: Iterable[Table]) -> Iterator[Table]:
    """Yield the tables, mapped or not, in the metadata of the models."""
    for metadata in {id(table.metadata): table.metadata for table in mapped}.values():
        yield from metadata.tables.values()


def _table(mapper: Mapper[Any]) -> Table:
    """Return the table that the class is mapped to."""
    table = cast("object", mapper.local_table)
    assert isinstance(table, Table), table
    return cast("Table", table)


def _checks(table: Table, attributes: dict[str, str]) -> list[Check]:
    """Return the CHECK constraints. The SQL parser is imported only if there are any."""
    if not any(isinstance(constraint, CheckConstraint) for constraint in table.constraints):
        return []
    from ctrlgen.inspect.check_constraints import checks_of

    return checks_of(table, attributes)


def _attempt(mapper: Mapper[Any], tables: Classes, context: Context) -> Model | None:
    model: type[SQLModel] = mapper.class_
    location = context.sources.of_class(model)
    return context.attempt(f"`{model.__name__}`", location, lambda: _model(mapper, tables, context))


def _model(mapper: Mapper[Any], tables: Classes, context: Context) -> Model | None:
    """Return a model; None if its rows have no key, or also belong to another model."""
    model: type[SQLModel] = mapper.class_
    if mapper.inherits is not None:
        context.warn(
            INHERITED_TABLE, context.sources.of_class(model), model=model.__name__, base=mapper.inherits.class_.__name__
        )
        return None
    if hooks := list(_unrun_hooks(mapper)):
        location = context.sources.of_attribute(model, hooks[0])
        context.warn(UNRUN_HOOKS, location, model=model.__name__, hooks="`, `".join(hooks).join("``"))
    _warn_of_unknown_validated(mapper, context)
    mapped = mapped_columns(mapper)
    columns = columns_of(model, mapped, context)
    unread = {str(column.name) for column in mapped.values()} - {column.name for column in columns}
    if any(str(column.name) in unread for column in mapper.primary_key if isinstance(column, Column)):
        reason = "a column of its primary key is left out"
        context.warn(UNREADABLE, context.sources.of_class(model), what=f"`{model.__name__}`", reason=reason)
        return None
    names = {column.name: column.attribute for column in columns}
    table = _table(mapper)
    fields = dict(model.model_fields)
    types = {name: declared_type(model, mapped[name], fields.get(name), context.sources) for name in names.values()}
    subjects = {column.name: _subject(column, mapped[column.attribute], types[column.attribute]) for column in columns}
    indexes = indexes_of(mapper, Owner(model, table, names, subjects), context)
    unsettled: tuple[str, ...] = ()
    if context.with_samples:
        sampler = Sampler(model, mapped, types, _checks(table, names), context.sources)
        columns, unsettled = sampler.sampled(columns)
        indexes = tuple(replace(index, companions=sampler.companions(columns, index)) for index in indexes)
    return Model(
        reference=reference(model),
        table=str(table.name),
        columns=columns,
        indexes=tuple(indexes),
        foreign_keys=foreign_keys_of(model, table, names, tables, context),
        relations=relations_of(mapper, context),
        location=context.sources.of_class(model),
        plain=is_plain(mapper),
        unsettled_checks=unsettled,
        schema=table.schema,
        partitioning=partitioning_of(table, names),
    )


def _unrun_hooks(mapper: Mapper[Any]) -> Iterator[str]:
    """Yield the names of hooks that run for model instances, but not for statements."""
    model: type[SQLModel] = mapper.class_
    own = (base for base in model.__mro__ if base.__module__.partition(".")[0] not in {"pydantic", "sqlmodel"})
    functions = [vars(base)["model_post_init"] for base in own if "model_post_init" in vars(base)]
    if any(
        getattr(function, "__name__", "") != "init_private_attributes" for function in functions
    ):  # added by pydantic
        yield "model_post_init"
    yield from model.__pydantic_decorators__.model_validators
    listeners: Any = mapper.dispatch
    yield from (event for event in _WRITE_EVENTS if getattr(listeners, event))
    if mapper.version_id_col is not None:
        yield "version_id_col"


def _warn_of_unknown_validated(mapper: Mapper[Any], context: Context) -> None:
    """Warn about names in ``@validates`` that are not attributes of the model.

    A mixin may validate an attribute that only some of its models have.
    """
    model: type[SQLModel] = mapper.class_
    validators = cast(
        "Mapping[str, tuple[FunctionType, object]]", cast("object", mapper.validators)
    )  # typed as strings
    for name, (function, _) in validators.items():
        declaring = next((base for base in model.__mro__ if function in vars(base).values()), model)
        mappers = (other for other in mapper.registry.mappers if issubclass(other.class_, declaring))
        if any(name in other.attrs for other in mappers):
            continue
        hint = did_you_mean(name, mapper.attrs.keys())
        context.warn(
            UNKNOWN_VALIDATED,
            context.sources.of_attribute(model, function.__name__),
            function=function.__name__,
            model=model.__name__,
            name=name,
            suggestion=f"; {hint}" if hint else "",
        )


def _subject(column: schema.Column, mapped: Column[Any], annotation: object) -> Subject:
    converted = overrides(mapped.type, "bind_expression", "process_bind_param")
    return Subject(column, labels_of(mapped, annotation), converted)
