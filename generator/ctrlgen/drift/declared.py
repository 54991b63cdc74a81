"""Asks the server how it would write down what the models declare, so that text is compared with text of one author.

PostgreSQL rewrites what it stores (``points >= 0`` becomes ``(points >= 0)``, ``IN`` becomes ``= ANY``), so what a
model says cannot be compared with the catalogue. Each table is made once as a temporary one, and its indexes and CHECK
constraints are read from the same catalogue. The caller rolls all of it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from ctrlgen.drift.catalogue import DatabaseIndex, read_checks, read_indexes

_TEMPORARY = "pg_temp"


@dataclass(frozen=True, slots=True)
class Declared:
    """What the models declare, as this server writes it, by the key of the table; and why some of it is not known."""

    indexes: Mapping[str, Mapping[str, DatabaseIndex]]
    checks: Mapping[str, Mapping[str, str]]
    unknown: Mapping[str, str]


def read_declared(connection: Connection, tables: Iterable[Table], path: Sequence[str]) -> Declared:
    """Return what these tables are in the server's words; ``path`` is the search path, quoted."""
    indexes: dict[str, Mapping[str, DatabaseIndex]] = {}
    checks: dict[str, Mapping[str, str]] = {}
    unknown: dict[str, str] = {}
    for table in tables:
        savepoint = connection.begin_nested()
        try:
            _create(connection, table, path)
            indexes[table.key] = dict(*read_indexes(connection, temporary=True).values())
            checks[table.key] = dict(*read_checks(connection, temporary=True).values())
        except DBAPIError as error:
            unknown[table.key] = str(error.orig).partition("\n")[0].rpartition(">: ")[2]
        finally:
            savepoint.rollback()
    return Declared(indexes, checks, unknown)


def _create(connection: Connection, table: Table, path: Sequence[str]) -> None:
    """Create a table, its constraints and indexes as temporary ones; without foreign keys, which Alembic compares."""
    connection.exec_driver_sql(f"SET LOCAL search_path = {', '.join([_TEMPORARY, *path])}")
    creations: list[ExecutableDDLElement] = [CreateTable(table, include_foreign_key_constraints=[])]
    for statement in [*creations, *map(CreateIndex, table.indexes)]:
        connection.exec_driver_sql(_in_temporary_schema(connection, statement, table))


def _in_temporary_schema(connection: Connection, statement: ExecutableDDLElement, table: Table) -> str:
    """Return a statement with the temporary schema in place of the table's; without any, the search path decides.

    A map of schemas would be about the table's types as well, which stay where they are.
    """
    ddl = str(statement.compile(dialect=connection.dialect))
    preparer = connection.dialect.identifier_preparer
    name = preparer.format_table(table, use_schema=False)
    return ddl.replace(preparer.format_table(table), f"{_TEMPORARY}.{name}", 1) if table.schema else ddl


def widen_search_path(connection: Connection, schemas: Iterable[str | None]) -> list[str]:
    """Let the names of the models' schemas be found without them, and return the path, quoted."""
    current: list[str] = connection.scalar(text("SELECT current_schemas(false)::text[]")) or []
    names = dict.fromkeys([*current, *sorted(name for name in schemas if name)])
    path = [connection.dialect.identifier_preparer.quote_identifier(name) for name in names]
    connection.exec_driver_sql(f"SET LOCAL search_path = {', '.join(path)}")
    return path
