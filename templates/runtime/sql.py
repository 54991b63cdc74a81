"""Parts of SQL statements: text with a placeholder for each value, and the values in the same order."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from functools import lru_cache
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

MARK = "\0"  # the placeholder of a value, which cannot occur in SQL
_dialect: Any = PGDialect_asyncpg
DIALECT: Any = _dialect(dbapi=_dialect.import_dbapi(), paramstyle="pyformat")
QUOTED: Any = _dialect(dbapi=_dialect.import_dbapi()).identifier_preparer  # that of DIALECT doubles each %
_CACHE_SIZE = 1000  # compiled expressions of callers
_FLOAT, _NUMERIC = 701, 1700  # the OIDs by which SQLAlchemy chooses a result processor
_compiled: dict[Hashable, tuple[Any, list[tuple[str, Any]]]] = {}
_ONE = sa.literal_column("1", sa.Integer)

Convert = Callable[[Any], Any]


class Sql:
    """A statement or a part of one; ``arguments`` are values as the driver expects them, ``names`` their columns."""

    __slots__ = ("arguments", "names", "text")

    def __init__(self, text: str, names: tuple[str, ...] = (), arguments: tuple[Any, ...] = ()) -> None:
        self.text, self.names, self.arguments = text, names, arguments

    def __add__(self, other: Sql | str) -> Sql:
        if isinstance(other, str):
            return Sql(self.text + other, self.names, self.arguments)
        return Sql(self.text + other.text, self.names + other.names, self.arguments + other.arguments)

    def with_text(self, text: str) -> Sql:
        """Return other text with the same placeholders and arguments."""
        return Sql(text, self.names, self.arguments)

    @property
    def numbered(self) -> str:
        """The text as it is sent, with PostgreSQL's numbered placeholders."""
        return _numbered(self.text)


def joined(separator: str, parts: Iterable[Sql]) -> Sql:
    """Return the parts, joined by a separator."""
    parts = list(parts)
    names = tuple(chain.from_iterable([part.names for part in parts]))
    arguments = tuple(chain.from_iterable([part.arguments for part in parts]))
    return Sql(separator.join([part.text for part in parts]), names, arguments)


class _SqlTypes(dict[type[object], bool]):
    """Whether the instances of a type are SQL expressions, computed once per type."""

    def __missing__(self, kind: type[object]) -> bool:
        self[kind] = is_expression = issubclass(kind, (Sql, sa.SQLColumnExpression, sa.ClauseElement))
        return is_expression


_sql_types = _SqlTypes()


def is_sql(value: object) -> bool:
    """Return whether a value is an SQL expression."""
    return _sql_types[type(value)]


def has_sql(values: Iterable[object]) -> bool:
    """Return whether any of these values is an SQL expression."""
    return any(map(_sql_types.__getitem__, map(type, values)))


@lru_cache(_CACHE_SIZE)
def _numbered(text: str) -> str:
    first, *rest = text.split(MARK)
    return first + "".join([f"${number}{part}" for number, part in enumerate(rest, 1)])


def bind_of(kind: sa.types.TypeEngine[Any]) -> Convert | None:
    """Return the conversion of a type's values to the driver's, None if there is nothing to convert."""
    return kind.dialect_impl(DIALECT).bind_processor(DIALECT)


def result_of(kind: sa.types.TypeEngine[Any], *, exact: bool | None = None) -> Convert | None:
    """Return the conversion of the driver's values to a type's; ``exact`` overrides whether the type is NUMERIC."""
    inner: Any = kind
    while (nested := getattr(inner, "impl_instance", None) or getattr(inner, "item_type", None)) is not None:
        inner = nested
    exact = not isinstance(inner, sa.Float) if exact is None else exact
    return kind.dialect_impl(DIALECT).result_processor(DIALECT, _NUMERIC if exact else _FLOAT)


def in_sql(expression: Any, table: sa.FromClause) -> Sql | None:
    """Return an expression as it appears in a statement on a table; None if it adds another table to FROM.

    It is compiled in a WHERE clause, which correlates its subqueries, and which accepts expressions of any type.
    """
    whole = compiled(sa.select(_ONE).select_from(table).where(expression))
    begin = f"SELECT 1 \nFROM {QUOTED.format_table(table)} \nWHERE "
    return whole.with_text(whole.text[len(begin) :]) if whole.text.startswith(begin) else None


def compiled(statement: Any) -> Sql:
    """Return a SQLAlchemy statement as SQL, compiled once for all statements of its shape."""
    key = statement._generate_cache_key()  # the only way to recognize a statement of the same shape
    if key is None or (known := _compiled.get(key.key)) is None:
        result = statement.compile(dialect=DIALECT, cache_key=key)
        known = result, [(name, bind_of(bind.type)) for name, bind in result.binds.items()]
        if key is not None:
            if len(_compiled) >= _CACHE_SIZE:
                _compiled.clear()
            _compiled[key.key] = known
    result, converters = known
    values = result.construct_params(extracted_parameters=key and key.bindparams)
    text, convert = result.string, dict(converters)
    if result.post_compile_params or result.literal_execute_params:
        state = result.construct_expanded_state(values)
        text, values, convert = state.statement, state.parameters, {**convert, **state.processors}
    marks = _Marks()
    text %= marks
    arguments = [
        conversion(values[name]) if (conversion := convert.get(name)) else values[name] for name in marks.names
    ]
    return Sql(text, ("",) * len(arguments), tuple(arguments))


class _Marks:
    """Replaces each named parameter by a placeholder, and records the names in their order."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __getitem__(self, name: str) -> str:
        self.names.append(name)
        return MARK
