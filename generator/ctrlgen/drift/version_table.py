"""Finds the table in which Alembic keeps the current revisions of the database, by default ``alembic_version``.

``context.configure(version_table=...)`` in ``env.py`` names another table. ``env.py`` is read, but not run, because it
would connect to a database. If it computes the name, the database is searched for a table with revisions of the
project.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

_TABLES = text("""
    SELECT n.nspname::text AS schema, t.relname::text AS name
    FROM pg_class t
    JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE t.relkind = 'r' AND t.relpersistence <> 't'
      AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(t.oid, 'SELECT')
      AND (SELECT array_agg(a.attname::text) FROM pg_attribute a
           WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped) = ARRAY['version_num']
    ORDER BY 1, 2
""")
_NAME, _SCHEMA = "version_table", "version_table_schema"


@dataclass(frozen=True, slots=True)
class VersionTable:
    """The table of the current revisions. Without a schema, it is looked up in the search path."""

    name: str = "alembic_version"
    schema: str | None = None

    @property
    def options(self) -> dict[str, str | None]:
        """The arguments of ``context.configure``."""
        return {_NAME: self.name, _SCHEMA: self.schema}

    def heads(self, connection: Connection) -> tuple[str, ...]:
        """Return the current revisions; empty if Alembic has never run."""
        return MigrationContext.configure(connection, opts=self.options).get_current_heads()

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True, slots=True)
class CurrentRevisions:
    """The current revisions of the database, and their table.

    ``candidates`` has the tables that may be the table, if there are several. The database is then assumed to be at the
    heads of the migrations.
    """

    heads: tuple[str, ...]
    table: VersionTable
    candidates: tuple[VersionTable, ...] = ()


def current_revisions(
    connection: Connection, configured: VersionTable | None, known: Collection[str], heads: tuple[str, ...]
) -> CurrentRevisions:
    """Return the current revisions of the database.

    Parameters
    ----------
    connection
        The connection to the database.
    configured
        The table of which ``env.py`` has the name; None if it is not known.
    known
        All revisions of the project.
    heads
        The heads of the migrations.
    """
    default = connection.dialect.default_schema_name  # which Alembic's comparison does not name
    if configured is not None:
        table = replace(configured, schema=None) if configured.schema == default else configured
        return CurrentRevisions(table.heads(connection), table)
    usual = VersionTable()
    usual_heads = usual.heads(connection)
    if not known or not set(known).isdisjoint(usual_heads):
        return CurrentRevisions(usual_heads, usual)
    rows = connection.execute(_TABLES).all()
    tables = [VersionTable(row.name, None if row.schema == default else row.schema) for row in rows]
    at = {table: table.heads(connection) for table in tables}
    candidates = tuple(table for table, revisions in at.items() if not set(known).isdisjoint(revisions))
    if len(candidates) > 1:
        return CurrentRevisions(heads, usual, candidates)
    return CurrentRevisions(at[candidates[0]], candidates[0]) if candidates else CurrentRevisions(usual_heads, usual)


def configured_table(env: Path) -> VersionTable | None:
    """Return the table that ``env.py`` configures, the usual one by default; None if it computes the name."""
    try:
        tree = ast.parse(env.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    tables = {_table_of(call, tree) for call in _configurations(tree)}
    return tables.pop() if len(tables) == 1 else None


def _configurations(tree: ast.Module) -> Iterator[ast.Call]:
    """Yield the calls of ``context.configure``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", None)) == "configure":
            yield node


def _table_of(call: ast.Call, tree: ast.Module) -> VersionTable | None:
    arguments = {argument.arg: argument.value for argument in call.keywords}
    values = {name: _constant(arguments[name], tree) for name in (_NAME, _SCHEMA) if name in arguments}
    is_computed = None in arguments or any(isinstance(value, _Computed) for value in values.values())
    if is_computed:
        return None
    name, schema = values.get(_NAME), values.get(_SCHEMA)
    return VersionTable(
        name if isinstance(name, str) else VersionTable().name, schema if isinstance(schema, str) else None
    )


class _Computed:
    """A value that is known only when ``env.py`` runs."""


def _constant(node: ast.expr, tree: ast.Module) -> str | _Computed | None:
    """Return a string or None, or the value of a name that ``env.py`` assigns once."""
    if isinstance(node, ast.Name):
        values = [
            statement.value
            for statement in tree.body
            if isinstance(statement, ast.Assign | ast.AnnAssign)
            for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
            if isinstance(target, ast.Name) and target.id == node.id and statement.value is not None
        ]
        if len(values) != 1 or isinstance(values[0], ast.Name):
            return _Computed()
        return _constant(values[0], tree)
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, str)):
        return node.value
    return _Computed()
