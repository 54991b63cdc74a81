"""SQL in the making: text with a mark for every value, and the values in the order of their marks."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

MARK = "\0"  # which no SQL can contain
_make: Any = PGDialect_asyncpg
DIALECT: Any = _make(dbapi=_make.import_dbapi(), paramstyle="pyformat")
QUOTED: Any = _make(dbapi=_make.import_dbapi()).identifier_preparer  # that of DIALECT doubles each %
_KEPT = 1000  # texts of the callers' own expressions
_FLOAT, _NUMERIC = 701, 1700  # PostgreSQL's numbers of types, by which SQLAlchemy knows what the driver returns
_compiled: dict[Hashable, tuple[Any, list[tuple[str, Any]]]] = {}
_ONE = sa.literal_column("1", sa.Integer)

Convert = Callable[[Any], Any]


class Sql:
    """A part of a statement; ``values`` are pairs of what a value is for, and the value as the driver wants it."""

    __slots__ = ("text", "values")

    def __init__(self, text: str, values: tuple[tuple[str, Any], ...] = ()) -> None:
        self.text, self.values = text, values

    def __add__(self, other: Sql | str) -> Sql:
        if isinstance(other, str):
            return Sql(self.text + other, self.values)
        return Sql(self.text + other.text, self.values + other.values)

    @property
    def arguments(self) -> list[Any]:
        """The values as the driver takes them."""
        return [value for _, value in self.values]

    @property
    def request(self) -> Request:
        """The statement as it is sent."""
        return Request(numbered(self.text), self.arguments, [name for name, _ in self.values])


class Request(NamedTuple):
    """A statement as it is sent; ``names`` tell what its arguments are for."""

    text: str
    arguments: list[Any]
    names: Sequence[str] = ()


def joined(separator: str, parts: Iterable[Sql]) -> Sql:
    """Return the parts, one after the other."""
    given = list(parts)
    return Sql(separator.join([part.text for part in given]), tuple(chain.from_iterable([p.values for p in given])))


class _SqlTypes(dict[type[object], bool]):
    """Whether the values of a type are SQL expressions; each type is looked at once."""

    def __missing__(self, kind: type[object]) -> bool:
        self[kind] = is_expression = issubclass(kind, (Sql, sa.SQLColumnExpression, sa.ClauseElement))
        return is_expression


_sql_types = _SqlTypes()


def is_sql(value: object) -> bool:
    """Whether a value is an SQL expression."""
    return _sql_types[type(value)]


def has_sql(values: Iterable[object]) -> bool:
    """Whether any of these values is an SQL expression."""
    return any(map(_sql_types.__getitem__, map(type, values)))


@lru_cache(_KEPT)
def numbered(text: str) -> str:
    """Return a statement as PostgreSQL reads it."""
    first, *rest = text.split(MARK)
    return first + "".join([f"${number}{part}" for number, part in enumerate(rest, 1)])


def bind_of(kind: sa.types.TypeEngine[Any]) -> Convert | None:
    """Return what makes of a value what the driver takes."""
    return kind.dialect_impl(DIALECT).bind_processor(DIALECT)


def result_of(kind: sa.types.TypeEngine[Any], *, exact: bool | None = None) -> Convert | None:
    """Return what makes a value of what the driver gives; ``exact`` tells a numeric from a float, None by the type."""
    inner: Any = kind
    while (nested := getattr(inner, "impl_instance", None) or getattr(inner, "item_type", None)) is not None:
        inner = nested
    exact = not isinstance(inner, sa.Float) if exact is None else exact
    return kind.dialect_impl(DIALECT).result_processor(DIALECT, _NUMERIC if exact else _FLOAT)


def in_sql(expression: Any, table: sa.FromClause) -> Sql | None:
    """Return an expression as it is in a statement about a table; None if it brings in another table's rows.

    Only in such a statement are the subqueries in it correlated. WHERE takes what is no condition, too.
    """
    whole = compiled(sa.select(_ONE).select_from(table).where(expression))
    begin = f"SELECT 1 \nFROM {QUOTED.format_table(table)} \nWHERE "
    return Sql(whole.text[len(begin) :], whole.values) if whole.text.startswith(begin) else None


def compiled(statement: Any) -> Sql:
    """Return what SQLAlchemy makes of a statement of its own."""
    key = statement._generate_cache_key()  # the only way to know a statement of the same shape again
    if key is None or (known := _compiled.get(key.key)) is None:
        made = statement.compile(dialect=DIALECT, cache_key=key)
        known = made, [(name, bind_of(bind.type)) for name, bind in made.binds.items()]
        if key is not None:
            if len(_compiled) >= _KEPT:
                _compiled.clear()
            _compiled[key.key] = known
    made, converters = known
    given = made.construct_params(extracted_parameters=key and key.bindparams)
    text, convert = made.string, dict(converters)
    if made.post_compile_params or made.literal_execute_params:
        state = made.construct_expanded_state(given)
        text, given, convert = state.statement, state.parameters, {**convert, **state.processors}
    marks = _Marks()
    text %= marks
    return Sql(
        text, tuple([("", use(given[name]) if (use := convert.get(name)) else given[name]) for name in marks.names])
    )


class _Marks:
    """Puts a mark for each parameter, and remembers which it was."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __getitem__(self, name: str) -> str:
        self.names.append(name)
        return MARK
