"""Renders and tokenizes the SQL of indexes, to recognize a few simple forms.

SQLAlchemy expressions are rendered first, so that ``indexes`` and ``predicates`` always read SQL, whether it was
declared as an expression or as text.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Dialect, Table, TextClause
from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS, PGCompiler, PGDialect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine
from typing_extensions import override


class _Compiler(PGCompiler):
    @override
    def render_literal_value(self, value: object, type_: TypeEngine[Any]) -> str:
        """Do not escape backslashes, which SQLAlchemy doubles until it has connected to a server."""
        return SQLCompiler.render_literal_value(self, value, type_)


class _PostgreSQL(PGDialect):
    statement_compiler = _Compiler
    supports_statement_cache = True


_make: Callable[..., Dialect] = _PostgreSQL

POSTGRESQL: Final = _make(paramstyle="named")  # the default paramstyle would double percent signs


_STRING = r"'(?:[^']|'')*'"
_TOKEN = re.compile(
    rf"""\s*(?:
        (?P<quoted>"(?:[^"]|"")+")
      | (?P<word>[^\W\d][\w$]*)
      | (?P<number>-?\d+(?:\.\d+)?(?![\w.]))
      | (?P<string>{_STRING})
      | (?P<symbol>::|<>|!=|<=|>=|[^\w\s])
    )""",
    re.VERBOSE,
)

_ORDER = re.compile(r"\s*\b(?:asc|desc)?(?:\s*\bnulls\s+(?:first|last))?\s*$", re.IGNORECASE)
_OPERATORS = re.compile(r"\s+[\w.]+_ops$", re.IGNORECASE)
_KEYWORDS = frozenset(
    {"all", "and", "any", "between", "case", "cast", "collate", "false", "ilike", "in", "is", "like", "not", "null"}
    | {"or", "select", "similar", "true"}
)


class NotUnderstoodError(Exception):
    """The SQL is not in a form that is recognized."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token of SQL. Quoted names are unquoted, words are lowercase."""

    kind: str  # "quoted", "word", "number", "string", "symbol", "end"
    text: str


def rendered_sql(clause: ClauseElement | str) -> str:
    """Return an expression as SQL for PostgreSQL, with literal constants.

    Raises
    ------
    NotUnderstoodError
        If a constant cannot be rendered as a literal.
    """
    if isinstance(clause, str):
        return clause.strip()
    options = {"literal_binds": True, "include_table": False}
    try:
        return str(clause.compile(dialect=POSTGRESQL, compile_kwargs=options)).strip()
    except (SQLAlchemyError, NotImplementedError) as error:
        raise NotUnderstoodError(str(error)) from error


def unordered_sql(clause: ClauseElement | str) -> str:
    """Return an index expression as SQL without its order. It raises the errors of :func:`rendered_sql`."""
    sql = _ORDER.sub("", rendered_sql(clause))
    return (
        _OPERATORS.sub("", sql) if isinstance(clause, TextClause) else sql
    )  # otherwise SQLAlchemy does not find them equal


def order_of(clause: ClauseElement | str, operator_class: str = "") -> str:
    """Return the operator class and the order of a part of an index; empty for PostgreSQL's defaults.

    It raises the errors of :func:`rendered_sql`.
    """
    sql = rendered_sql(clause)
    order = _ORDER.search(sql)
    words = order[0].lower().split() if order else []
    direction = "desc" if "desc" in words else "asc"
    nulls = words[-1] if "nulls" in words else "first" if direction == "desc" else "last"
    named = _OPERATORS.search(_ORDER.sub("", sql)) if isinstance(clause, TextClause) else None
    by_default = (direction, nulls) == ("asc", "last")
    return " ".join(
        [
            operator_class or (named[0].strip().lower() if named else ""),
            "" if by_default else f"{direction} nulls {nulls}",
        ]
    ).strip()


def unqualified(sql: str, table: Table) -> str:
    """Return SQL with unqualified column names, which ON CONFLICT requires."""
    if str(table.name).casefold() not in sql.casefold():
        return sql
    schema = rf'(?:"?{re.escape(table.schema)}"?\.)?' if table.schema else ""
    qualified = rf'{_STRING}|(?<![\w$".]){schema}"?{re.escape(str(table.name))}"?\.(?!\w+\s*\()(?=[\w"])'
    return re.sub(qualified, lambda match: match[0] if match[0].startswith("'") else "", sql, flags=re.IGNORECASE)


class Reader:
    """Reads tokens. Unexpected tokens raise a ``NotUnderstoodError``."""

    def __init__(self, sql: str) -> None:
        self._tokens = [*_tokens(sql), Token("end", "")]
        self.position = 0

    @property
    def next(self) -> Token:
        """The next token."""
        return self._tokens[self.position]

    def take(self, *kinds: str) -> Token:
        """Read a token of one of these kinds."""
        token = self.next
        if token.kind not in kinds:
            raise NotUnderstoodError(token.text)
        self.position += 1
        return token

    def accept(self, *expected: str) -> bool:
        """Read these words or symbols if they are next."""
        tokens = self._tokens[self.position : self.position + len(expected)]
        if [token.text for token in tokens if token.kind in {"word", "symbol"}] != [*expected]:
            return False
        self.position += len(expected)
        return True

    def expect(self, text: str) -> None:
        """Read this word or symbol."""
        if not self.accept(text):
            raise NotUnderstoodError(self.next.text)

    def name(self) -> str:
        """Read a name; the last part of ``table.column``."""
        token = self.take("quoted", "word")
        if token.kind == "word" and token.text in _KEYWORDS:
            raise NotUnderstoodError(token.text)
        return self.name() if self.accept(".") else token.text

    def end(self) -> None:
        """Expect the end of the SQL."""
        self.take("end")

    def text_cast(self) -> bool:
        """Read a cast such as ``::text``, which PostgreSQL adds when it prints an index."""
        is_cast = False
        while self.accept("::"):
            is_cast = self.accept("text") or self.accept("character", "varying") or self.accept("varchar")
            if not is_cast:
                raise NotUnderstoodError(self.next.text)
        return is_cast


def column_names(sql: str) -> list[str] | None:
    """Return the column names in an expression; None if it cannot be parsed."""
    import sqlglot  # takes 40 ms, and few models need it
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it logs warnings for unsupported syntax
    try:
        columns = sqlglot.parse_one(sql, read="postgres").find_all(exp.Column, bfs=False)
        names = [(column.name, bool(getattr(column.this, "quoted", False))) for column in columns]
    except (SqlglotError, RecursionError):
        return None
    reserved = RESERVED_WORDS | {"*"}  # `user` is a function of the server, `*` the whole row
    folded = (name if quoted else name.lower() for name, quoted in names if quoted or name.lower() not in reserved)
    return list(dict.fromkeys(folded))


def _tokens(sql: str) -> Iterator[Token]:
    position, sql = 0, sql.strip()
    while position < len(sql):
        match = _TOKEN.match(sql, position)
        if match is None or match.lastgroup is None:
            raise NotUnderstoodError(sql[position:])
        yield Token(match.lastgroup, _plain(match.lastgroup, match[match.lastgroup]))
        position = match.end()


def _plain(kind: str, text: str) -> str:
    match kind:
        case "quoted":
            return text[1:-1].replace('""', '"')
        case "string":
            return text[1:-1].replace("''", "'")
        case "word":
            return text.lower()
        case _:
            return text
