"""The columns of a model, in the order their author wrote them."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any

from pydantic.fields import FieldInfo
from sqlalchemy import Column as SAColumn
from sqlalchemy.orm import Mapper
from sqlmodel import SQLModel

from ctrlgen import schema
from ctrlgen.inspect.annotations import ANY, allows_none, item_annotation, rendered, runtime_class, unwrapped
from ctrlgen.inspect.bounds import bounds_of
from ctrlgen.inspect.context import Context
from ctrlgen.inspect.forward import resolved
from ctrlgen.inspect.kinds import comparison_of, item_kind, kind_of, sql_type
from ctrlgen.inspect.names import NotImportableError
from ctrlgen.inspect.presence import default_of, is_omitted, presence_of
from ctrlgen.inspect.validators import is_validated
from ctrlgen.schema import Annotation, Location

Attributes = dict[str, SAColumn[Any]]
"""Mapped columns by attribute."""


def mapped_columns(mapper: Mapper[Any]) -> Attributes:
    """Return the columns of the mapper's own table by attribute, fields of the model first."""
    found = dict(_table_columns(mapper))
    fields = [name for name in _fields(mapper.class_) if name in found]
    return {name: found[name] for name in [*fields, *found]}


def columns_of(model: type[SQLModel], attributes: Attributes, context: Context) -> tuple[schema.Column, ...]:
    """Return what there is to know about each column; one that can not be read is left out."""
    fields = _fields(model)
    found = (_attempt(model, name, column, fields.get(name), context) for name, column in attributes.items())
    return tuple(filter(None, found))


def _fields(model: type[SQLModel]) -> dict[str, FieldInfo]:
    return dict(model.model_fields)


def _table_columns(mapper: Mapper[Any]) -> Iterator[tuple[str, SAColumn[Any]]]:
    for attribute in mapper.column_attrs:
        column = attribute.columns[0]
        if not isinstance(column, SAColumn) or column.table is not mapper.local_table:
            continue  # a column_property
        if mapper.get_property_by_column(column) is attribute:  # else it has another name besides
            yield attribute.key, column


def _attempt(
    model: type[SQLModel], attribute: str, column: SAColumn[Any], field: FieldInfo | None, context: Context
) -> schema.Column | None:
    location = context.sources.of_attribute(model, attribute)
    what = f"column `{model.__name__}.{attribute}`"
    return context.attempt(what, location, lambda: _column(model, attribute, column, field, context))


def _column(
    model: type[SQLModel], attribute: str, column: SAColumn[Any], field: FieldInfo | None, context: Context
) -> schema.Column:
    location = context.sources.of_attribute(model, attribute)
    sql = sql_type(column.type)
    declared = resolved(field.annotation, model, context.sources) if field else _python_type(column)
    python, inner = unwrapped(declared)
    metadata = [*(field.metadata if field else ()), *inner]
    kind = kind_of(python, sql)
    return schema.Column(
        attribute=attribute,
        name=str(column.name),
        annotation=_annotation(python, f"{model.__name__}.{attribute}", location, context),
        nullable=bool(column.nullable),
        presence=presence_of(column, field),
        comparison=comparison_of(kind, sql),
        kind=kind,
        bounds=bounds_of(metadata, sql),
        item=item_kind(python, sql),
        enum_member=_enum_member(item_annotation(python)),
        description=(field and field.description) or column.comment or column.doc or "",
        location=location,
        optional=allows_none(declared),
        default=default_of(column, field),
        validated=is_validated(model, attribute, metadata),
        omitted=is_omitted(column, field),
    )


def _annotation(python: object, what: str, location: Location, context: Context) -> Annotation:
    try:
        return rendered(python, context.sources)
    except NotImportableError as error:
        message = f"the type of `{what}` can not be imported ({error}); it is emitted as Any"
        context.warn(location, "CG204", message)
        return ANY


def _python_type(column: SAColumn[Any]) -> object:
    """Return the type of a column without a field: the best SQLAlchemy knows."""
    try:
        python: type = column.type.python_type
    except NotImplementedError:
        return Any
    return Any if python is object else python


def _enum_member(annotation: object) -> str | None:
    cls = runtime_class(annotation)
    members = list(cls.__members__) if cls is not None and issubclass(cls, enum.Enum) else []
    return members[0] if members else None
