"""The access paths of a model: primary key, unique constraints and indexes, with their columns and expressions.

Duplicates are kept. ``plan`` decides what to do with them.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from sqlalchemy import Column as SAColumn
from sqlalchemy import Index as SAIndex
from sqlalchemy import Table, UniqueConstraint
from sqlalchemy.orm import Mapper
from sqlalchemy.sql import ClauseElement

from ctrlgen.inspect.annotations import UNKNOWN, rendered
from ctrlgen.inspect.column_types import comparison_of, kind_of, python_type, sql_type
from ctrlgen.inspect.index_sql import (
    NotUnderstoodError,
    Reader,
    column_names,
    order_of,
    rendered_sql,
    unordered_sql,
    unqualified,
)
from ctrlgen.inspect.predicates import Subject, predicate_of
from ctrlgen.schema import ColumnPart, ExpressionPart, Index, Origin, Part, Predicate, columns_of
from ctrlgen.source_locations import Context, Sources

Declared = TypeVar("Declared", SAIndex, UniqueConstraint)


_RESULTS: dict[str, tuple[type, str]] = {
    **dict.fromkeys(["btrim", "initcap", "lower", "ltrim", "md5", "rtrim", "trim", "upper"], (str, "TEXT")),
    **dict.fromkeys(["f_unaccent", "immutable_unaccent", "unaccent"], (str, "TEXT")),
    **dict.fromkeys(["char_length", "length", "octet_length"], (int, "INTEGER")),
    "date": (datetime.date, "DATE"),
}
"""The return types of functions that SQLAlchemy does not know, or knows only in part."""

_SYSTEM_COLUMNS = frozenset({"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"})


@dataclass(frozen=True, slots=True)
class Owner:
    """The model whose indexes are read: its class, its table, and its columns by name."""

    model: type
    table: Table
    attributes: Mapping[str, str]
    subjects: Mapping[str, Subject]

    @property
    def known(self) -> frozenset[str]:
        """The names that SQL may refer to: columns of the table, mapped or not, system columns, and the whole row."""
        return _SYSTEM_COLUMNS | {str(self.table.name), *(str(column.name) for column in self.table.columns)}


def indexes_of(mapper: Mapper[Any], owner: Owner, context: Context) -> tuple[Index, ...]:
    """Return the primary key, followed by all other access paths sorted by name."""
    others = [
        *(_attempt(_unique_constraint, item, owner, context) for item in _unique_constraints(owner)),
        *(_attempt(_index, item, owner, context) for item in owner.table.indexes),
    ]
    return (_primary_key(mapper, owner, context), *sorted(filter(None, others), key=_order))


def _attempt(
    read: Callable[[Declared, Owner, Context], Index | None], item: Declared, owner: Owner, context: Context
) -> Index | None:
    location = context.sources.of_index(owner.model, _name(item.name), [], "__table_args__")
    name = f"`{item.name}`" if item.name else f"an unnamed {type(item).__name__}"
    what = f"{name} of `{owner.model.__name__}`"
    return context.attempt(what, location, lambda: read(item, owner, context))


def _order(index: Index) -> tuple[str, str, str]:
    return index.name or "", repr(index.parts), index.origin


def _primary_key(mapper: Mapper[Any], owner: Owner, context: Context) -> Index:
    columns = [column for column in mapper.primary_key if isinstance(column, SAColumn)]
    own = owner.table.primary_key
    plain = _plain("primary key", own.name, columns, owner, context)
    return replace(plain, enforced=set(columns) == set(own.columns))


def _unique_constraints(owner: Owner) -> Iterator[UniqueConstraint]:
    constraints = owner.table.constraints
    return (
        item
        for item in constraints
        if isinstance(item, UniqueConstraint) and item.columns and _mapped(item.columns, owner)
    )


def _unique_constraint(constraint: UniqueConstraint, owner: Owner, context: Context) -> Index:
    distinct = bool(_option(constraint, "nulls_not_distinct"))
    columns = list(constraint.columns)
    plain = _plain("unique constraint", constraint.name, columns, owner, context, nulls_not_distinct=distinct)
    return replace(plain, deferrable=bool(constraint.deferrable), included=tuple(_included(constraint)))


def _plain(
    origin: Origin,
    name: object,
    columns: Sequence[SAColumn[Any]],
    owner: Owner,
    context: Context,
    *,
    nulls_not_distinct: bool = False,
) -> Index:
    names = [str(column.name) for column in columns]
    attributes = [owner.attributes[name] for name in names]
    text = _name(name)
    return Index(
        name=text,
        origin=origin,
        parts=tuple(ColumnPart(attribute) for attribute in attributes),
        predicate=None,
        nulls_not_distinct=nulls_not_distinct,
        method="btree",
        location=context.sources.of_index(owner.model, text, names, attributes[0]),
    )


def _index(index: SAIndex, owner: Owner, context: Context) -> Index | None:
    """Return an index; None if it uses a column that the class does not map."""
    if not _mapped(index.columns, owner):
        return None
    parts = _parts(index, owner, context)
    predicate = _predicate(index, owner)
    names = [str(column.name) for column in index.columns]
    written = [
        *(part.sql for part in parts if isinstance(part, ExpressionPart)),
        *([predicate.sql] if predicate else []),
    ]
    mentioned = {sql: column_names(sql) for sql in written}
    mentions = [*mentioned.values(), list(_included(index))]
    first = next(iter(columns_of(parts)), "__table_args__")
    name = _name(index.name)
    return Index(
        name=name,
        origin="unique index" if index.unique else "index",
        parts=parts,
        predicate=predicate,
        nulls_not_distinct=bool(_option(index, "nulls_not_distinct")),
        method=str(_option(index, "using") or "btree").lower(),
        location=context.sources.of_index(owner.model, name, names, first),
        orders=tuple(_orders(index)),
        included=tuple(_included(index)),
        unknown_columns=tuple(name for names in mentions for name in names or () if name not in owner.known),
        constants=tuple(sql for sql, names in mentioned.items() if names == []),
    )


def _parts(index: SAIndex, owner: Owner, context: Context) -> tuple[Part, ...]:
    expressions: Iterable[ClauseElement | str] = index.expressions
    parts = [(unqualified(unordered_sql(item), owner.table), _type_name(item)) for item in expressions]
    return tuple(part_of(sql, type_name, owner.attributes, context.sources) for sql, type_name in parts)


def _orders(index: SAIndex) -> Iterator[str]:
    """Yield the operator class and order of each part, found in the same way as by SQLAlchemy."""
    operator_classes = cast("Mapping[str, str]", _option(index, "ops") or {})
    expressions: Iterable[ClauseElement | str] = index.expressions
    for item in expressions:
        yield order_of(item, operator_classes.get(str(getattr(item, "key", "")), ""))


def _included(item: SAIndex | UniqueConstraint) -> Iterator[str]:
    """Yield the names of the included columns of an index."""
    for column in cast("Iterable[object]", _option(item, "include") or ()):
        yield str(getattr(column, "name", column))


def _type_name(expression: object) -> str:
    column_type = getattr(expression, "type", None)
    return "" if column_type is None else sql_type(column_type)


def _predicate(index: SAIndex, owner: Owner) -> Predicate | None:
    where = _option(index, "where")
    if isinstance(where, bool):  # for example of `Hero.deleted_at is None`
        return Predicate(str(where).lower(), None)
    if not isinstance(where, ClauseElement | str):
        return None
    return predicate_of(unqualified(rendered_sql(where), owner.table), owner.subjects)


def _mapped(columns: Iterable[SAColumn[Any]], owner: Owner) -> bool:
    return all(str(column.name) in owner.attributes for column in columns)


def _option(item: SAIndex | UniqueConstraint, name: str) -> object:
    """Return a ``postgresql_...`` option."""
    options: Mapping[str, object] = item.dialect_options["postgresql"]
    return options.get(name)


def _name(name: object) -> str | None:
    """Return a name as a plain string: SQLAlchemy's subclasses of str must not be sent to the parent process."""
    return str(name) if isinstance(name, str) else None


