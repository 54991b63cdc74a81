"""Describes the structure of a table: columns, keys, indexes, foreign keys and relationships, and their methods.

Missing indexes are rendered as source to paste into ``__table_args__``.

``explained_models`` calls it in the child process. The generator's decisions come from the controller; types, defaults
and comments come from the mapped class.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator
from typing import Any, cast

import sqlalchemy
from sqlalchemy import DefaultClause, Table
from sqlalchemy.orm import Mapper

from ctrlgen.blueprint import Controller
from ctrlgen.explain.explanation import (
    ExplainedColumn,
    ExplainedForeignKey,
    ExplainedIndex,
    ExplainedRelationship,
    MissingIndex,
    TableStructure,
)
from ctrlgen.inspect.column_types import sql_type
from ctrlgen.namespace import BUILTINS, Namespace
from ctrlgen.plan.absent_methods import NO_INDEX, ONLY_PARTIAL
from ctrlgen.plan.access_paths import index_declaration, unindexed_foreign_keys
from ctrlgen.schema import Column, ColumnPart, ForeignKey, Imported, Index, Model, Part, Relation


def table_structure(controller: Controller, cls: type, methods: Collection[str]) -> TableStructure:
    """Return the structure of the table of a model.

    Parameters
    ----------
    cls
        The mapped class.
    methods
        The explained methods. Indexes and relationships refer only to these.
    """
    mapper: Mapper[Any] = sqlalchemy.inspect(cls)
    table, model = cast("Table", mapper.local_table), controller.model
    return TableStructure(
        schema=str(table.schema) if table.schema else None,
        doc=" ".join((inspect.getdoc(cls) or "").partition("\n\n")[0].split()) if cls.__doc__ else "",
        comment=table.comment,
        columns=tuple(_column(column, model, table) for column in model.columns),
        indexes=tuple(_index(index, controller, methods) for index in model.indexes),
        foreign_keys=tuple(_foreign_key(key, model) for key in model.foreign_keys),
        relationships=tuple(_relationship(relation, controller, mapper, methods) for relation in controller.relations),
    )


def _column(column: Column, model: Model, table: Table) -> ExplainedColumn:
    declared = table.c[column.name]
    annotation = Namespace(known=BUILTINS).source(column.annotation)
    return ExplainedColumn(
        name=column.attribute,
        column=column.name,
        type=f"{annotation} | None" if column.nullable else annotation,
        sql_type=sql_type(declared.type),
        nullable=column.nullable,
        primary_key=column.attribute in model.primary_key.columns,
        presence=column.presence,
        default=_default(column, declared),
        comment=declared.comment,
    )


def _default(column: Column, declared: sqlalchemy.Column[Any]) -> str | None:
    """Return the default value of a column: a constant of the model, or an expression of the database."""
    if column.default is not None and not column.omitted:
        return column.default
    if declared.computed is not None:
        return f"generated as {declared.computed.sqltext}"
    if declared.identity is not None:
        return "identity"
    if declared.table.autoincrement_column is declared and column.presence == "optional":
        return "serial"
    server = declared.server_default
    if isinstance(server, DefaultClause):
        return server.arg if isinstance(server.arg, str) else str(server.arg)
    return None


def _index(index: Index, controller: Controller, methods: Collection[str]) -> ExplainedIndex:
    backed = [method.name for method in controller.methods if method.index == index and method.name in methods]
    return ExplainedIndex(
        name=index.name,
        origin=index.origin,
        unique=index.unique,
        parts=tuple(f"{_part(part)} {order}".rstrip() for part, order in index.ordered_parts),
        method=index.method,
        where=index.predicate.sql if index.predicate else None,
        include=index.included,
        nulls_not_distinct=index.nulls_not_distinct,
        location=str(index.location),
        backs=tuple(backed),
    )


def _part(part: Part) -> str:
    return part.attribute if isinstance(part, ColumnPart) else part.sql


def _foreign_key(key: ForeignKey, model: Model) -> ExplainedForeignKey:
    keys = [index for index in model.indexes if index.unique and index.predicate is None and index.is_of_columns]
    return ExplainedForeignKey(
        columns=key.attributes,
        target=_reference(key.target) if key.target else None,
        table=key.target_table,
        target_columns=key.target_attributes,
        on_delete=key.on_delete,
        unique=any(set(index.columns) <= set(key.attributes) for index in keys),
        nullable=any(model.column(attribute).nullable for attribute in key.attributes),
        indexed=key not in unindexed_foreign_keys(model),
    )


def _relationship(
    relation: Relation, controller: Controller, mapper: Mapper[Any], methods: Collection[str]
) -> ExplainedRelationship:
    loaders = (method.name for method in controller.methods if method.kind == "load" and method.relation == relation)
    secondary = mapper.relationships[relation.attribute].secondary
    return ExplainedRelationship(
        name=relation.attribute,
        target=_reference(relation.target),
        many=relation.many,
        optional=relation.optional,
        through=str(secondary.fullname) if isinstance(secondary, Table) else None,
        loader=next((name for name in loaders if name in methods), None),
    )


def _reference(item: Imported) -> str:
    return f"{item.module}.{item.name}"


def missing_indexes(controller: Controller) -> Iterator[MissingIndex]:
    """Yield an index for each foreign key without an index, and for each other column that is not first in one."""
    foreign = [key.attributes for key in unindexed_foreign_keys(controller.model)]
    for attributes in foreign:
        yield MissingIndex(f"find_by_{attributes[0]}", _source(controller, attributes), is_foreign_key=True)
    for absent in controller.absent:
        for finder in absent.names if absent.reason in {NO_INDEX, ONLY_PARTIAL} else ():
            attribute = finder.removeprefix("find_by_")
            if not any(attributes[0] == attribute for attributes in foreign):
                yield MissingIndex(finder, _source(controller, (attribute,)), is_foreign_key=False)


def _source(controller: Controller, attributes: tuple[str, ...]) -> str:
    return f"{index_declaration(controller.model, attributes)},"
