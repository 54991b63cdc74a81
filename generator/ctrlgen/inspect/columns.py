"""The columns of a model, in the order of their declaration."""

from __future__ import annotations

import contextlib
import datetime
import enum
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from sqlalchemy import Column as SAColumn
from sqlalchemy.engine.interfaces import ExecutionContext
from sqlalchemy.orm import Mapper
from sqlalchemy.sql.schema import CallableColumnDefault, DefaultGenerator, ScalarElementColumnDefault
from sqlmodel import SQLModel

from ctrlgen import schema
from ctrlgen.findings import UNIMPORTABLE_TYPE, Location
from ctrlgen.inspect.annotations import (
    ANY,
    NotImportableError,
    allows_none,
    item_annotation,
    rendered,
    resolved,
    runtime_class,
    specialized,
    unwrapped,
)
from ctrlgen.inspect.column_types import (
    bounds_of,
    comparison_of,
    is_exact,
    is_nullable,
    kind_of,
    sql_type,
)
from ctrlgen.inspect.index_sql import POSTGRESQL
from ctrlgen.schema import Annotation, Presence, UnfitDefault, UnfitKind
from ctrlgen.source_locations import Context, Sources

Attributes = dict[str, SAColumn[Any]]
"""The mapped columns, by attribute."""

_INFINITIES = (datetime.datetime.min, datetime.datetime.max)  # noqa: DTZ901 - only naive ones stand for them
"""The driver stores these as PostgreSQL's infinities, which have no time zone."""


def mapped_columns(mapper: Mapper[Any]) -> Attributes:
    """Return the columns of the mapper's own table by attribute, with fields of the model first."""
    mapped = dict(_table_columns(mapper))
    fields = [name for name in _fields(mapper.class_) if name in mapped]
    return {name: mapped[name] for name in [*fields, *mapped]}


def columns_of(model: type[SQLModel], attributes: Attributes, context: Context) -> tuple[schema.Column, ...]:
    """Return the columns of the schema. A column that cannot be read is left out."""
    fields = _fields(model)
    columns = (_attempt(model, name, column, fields.get(name), context) for name, column in attributes.items())
    return tuple(filter(None, columns))


def _fields(model: type[SQLModel]) -> dict[str, FieldInfo]:
    return dict(model.model_fields)


def _table_columns(mapper: Mapper[Any]) -> Iterator[tuple[str, SAColumn[Any]]]:
    for attribute in mapper.column_attrs:
        column = attribute.columns[0]
        if not isinstance(column, SAColumn) or column.table is not mapper.local_table:
            continue  # a column_property
        if mapper.get_property_by_column(column) is attribute:  # otherwise it is a second name of a column
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
    declared = declared_type(model, column, field, context.sources)
    python, inner = unwrapped(declared)
    metadata = [*(field.metadata if field else ()), *inner]
    kind = kind_of(python, sql)
    optional = allows_none(declared)
    default = Default(column, field, optional=optional)
    return schema.Column(
        attribute=attribute,
        name=str(column.name),
        annotation=_annotation(python, f"{model.__name__}.{attribute}", location, context),
        nullable=is_nullable(column),
        presence=default.presence,
        comparison=comparison_of(kind, sql),
        kind=kind,
        bounds=bounds_of(metadata, sql),
        enum_member=_enum_member(item_annotation(python)),
        location=location,
        optional=optional,
        default=default.constant,
        unfit_default=default.unfit,
        omitted=default.is_omitted,
        exact=is_exact(column.type, kind, sql),
    )


def declared_type(model: type[SQLModel], column: SAColumn[Any], field: FieldInfo | None, sources: Sources) -> object:
    """Return the declared type of a column; without a field, or one that is generic, the type known to SQLAlchemy."""
    if field is None:
        return _python_type(column)
    return specialized(resolved(field.annotation, model, sources), _python_type(column))


def _annotation(python: object, column: str, location: Location, context: Context) -> Annotation:
    try:
        return rendered(python, context.sources)
    except NotImportableError as error:
        context.warn(UNIMPORTABLE_TYPE, location, column=column, name=error)
        return ANY


def _python_type(column: SAColumn[Any]) -> object:
    """Return the type of a column without a field, as far as SQLAlchemy knows it."""
    try:
        python: type = column.type.python_type
    except NotImplementedError:
        return Any
    return Any if python is object else python


def _enum_member(annotation: object) -> str | None:
    cls = runtime_class(annotation)
    members = list(cls.__members__) if cls is not None and issubclass(cls, enum.Enum) else []
    return members[0] if members else None