@dataclass(frozen=True, slots=True)
class _Term:
    """Nested functions of one column, the outermost first."""

    functions: tuple[str, ...]
    attribute: str
    cast: bool = False


def part_of(sql: str, type_name: str, attributes: Mapping[str, str], sources: Sources) -> Part:
    """Return one part of an index.

    Parameters
    ----------
    sql
        The column or expression without its order: ``name``, ``lower(name)``.
    type_name
        The SQL type known to SQLAlchemy; may be empty.
    attributes
        The attributes of the model, by column name.
    """
    try:
        term = _parsed(sql, attributes)
    except NotUnderstoodError:
        term = None
    if term is not None and not term.functions and not term.cast:
        return ColumnPart(term.attribute)
    python, type_name = _result(term, type_name)
    return ExpressionPart(
        name=_expression_name(term),
        sql=sql,
        annotation=rendered(python, sources) if python else UNKNOWN,
        comparison=comparison_of(kind_of(python, type_name), type_name),
        inputs=_inputs(sql, attributes),
    )


def _inputs(sql: str, attributes: Mapping[str, str]) -> tuple[str, ...]:
    """Return the attributes of the columns in an expression; empty if the class does not map all of them."""
    names = column_names(sql) or []
    return tuple(attributes[name] for name in names) if attributes.keys() >= set(names) else ()


def _parsed(sql: str, attributes: Mapping[str, str]) -> _Term:
    reader = Reader(sql)
    term = _term(reader, attributes)
    reader.end()
    return term


def _term(reader: Reader, attributes: Mapping[str, str]) -> _Term:
    if reader.accept("("):
        term = _inner(reader, attributes)
    else:
        name = reader.name()
        if reader.accept("("):
            inner = _inner(reader, attributes)
            term = _Term((name, *inner.functions), inner.attribute)
        elif name in attributes:
            term = _Term((), attributes[name])
        else:
            raise NotUnderstoodError(name)
    cast = reader.text_cast()
    return _Term(term.functions, term.attribute, cast or term.cast)


def _inner(reader: Reader, attributes: Mapping[str, str]) -> _Term:
    term = _term(reader, attributes)
    reader.expect(")")
    return term


def _expression_name(term: _Term | None) -> str | None:
    if term is None or not term.functions:
        return None
    name = "_".join((*term.functions, term.attribute))
    return name if name.isidentifier() else None


def _result(term: _Term | None, type_name: str) -> tuple[type | None, str]:
    """Return the Python type and the SQL type of an expression."""
    if term is not None and term.functions and term.functions[0] in _RESULTS:
        return _RESULTS[term.functions[0]]
    return python_type(type_name), type_name
