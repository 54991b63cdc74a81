"""Finds what models declare and the database has, but no migration creates: a new database would lack it.

``comparison`` passes each table of the models that is in the database.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ForeignKeyConstraint

from ctrlgen import findings as rules
from ctrlgen.drift.catalogue import Catalogue, DatabaseIndex, Declared, Owner
from ctrlgen.drift.declared_tables import DeclaredTable
from ctrlgen.drift.migrated_schema import EXCLUSION, FOREIGN_KEY, PRIMARY_KEY, UNIQUE, MigratedSchema
from ctrlgen.errors import listed
from ctrlgen.findings import Finding

KINDS = {PRIMARY_KEY: "primary key", UNIQUE: "unique constraint", EXCLUSION: "exclusion constraint"}
"""The kinds of constraints with an index, as in messages."""


class Unmigrated:
    """Compares the tables of the models with the migrations."""

    def __init__(self, schema: MigratedSchema, catalogue: Catalogue, declared: Declared) -> None:
        self._schema = schema
        self._catalogue = catalogue
        self._declared = declared

    def has_table(self, declared_table: DeclaredTable) -> bool:
        """Return whether a migration creates a table."""
        table = declared_table.table
        return self._schema.table_revision(table.schema, str(table.name)) is not None

    def of_table(self, owner: Owner, declared_table: DeclaredTable, missing: set[object]) -> Iterator[Finding]:
        """Yield what no migration creates of a table. ``missing`` has the columns and foreign keys that it lacks."""
        table = declared_table.table
        if owner in self._catalogue.not_ours:
            return
        if not self.has_table(declared_table):
            yield rules.UNMIGRATED_TABLE.at(declared_table.place, table=table.name, model=declared_table.label)
            return
        for column in table.columns:
            revision = self._schema.column_revision(table.schema, str(table.name), str(column.name))
            if revision is None and column not in missing and not column.system:
                label, place = declared_table.column(str(column.name))
                yield rules.UNMIGRATED_COLUMN.at(place, sql=f"{table.name}.{column.name}", column=label)
        yield from self._of_indexes(owner, declared_table)
        if not self._schema.may_have_more(table.schema, str(table.name)):
            yield from self._of_foreign_keys(declared_table, missing)
            yield from self._of_checks(owner, declared_table)
            yield from self._of_partitioning(owner, declared_table)

    def _of_indexes(self, owner: Owner, declared_table: DeclaredTable) -> Iterator[Finding]:
        """Yield the indexes, and the constraints that have an index."""
        actual = self._catalogue.indexes.get(owner, {})
        by_form = {index.form: index for index in actual.values() if index.kind}
        for name, index in self._declared.indexes.get(declared_table.table.key, {}).items():
            present = actual.get(name) or (by_form.get(index.form) if index.kind else None)
            if present is None or self._has_index(declared_table, index, present):
                continue
            place, label = declared_table.index_place(name, index.form), declared_table.label
            if index.kind:
                what = f"{KINDS[index.kind]} `{present.name}`"
                yield rules.UNMIGRATED_CONSTRAINT.at(place, what=what, model=label)
            else:
                yield rules.UNMIGRATED_INDEX.at(place, index=name, model=label)

    def _has_index(self, declared_table: DeclaredTable, index: DatabaseIndex, present: DatabaseIndex) -> bool:
        """Return whether a migration creates an index, by its name, or a key, by its columns."""
        if any(self._schema.index_revision(name) for name in (index.name, present.name)):
            return True
        if not index.kind:
            return False
        table = declared_table.table
        if self._schema.may_have_more(table.schema, str(table.name)):
            return True
        columns = frozenset[str]() if index.kind == EXCLUSION else index.key_columns
        return self._schema.has_key(table.schema, str(table.name), index.kind, columns)

    def _of_foreign_keys(self, declared_table: DeclaredTable, missing: set[object]) -> Iterator[Finding]:
        table = declared_table.table
        for key in table.constraints:
            if not isinstance(key, ForeignKeyConstraint) or key in missing:
                continue
            names = [str(column.name) for column in key.columns]
            if not self._schema.has_key(table.schema, str(table.name), FOREIGN_KEY, frozenset(names)):
                _, place = declared_table.column(names[0])
                what = foreign_key_shown(key)
                yield rules.UNMIGRATED_CONSTRAINT.at(place, what=what, model=declared_table.label)

    def _of_checks(self, owner: Owner, declared_table: DeclaredTable) -> Iterator[Finding]:
        actual = self._catalogue.checks.get(owner, {})
        table = declared_table.table
        for name, check in self._declared.checks.get(table.key, {}).items():
            present = {other for other, definition in actual.items() if name == other or definition == check}
            if present and not self._schema.has_check(table.schema, str(table.name), {name, *present}):
                place, what = declared_table.index_place(name), f"constraint `{min(present)}`, {check}"
                yield rules.UNMIGRATED_CONSTRAINT.at(place, what=what, model=declared_table.label)

    def _of_partitioning(self, owner: Owner, declared_table: DeclaredTable) -> Iterator[Finding]:
        table = declared_table.table
        by = self._declared.partitioning.get(table.key)
        if by and owner in self._catalogue.partitioning:
            migrated = self._schema.table(table.schema, str(table.name))
            if migrated and not migrated.is_partitioned:
                yield rules.UNMIGRATED_PARTITIONING.at(declared_table.place, model=declared_table.label, by=by)

    def of_enum(self, schema: str | None, name: str, labels: tuple[str, ...]) -> str:
        """Return what no migration creates of an enum with these labels: the type, some of its labels, or nothing."""
        enum = self._schema.enum(schema, name)
        if (enum is None or enum.revision is None) and not self._schema.naming(name):
            return f"enum `{name}`"
        migrated: set[str] = enum.labels if enum else set()
        more = [label for label in labels if label not in migrated and not self._schema.naming(label)]
        return f"value{'s' * (len(more) > 1)} {listed(more)} of enum `{name}`" if more else ""


def foreign_key_shown(key: ForeignKeyConstraint) -> str:
    """Return a foreign key as in messages."""
    columns = ", ".join(str(column.name) for column in key.columns)
    return f"foreign key on {columns} to `{key.referred_table.name}`"