@dataclass(frozen=True, slots=True)
class Default:
    """The sources of the default value of a column.

    ``field`` is None for a column without a field. ``optional`` tells whether the declared type includes None.
    """

    column: SAColumn[Any]
    field: FieldInfo | None
    optional: bool

    @property
    def presence(self) -> Presence:
        """Whether a new row needs the value, may leave it out, or must not set it."""
        identity = self.column.identity
        if self.column.computed is not None or (identity is not None and identity.always):
            return "computed"
        if self._python_default or self.column.server_default is not None or self._is_numbered:
            return "optional"
        # A nullable column may be omitted even without a default, unless the declared type excludes None.
        required = self.field is not None and self.field.is_required() and not self.optional
        return "optional" if is_nullable(self.column) and not required else "required"

    @property
    def constant(self) -> str | None:
        """The default of new rows as a Python literal; None if there is none, or if it is not a constant.

        With a default of None, the column or the database sets the value.
        """
        by_column = self.column.default
        value: object = None if self.field is None else self.field.default
        if value is None or value is PydanticUndefined:
            if self.column.server_default is not None or self._factory:
                return None
            if by_column is None:
                return "None" if is_nullable(self.column) and (value is None or self.optional) else None
            value = by_column.arg if isinstance(by_column, ScalarElementColumnDefault) else None
        if isinstance(value, enum.Enum):
            return repr(value.name)
        return repr(value) if isinstance(value, bool | int | float | str) else None

    @property
    def is_omitted(self) -> bool:
        """Whether a default of None, or a missing field, means that the column or the database sets the value."""
        none_by_default = self.field is None or (self.field.default is None and not self._factory)
        if self.presence == "computed" or not none_by_default:
            return False
        return self.column.default is not None or self.column.server_default is not None or not is_nullable(self.column)

    @property
    def unfit(self) -> UnfitDefault | None:
        """The default that has a time zone although the column has none, or the reverse."""
        sql = sql_type(self.column.type)
        if not sql.startswith("TIMESTAMP"):
            return None
        for what, value in self._supplied():
            if isinstance(value, datetime.datetime) and (
                problem := self._problem(value, timezone="WITH TIME ZONE" in sql)
            ):
                return UnfitDefault(what, problem)
        return None

    def _problem(self, value: datetime.datetime, *, timezone: bool) -> UnfitKind | None:
        """Return the problem with a default, after the conversion by the column's type."""
        if _is_aware(value) == timezone:
            return None
        bind = self.column.type.dialect_impl(POSTGRESQL).bind_processor(POSTGRESQL)
        try:
            bound: object = bind(value) if bind else value
        except Exception:  # noqa: BLE001 - a user-defined type may raise anything
            return "naive" if timezone else "aware"
        if not isinstance(bound, datetime.datetime) or _is_aware(bound) == timezone:
            return None  # the type converts it
        if not timezone:
            return "aware"
        return None if bound in _INFINITIES else "local"  # what the driver assumes

    def _supplied(self) -> Iterator[tuple[Literal["default", "onupdate"], object]]:
        """Yield the Python defaults for a new row and for an update, as far as they can be evaluated here."""
        supplied: list[tuple[Literal["default", "onupdate"], Callable[[], object]]] = []
        if self.field is not None and (self._factory or self.field.default not in {None, PydanticUndefined}):
            field = self.field
            supplied.append(("default", lambda: field.get_default(call_default_factory=True, validated_data={})))
        else:
            supplied.append(("default", lambda: _value_of(self.column.default)))
        supplied.append(("onupdate", lambda: _value_of(self.column.onupdate)))
        for what, value in supplied:
            # A user-defined default may need the context of an insert. The models may turn warnings into exceptions,
            # and `datetime.utcnow` is deprecated.
            with contextlib.suppress(Exception), warnings.catch_warnings(action="ignore"):
                result = value()
                yield what, result

    @property
    def _factory(self) -> bool:
        return self.field is not None and self.field.default_factory is not None

    @property
    def _python_default(self) -> bool:
        """Whether Python sets a value other than None."""
        value: object = None if self.field is None else self.field.default
        constant = (
            value is not None and value is not PydanticUndefined
        )  # by identity, because `==` of a SQL expression is a SQL expression
        return self._factory or constant or self.column.default is not None

    @property
    def _is_numbered(self) -> bool:
        """Whether the database generates the value as a sequence number.

        SQLAlchemy does so for any integer key. A key that the model requires has another source (a snowflake id),
        unless its column requests a sequence explicitly.
        """
        if self.column.table.autoincrement_column is not self.column:
            return False
        required = self.field is not None and self.field.is_required() and not self.optional
        return self.column.autoincrement is True or not required


def _is_aware(value: datetime.datetime) -> bool:
    return value.utcoffset() is not None


def _value_of(default: DefaultGenerator | None) -> object:
    """Return the value of a SQLAlchemy default, if Python can evaluate it."""
    if isinstance(default, CallableColumnDefault):
        return default.arg(cast("ExecutionContext", None))
    return default.arg if isinstance(default, ScalarElementColumnDefault) else None
