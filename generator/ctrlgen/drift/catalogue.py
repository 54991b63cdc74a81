"""Reads the system catalog of the database: indexes and their usage statistics, CHECK constraints, enums.

The declarations of the models are read from the catalog, too: PostgreSQL rewrites expressions (``points >= 0`` becomes
``(points >= 0)``, ``IN`` becomes ``= ANY``), so they cannot be compared with the catalog directly. Each table is
created as a temporary table, and its indexes and CHECK constraints are read. The caller rolls back the transaction.

The statements work on PostgreSQL 15 to 18: they use only columns that exist in all of these (`last_idx_scan` was added
in 16), and filter constraints by type, because 18 also lists NOT NULL constraints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Dialect, Table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

_INDEXES = text("""
    SELECT n.nspname::text AS schema, t.relname::text AS owner, i.relname::text AS name,
           x.indisunique AS is_unique, x.indisvalid AND x.indisready AS is_valid, i.relkind = 'I' AS is_partitioned,
           pg_get_indexdef(x.indexrelid) AS definition,
           coalesce(c.contype::text, '') AS kind,
           coalesce(s.idx_scan, 0) AS scans,
           coalesce(r.idx_scan, 0) + coalesce(r.seq_scan, 0) AS reads
    FROM pg_index x
    JOIN pg_class i ON i.oid = x.indexrelid
    JOIN pg_class t ON t.oid = x.indrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace
    LEFT JOIN pg_constraint c ON c.conindid = x.indexrelid AND c.conrelid = t.oid AND c.contype IN ('p', 'u', 'x')
    LEFT JOIN pg_stat_user_indexes s ON s.indexrelid = x.indexrelid
    LEFT JOIN pg_stat_user_tables r ON r.relid = t.oid
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND (n.oid = pg_my_temp_schema()) = :temporary
    ORDER BY 1, 2, 3
""")
_CHECKS = text("""
    SELECT n.nspname::text AS schema, t.relname::text AS owner, c.conname::text AS name,
           pg_get_constraintdef(c.oid) AS definition
    FROM pg_constraint c
    JOIN pg_class t ON t.oid = c.conrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE c.contype = 'c' AND (n.oid = pg_my_temp_schema()) = :temporary
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    ORDER BY 1, 2, 3
""")
_PARTITIONS = text("""
    SELECT n.nspname::text AS schema, t.relname::text AS owner, pg_get_partkeydef(t.oid) AS definition
    FROM pg_partitioned_table p
    JOIN pg_class t ON t.oid = p.partrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE (n.oid = pg_my_temp_schema()) = :temporary
""")
_ENUMS = text("""
    SELECT n.nspname::text AS schema, t.typname::text AS name,
           array_agg(e.enumlabel::text ORDER BY e.enumsortorder) AS labels
    FROM pg_type t
    JOIN pg_enum e ON e.enumtypid = t.oid
    JOIN pg_namespace n ON n.oid = t.typnamespace
    GROUP BY 1, 2
""")
_EXTENSION_TABLES = text("""
    SELECT n.nspname::text AS schema, t.relname::text AS name
    FROM pg_class t
    JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE t.relispartition
       OR EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = t.oid AND d.deptype = 'e')
""")
_STATISTICS = text("SELECT stats_reset::date::text FROM pg_stat_database WHERE datname = current_database()")
_TEMPORARY = "pg_temp"

Owner = tuple[str, str]
"""The schema and name of a table."""


@dataclass(frozen=True, slots=True)
class DatabaseIndex:
    """An index in the database. ``kind`` is the type of its constraint (``p``, ``u``, ``x``), or empty."""

    owner: Owner
    name: str
    is_unique: bool
    is_valid: bool
    is_partitioned: bool
    definition: str
    kind: str
    scans: int
    reads: int

    @property
    def form(self) -> str:
        """The definition without name and table: ``UNIQUE btree (lower(name)) WHERE ...``."""
        form = self.definition.partition(" USING ")[2]
        return f"UNIQUE {form}" if self.is_unique else form

    @property
    def key_columns(self) -> frozenset[str]:
        """The columns of a primary key or unique constraint, which has no expressions."""
        columns = self.form.partition("(")[2].partition(")")[0].split(", ")
        return frozenset(column.removeprefix('"').removesuffix('"') for column in columns)


Checks = Mapping[Owner, Mapping[str, str]]
"""The definitions of the CHECK constraints of each table, as PostgreSQL prints them."""
Indexes = Mapping[Owner, Mapping[str, DatabaseIndex]]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The objects in the database."""

    dialect: Dialect
    schema: str
    indexes: Indexes
    checks: Checks
    partitioning: Mapping[Owner, str]
    """The PARTITION BY of each partitioned table."""
    enums: Mapping[tuple[str, str], tuple[str, ...]]
    not_ours: frozenset[Owner]
    """Tables of extensions and partitions, which models do not declare."""
    statistics_since: str | None


def read_catalogue(connection: Connection) -> Catalogue:
    """Read the catalog of the database."""
    schema = connection.dialect.default_schema_name or "public"
    return Catalogue(
        connection.dialect,
        schema,
        read_indexes(connection, temporary=False),
        read_checks(connection, temporary=False),
        read_partitioning(connection, temporary=False),
        {(row.schema, row.name): tuple(row.labels) for row in connection.execute(_ENUMS)},
        frozenset((row.schema, row.name) for row in connection.execute(_EXTENSION_TABLES)),
        connection.scalar(_STATISTICS),
    )


def read_indexes(connection: Connection, *, temporary: bool) -> dict[Owner, dict[str, DatabaseIndex]]:
    """Return the indexes of each table, either of temporary tables or of all others."""
    indexes: dict[Owner, dict[str, DatabaseIndex]] = {}
    for row in connection.execute(_INDEXES, {"temporary": temporary}):
        owner = (row.schema, row.owner)
        values = (row.is_unique, row.is_valid, row.is_partitioned, row.definition, row.kind, row.scans, row.reads)
        indexes.setdefault(owner, {})[row.name] = DatabaseIndex(owner, row.name, *values)
    return indexes


def read_checks(connection: Connection, *, temporary: bool) -> dict[Owner, dict[str, str]]:
    """Return the CHECK constraints of each table, either of temporary tables or of all others."""
    checks: dict[Owner, dict[str, str]] = {}
    for row in connection.execute(_CHECKS, {"temporary": temporary}):
        checks.setdefault((row.schema, row.owner), {})[row.name] = row.definition
    return checks


def read_partitioning(connection: Connection, *, temporary: bool) -> dict[Owner, str]:
    """Return the PARTITION BY of each partitioned table, either of temporary tables or of all others."""
    rows = connection.execute(_PARTITIONS, {"temporary": temporary})
    return {(row.schema, row.owner): row.definition for row in rows}


# The declarations of the models, normalized by the server.


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
