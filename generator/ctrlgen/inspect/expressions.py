"""The parts of an index: plain columns, however they are wrapped, and expressions with a name for methods."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from ctrlgen.inspect.annotations import UNKNOWN, rendered
from ctrlgen.inspect.kinds import comparison_of, kind_of, python_type
from ctrlgen.inspect.sql import NotUnderstoodError, Reader
from ctrlgen.load.source import Sources
from ctrlgen.schema import ColumnPart, ExpressionPart, Part

_RESULTS: dict[str, tuple[type, str]] = {
    **dict.fromkeys(["btrim", "initcap", "lower", "ltrim", "md5", "rtrim", "trim", "upper"], (str, "TEXT")),
    **dict.fromkeys(["f_unaccent", "immutable_unaccent", "unaccent"], (str, "TEXT")),
    **dict.fromkeys(["char_length", "length", "octet_length"], (int, "INTEGER")),
    "date": (datetime.date, "DATE"),
}
"""What functions return whose type SQLAlchemy does not know, or only in part."""


@dataclass(frozen=True, slots=True)
class _Term:
    """Functions, from the outermost, of one column."""

    functions: tuple[str, ...]
    attribute: str
    cast: bool = False


def part_of(sql: str, type_name: str, attributes: Mapping[str, str], sources: Sources) -> Part:
    """Return one part of an index.

    Parameters
    ----------
    sql
        What the index has, without its order: ``name``, ``lower(name)``.
    type_name
        The SQL type SQLAlchemy gives it, maybe empty.
    attributes
        The model's attributes by the database's name.
    """
    try:
        term = _parsed(sql, attributes)
    except NotUnderstoodError:
        term = None
    if term is not None and not term.functions and not term.cast:
        return ColumnPart(term.attribute)
    python, type_name = _result(term, type_name)
    return ExpressionPart(
        name=_name(term),
        sql=sql,
        annotation=rendered(python, sources) if python else UNKNOWN,
        comparison=comparison_of(kind_of(python, type_name), type_name),
    )


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


def _name(term: _Term | None) -> str | None:
    if term is None or not term.functions:
        return None
    name = "_".join((*term.functions, term.attribute))
    return name if name.isidentifier() else None


def _result(term: _Term | None, type_name: str) -> tuple[type | None, str]:
    """Return the Python type and the SQL type of an expression's value."""
    if term is not None and term.functions and term.functions[0] in _RESULTS:
        return _RESULTS[term.functions[0]]
    return python_type(type_name), type_name
