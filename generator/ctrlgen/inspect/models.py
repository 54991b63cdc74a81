"""Mapped classes into the ``Schema``, one at a time."""

from __future__ import annotations

import inspect as inspection
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import sqlalchemy
from sqlalchemy import Column, Table
from sqlalchemy.orm import Mapper
from sqlmodel import SQLModel

from ctrlgen import schema
from ctrlgen.inspect.columns import columns_of, mapped_columns
from ctrlgen.inspect.context import Context
from ctrlgen.inspect.enums import labels_of
from ctrlgen.inspect.indexes import Owner, indexes_of
from ctrlgen.inspect.kinds import overrides
from ctrlgen.inspect.loading import is_plain
from ctrlgen.inspect.mapping import configure
from ctrlgen.inspect.names import reference
from ctrlgen.inspect.predicates import Subject
from ctrlgen.inspect.relations import Classes, foreign_keys_of, relations_of
from ctrlgen.load.source import Sources
from ctrlgen.schema import Model, Schema


def inspect(classes: Iterable[type[SQLModel]], root: Path) -> Schema:
    """Return what the mapped classes say; ``root`` is the project's folder.

    Raises
    ------
    ModelError
        If their relationships can not be resolved.
    """
    mappers = sorted((_mapper(cls) for cls in classes), key=_order)
    context = Context(Sources(root))
    configure(mappers, context.sources)
    tables = _tables(mappers)
    models = tuple(filter(None, (_attempt(mapper, tables, context) for mapper in mappers)))
    return Schema(models, tuple(sorted(context.findings)))


def _mapper(cls: type[SQLModel]) -> Mapper[Any]:
    return sqlalchemy.inspect(cls)


def _order(mapper: Mapper[Any]) -> tuple[str, str]:
    return mapper.class_.__module__, mapper.class_.__qualname__


def _tables(mappers: Iterable[Mapper[Any]]) -> Classes:
    """Return every mapper of the models' registries by its table; of several for one table the first."""
    every = {other for mapper in mappers for other in mapper.registry.mappers}
    found: dict[Table, Mapper[Any]] = {}
    for mapper in sorted(every, key=_order):
        found.setdefault(_table(mapper), mapper)
    return found


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
    """Return a model; None where its key can not be read, and so no row be told from another."""
    model: type[SQLModel] = mapper.class_
    mapped = mapped_columns(mapper)
    columns = columns_of(model, mapped, context)
    unread = {str(column.name) for column in mapped.values()} - {column.name for column in columns}
    if any(str(column.name) in unread for column in mapper.primary_key if isinstance(column, Column)):
        message = f"`{model.__name__}` is left out, because a column of its primary key is"
        context.warn(context.sources.of_class(model), "CG208", message)
        return None
    names = {column.name: column.attribute for column in columns}
    subjects = {column.name: _subject(column, mapped[column.attribute], model) for column in columns}
    table = _table(mapper)
    return Model(
        reference=reference(model),
        table=str(table.name),
        schema=str(table.schema) if table.schema else None,
        description=_description(model, table),
        columns=columns,
        indexes=indexes_of(mapper, Owner(model, table, names, subjects), context),
        foreign_keys=foreign_keys_of(model, table, names, tables, context),
        relations=relations_of(mapper, context),
        location=context.sources.of_class(model),
        plain=is_plain(mapper),
    )


def _subject(column: schema.Column, mapped: Column[Any], model: type[SQLModel]) -> Subject:
    converted = overrides(mapped.type, "bind_expression", "process_bind_param")
    return Subject(column, labels_of(mapped, model), converted)


def _description(model: type, table: Table) -> str:
    """Return the class's own docstring, not an inherited one; else the table's comment."""
    own: object = vars(model).get("__doc__")
    return inspection.cleandoc(own) if isinstance(own, str) else table.comment or ""
