"""Asks the server how it would write down what the models declare, so that text is compared with text of one author.

PostgreSQL rewrites what it stores (``points >= 0`` becomes ``(points >= 0)``, ``IN`` becomes ``= ANY``), so what a
model says cannot be compared with the catalogue. Each table is made once as a temporary one, and its indexes and CHECK
constraints are read from the same catalogue. The caller rolls all of it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Enum, MetaData, Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, CreateTable

from ctrlgen.drift.catalogue import DatabaseIndex, read_checks, read_indexes

_TEMPORARY = "pg_temp"


@dataclass(frozen=True, slots=True)
class Declared:
    """What the models declare, as this server writes it, by the key of the table; and why some of it is not known."""

    indexes: Mapping[str, Mapping[str, DatabaseIndex]]
    checks: Mapping[str, Mapping[str, str]]
    unknown: Mapping[str, str]


def read_declared(connection: Connection, tables: Iterable[Table]) -> Declared:
    """Return what these tables are in the server's words."""
    indexes: dict[str, Mapping[str, DatabaseIndex]] = {}
    checks: dict[str, Mapping[str, str]] = {}
    unknown: dict[str, str] = {}
    for table in tables:
        savepoint = connection.begin_nested()
        try:
            _create(connection, table)
            indexes[table.key] = dict(*read_indexes(connection, temporary=True).values())
            checks[table.key] = dict(*read_checks(connection, temporary=True).values())
        except DBAPIError as error:
            unknown[table.key] = str(error.orig).partition("\n")[0].rpartition(">: ")[2]
        finally:
            savepoint.rollback()
    return Declared(indexes, checks, unknown)


def _create(connection: Connection, table: Table) -> None:
    """Create a table, its constraints and indexes as temporary ones; without foreign keys, which Alembic compares."""
    copy = table.to_metadata(MetaData(naming_convention=table.metadata.naming_convention), schema=_TEMPORARY)
    for column, original in zip(copy.columns, table.columns, strict=True):
        if isinstance(original.type, Enum):
            column.type = original.type  # the copy would look for the type among the temporary ones
    connection.execute(CreateTable(copy, include_foreign_key_constraints=[]))
    for index in copy.indexes:
        connection.execute(CreateIndex(index))
