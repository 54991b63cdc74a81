"""Turns mapped classes into the ``Schema``, one at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, cast

import sqlalchemy
from sqlalchemy import Column, Table
from sqlalchemy.orm import Mapper
from sqlmodel import SQLModel

from ctrlgen import schema
from ctrlgen.findings import INHERITED_TABLE, UNREADABLE
from ctrlgen.inspect.annotations import reference
from ctrlgen.inspect.check_constraints import checks_of
from ctrlgen.inspect.column_types import labels_of, overrides
from ctrlgen.inspect.columns import columns_of, declared_type, mapped_columns
from ctrlgen.inspect.context import Context
from ctrlgen.inspect.indexes import Owner, indexes_of
from ctrlgen.inspect.mapping import configure
from ctrlgen.inspect.predicates import Subject
from ctrlgen.inspect.relationships import Classes, foreign_keys_of, is_plain, relations_of
from ctrlgen.inspect.samples import Sampler
from ctrlgen.schema import Model, Schema
from ctrlgen.source_locations import Sources


def inspect(classes: Iterable[type[SQLModel]], sources: Sources) -> Schema:
    """Return what the mapped classes say.

    Raises
    ------
    ModelError
        If their relationships cannot be resolved.
    """
    mappers = sorted((_mapper(cls) for cls in classes), key=_order)
    context = Context(sources)
    configure(mappers, sources)
    tables = _tables(mappers)
    models = tuple(filter(None, (_attempt(mapper, tables, context) for mapper in mappers)))
    return Schema(models, tuple(sorted(context.findings)))


def _mapper(cls: type[SQLModel]) -> Mapper[Any]:
    return sqlalchemy.inspect(cls)


def _order(mapper: Mapper[Any]) -> tuple[str, str]:
    return mapper.class_.__module__, mapper.class_.__qualname__


def _tables(mappers: Iterable[Mapper[Any]]) -> Classes:
    """Return every mapper of the models' registries by its table; of several the first that inherits from none."""
    every = {other for mapper in mappers for other in mapper.registry.mappers}
    by_table: dict[Table, Mapper[Any]] = {}
    for mapper in sorted(every, key=lambda mapper: (mapper.inherits is not None, _order(mapper))):
        by_table.setdefault(_table(mapper), mapper)
    return by_table


def _table(mapper: Mapper[Any]) -> Table:
    """Return what the class is mapped to, which SQLModel makes a table."""
    table = cast("object", mapper.local_table)
    assert isinstance(table, Table), table
    return cast("Table", table)


def _attempt(mapper: Mapper[Any], tables: Classes, context: Context) -> Model | None:
    model: type[SQLModel] = mapper.class_
    location = context.sources.of_class(model)
    return context.attempt(f"`{model.__name__}`", location, lambda: _model(mapper, tables, context))


def _model(mapper: Mapper[Any], tables: Classes, context: Context) -> Model | None:
    """Return a model; None where its rows cannot be told apart, or are those of another model besides."""
    model: type[SQLModel] = mapper.class_
    if mapper.inherits is not None:
        context.warn(
            INHERITED_TABLE, context.sources.of_class(model), model=model.__name__, base=mapper.inherits.class_.__name__
        )
        return None
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
    subjects = {each.name: _subject(each, mapped[each.attribute], types[each.attribute]) for each in columns}
    sampler = Sampler(model, mapped, types, checks_of(table, names), context.sources)
    columns, unsettled = sampler.sampled(columns)
    return Model(
        reference=reference(model),
        table=str(table.name),
        columns=columns,
        indexes=tuple(
            replace(index, companions=sampler.companions(columns, index))
            for index in indexes_of(mapper, Owner(model, table, names, subjects), context)
        ),
        foreign_keys=foreign_keys_of(model, table, names, tables, context),
        relations=relations_of(mapper, context),
        location=context.sources.of_class(model),
        plain=is_plain(mapper),
        unsettled_checks=unsettled,
    )


def _subject(column: schema.Column, mapped: Column[Any], annotation: object) -> Subject:
    converted = overrides(mapped.type, "bind_expression", "process_bind_param")
    return Subject(column, labels_of(mapped, annotation), converted)
