"""PostgreSQL as SQLAlchemy speaks it, for rendering types and expressions as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine
from typing_extensions import override


class _Compiler(PGCompiler):
    @override
    def render_literal_value(self, value: object, type_: TypeEngine[Any]) -> str:
        """Leave backslashes as they are, which SQLAlchemy doubles until it has asked a server."""
        return SQLCompiler.render_literal_value(self, value, type_)


class _PostgreSQL(PGDialect):
    statement_compiler = _Compiler
    supports_statement_cache = True


_make: Callable[..., Dialect] = _PostgreSQL

POSTGRESQL: Final = _make(paramstyle="named")  # the default style would double every per cent sign
