"""Lets the server normalize the declarations of the models, so that both sides of a comparison have the same form.

PostgreSQL rewrites expressions (``points >= 0`` becomes ``(points >= 0)``, ``IN`` becomes ``= ANY``), so a declaration
cannot be compared with the catalog directly. Each table is created as a temporary table, and its indexes, CHECK
constraints and partitioning are read from the catalog. The caller rolls back the transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from ctrlgen.drift.catalogue import DatabaseIndex, read_checks, read_indexes, read_partitioning

_TEMPORARY = "pg_temp"


@dataclass(frozen=True, slots=True)
class Declared:
    """The declarations of the models as this server prints them, by table, and the reasons why some are missing."""

    indexes: Mapping[str, Mapping[str, DatabaseIndex]]
    checks: Mapping[str, Mapping[str, str]]
    partitioning: Mapping[str, str]
    unknown: Mapping[str, str]


def read_declared(connection: Connection, tables: Iterable[Table], path: Sequence[str]) -> Declared:
    """Return the declarations of these tables as the server prints them. ``path`` is the quoted search path."""
    indexes: dict[str, Mapping[str, DatabaseIndex]] = {}
    checks: dict[str, Mapping[str, str]] = {}
    partitioning: dict[str, str] = {}
    unknown: dict[str, str] = {}
    for table in tables:
        savepoint = connection.begin_nested()
        try:
            _create(connection, table, path)
            indexes[table.key] = dict(*read_indexes(connection, temporary=True).values())
            checks[table.key] = dict(*read_checks(connection, temporary=True).values())
            for definition in read_partitioning(connection, temporary=True).values():
                partitioning[table.key] = definition
        except DBAPIError as error:
            unknown[table.key] = str(error.orig).partition("\n")[0].rpartition(">: ")[2]
        finally:
            savepoint.rollback()
    return Declared(indexes, checks, partitioning, unknown)


def _create(connection: Connection, table: Table, path: Sequence[str]) -> None:
    """Create a temporary table with constraints and indexes, but without foreign keys, which Alembic compares."""
    connection.exec_driver_sql(f"SET LOCAL search_path = {', '.join([_TEMPORARY, *path])}")
    creations: list[ExecutableDDLElement] = [CreateTable(table, include_foreign_key_constraints=[])]
    for statement in [*creations, *map(CreateIndex, table.indexes)]:
        connection.exec_driver_sql(_in_temporary_schema(connection, statement, table))


def _in_temporary_schema(connection: Connection, statement: ExecutableDDLElement, table: Table) -> str:
    """Return a statement with the temporary schema in the place of the table's schema, if the table has one.

    SQLAlchemy's schema translate map would also change the schema of the table's types.
    """
    ddl = str(statement.compile(dialect=connection.dialect))
    preparer = connection.dialect.identifier_preparer
    name = preparer.format_table(table, use_schema=False)
    return ddl.replace(preparer.format_table(table), f"{_TEMPORARY}.{name}", 1) if table.schema else ddl


def widen_search_path(connection: Connection, schemas: Iterable[str | None]) -> list[str]:
    """Add the schemas of the models to the search path, and return the quoted path."""
    current: list[str] = connection.scalar(text("SELECT current_schemas(false)::text[]")) or []
    names = dict.fromkeys([*current, *sorted(name for name in schemas if name)])
    path = [connection.dialect.identifier_preparer.quote_identifier(name) for name in names]
    connection.exec_driver_sql(f"SET LOCAL search_path = {', '.join(path)}")
    return path
