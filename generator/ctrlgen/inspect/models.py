"""Turns mapped classes into the ``Schema``, one at a time."""

from __future__ import annotations

import re
import traceback
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy
from sqlalchemy import CheckConstraint, Column, Table
from sqlalchemy.orm import Mapper, RelationshipProperty
from sqlmodel import SQLModel

from ctrlgen import schema
from ctrlgen.errors import ModelError, described, did_you_mean, message_of
from ctrlgen.findings import UNREADABLE
from ctrlgen.inspect.annotations import reference
from ctrlgen.inspect.column_types import labels_of, overrides
from ctrlgen.inspect.columns import columns_of, declared_type, mapped_columns
from ctrlgen.inspect.context import Context
from ctrlgen.inspect.indexes import Owner, indexes_of
from ctrlgen.inspect.predicates import Subject
from ctrlgen.inspect.relationships import Classes, foreign_keys_of, is_plain, relations_of
from ctrlgen.inspect.samples import Sampler
from ctrlgen.schema import Model, Schema
from ctrlgen.source_locations import Sources

if TYPE_CHECKING:
    from ctrlgen.inspect.check_constraints import Check

_UNKNOWN = re.compile(r"failed to locate a name \((?P<quote>['\"])(?P<name>.+?)(?P=quote)\)")


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
    """Return every mapper of the models' registries by its table; of several for one table the first."""
    every = {other for mapper in mappers for other in mapper.registry.mappers}
    by_table: dict[Table, Mapper[Any]] = {}
    for mapper in sorted(every, key=_order):
        by_table.setdefault(_table(mapper), mapper)
    return by_table


def _table(mapper: Mapper[Any]) -> Table:
    """Return what the class is mapped to, which SQLModel makes a table."""
    table = cast("object", mapper.local_table)
    assert isinstance(table, Table), table
    return cast("Table", table)


def _checks(table: Table, attributes: dict[str, str]) -> list[Check]:
    """Return the CHECK constraints; the parser of SQL is only imported where there are some."""
    if not any(isinstance(constraint, CheckConstraint) for constraint in table.constraints):
        return []
    from ctrlgen.inspect.check_constraints import checks_of

    return checks_of(table, attributes)


def _attempt(mapper: Mapper[Any], tables: Classes, context: Context) -> Model | None:
    model: type[SQLModel] = mapper.class_
    location = context.sources.of_class(model)
    return context.attempt(f"`{model.__name__}`", location, lambda: _model(mapper, tables, context))


def _model(mapper: Mapper[Any], tables: Classes, context: Context) -> Model | None:
    """Return a model; None where its key cannot be read, so that its rows cannot be told apart."""
    model: type[SQLModel] = mapper.class_
    mapped = mapped_columns(mapper)
    columns = columns_of(model, mapped, context)
    unread = {str(column.name) for column in mapped.values()} - {column.name for column in columns}
    if any(str(column.name) in unread for column in mapper.primary_key if isinstance(column, Column)):
        reason = "a column of its primary key is left out"
        context.warn(UNREADABLE, context.sources.of_class(model), what=f"`{model.__name__}`", reason=reason)
        return None
    names = {column.name: column.attribute for column in columns}
    subjects = {column.name: _subject(column, mapped[column.attribute], model) for column in columns}
    table = _table(mapper)
    fields = dict(model.model_fields)
    types = {name: declared_type(model, mapped[name], fields.get(name), context.sources) for name in names.values()}
    sampler = Sampler(model, mapped, types, _checks(table, names), context.sources)
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


def _subject(column: schema.Column, mapped: Column[Any], model: type[SQLModel]) -> Subject:
    converted = overrides(mapped.type, "bind_expression", "process_bind_param")
    return Subject(column, labels_of(mapped, model), converted)


def configure(mappers: Iterable[Mapper[Any]], sources: Sources) -> None:
    """Resolve the relationships of the mappers and of all they lead to.

    Raises
    ------
    ModelError
        If one has an unknown target, no foreign key to follow, or no counterpart of the name it gives.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # lazy="noload" is deprecated, not forbidden
        for mapper in mappers:
            try:
                mapper.registry.configure(cascade=True)
            except Exception as error:
                raise _error(error, mapper, sources) from error


def _error(error: Exception, mapper: Mapper[Any], sources: Sources) -> ModelError:
    culprit = next(_relationships(error), None)
    if culprit is None:
        return ModelError(f"the models cannot be mapped: {described(error)}")
    model: type = culprit.parent.class_
    location = sources.of_attribute(model, culprit.key)
    message = f"relationship `{model.__name__}.{culprit.key}` cannot be resolved: {described(error)}"
    hint = _hint(error, mapper, string_annotations=sources.has_string_annotations(model))
    return ModelError(message, location, hint, sources.text(location))


def _relationships(error: Exception) -> Iterator[RelationshipProperty[Any]]:
    """Yield the relationships SQLAlchemy was busy with, the last first; not every message names them."""
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        busy: object = frame.f_locals.get("self")
        if isinstance(busy, RelationshipProperty):
            yield busy


def _hint(error: Exception, mapper: Mapper[Any], *, string_annotations: bool) -> str | None:
    match = _UNKNOWN.search(message_of(error))
    unknown = match["name"] if match else ""
    if string_annotations and not unknown.isidentifier():
        return (
            "SQLModel does not read relationships in a module with `from __future__ import annotations`: take that "
            'line out, and quote what is declared further down, as list["Player"]'
        )
    if not unknown:
        return None
    names = sorted({other.class_.__name__ for other in mapper.registry.mappers})
    missing = f"no imported module declares `{unknown}`: is its module under a configured path?"
    return did_you_mean(unknown, names) or missing
