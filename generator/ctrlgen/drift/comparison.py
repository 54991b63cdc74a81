"""Turns differences between models, migrations and database into findings, located at the models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import ARRAY, Connection, Dialect, Enum, MetaData, Table, TypeDecorator
from sqlalchemy.types import TypeEngine

from ctrlgen import findings as rules
from ctrlgen.drift.catalogue import Catalogue, DatabaseIndex, Declared, Owner
from ctrlgen.drift.declared_tables import DeclaredTable
from ctrlgen.drift.revisions import Revisions
from ctrlgen.drift.unmigrated import KINDS, Unmigrated, foreign_key_shown
from ctrlgen.drift.version_table import CurrentRevisions, VersionTable
from ctrlgen.errors import listed
from ctrlgen.findings import Finding, Location

_READS = 100
"""The number of reads of a table after which an index that served none of them is reported as unused."""

Change = tuple[Any, ...]


class Comparison:
    """Compares the models, the migrations and the database.

    Parameters
    ----------
    tables
        Every table of the models' metadata.
    current
        The current revisions of the database.
    fallback
        The location of findings about objects that no model declares.
    """

    def __init__(
        self,
        tables: Sequence[DeclaredTable],
        catalogue: Catalogue,
        declared: Declared,
        revisions: Revisions | None,
        current: CurrentRevisions,
        fallback: Location,
    ) -> None:
        self._catalogue = catalogue
        self._declared = declared
        self._revisions = revisions
        self._fallback = fallback
        self._tables = {self._owner(declared_table.table): declared_table for declared_table in tables}
        self._current = current
        self._unmigrated = Unmigrated(revisions.schema, catalogue, declared) if revisions else None
        self._applied = revisions.applied_at(current.heads) if revisions else set[str]()

    def findings(self, changes: Iterable[Change]) -> Iterator[Finding]:
        """Yield all findings. ``changes`` are the differences that Alembic reports."""
        missing: set[Owner] = set()
        missing_parts: set[object] = set()
        for change in changes:
            if change[0] == "add_table":
                missing.add(self._owner(change[1]))
            if change[0] in {"add_column", "add_fk"}:
                missing_parts.add(change[-1])
            yield from self._of_alembic(change)
        for owner, declared_table in self._tables.items():
            if owner not in missing and declared_table.table.key in self._declared.indexes:
                yield from self._of_indexes(owner, declared_table)
                yield from self._of_checks(owner, declared_table)
                yield from self._of_partitioning(owner, declared_table)
            if owner not in missing and self._unmigrated:
                yield from self._unmigrated.of_table(owner, declared_table, missing_parts)
        yield from self._of_enums(missing)
        yield from self._of_revisions()
        yield from self._not_compared(missing)

    def _owner(self, table: Table) -> Owner:
        return table.schema or self._catalogue.schema, str(table.name)

    # Differences that Alembic reports.

    def _of_alembic(self, change: Change) -> Iterator[Finding]:
        match change:
            case ("add_table", table):
                declared_table = self._tables[self._owner(table)]
                names = {"model": declared_table.label, "table": table.name}
                yield rules.MISSING_TABLE.at(declared_table.place, **names, maker=self._table_maker(table))
            case ("remove_table", table):
                yield from self._unknown_table(table)
            case ("add_column", _, _, column):
                name, place = self._tables[self._owner(column.table)].column(column.name)
                maker = self._column_maker(column.table.schema, column.table.name, column.name)
                yield rules.MISSING_COLUMN.at(place, column=name, sql=f"{column.table.name}.{column.name}", maker=maker)
            case ("remove_column", schema, table, column):
                place, label = self._of_owner((schema or self._catalogue.schema, table))
                names = {"column": f"{table}.{column.name}", "model": label}
                maker = self._column_maker(schema, table, column.name, is_there=True)
                yield rules.UNKNOWN_COLUMN_IN_DATABASE.at(place, **names, maker=maker)
            case (str(kind), schema, table, column, _, before, after) if kind.startswith("modify_"):
                yield from self._changed_column(kind, (schema or self._catalogue.schema, table), column, before, after)
            case ("add_fk", key):
                declared_table = self._tables[self._owner(key.parent)]
                names = {"what": foreign_key_shown(key), "model": declared_table.label}
                yield rules.MISSING_CONSTRAINT.at(declared_table.place, **names, consequence="")
            case ("remove_fk", key):
                place, label = self._of_owner(self._owner(key.parent))
                names = {"what": f"foreign key `{key.name}`", "table": key.parent.name, "model": label}
                yield rules.UNKNOWN_CONSTRAINT.at(place, **names)
            case _:
                pass  # indexes and constraints are compared below; comments are not compared

    def _of_owner(self, owner: Owner) -> tuple[Location, str]:
        """Return the location of a table in the database, and its name in messages."""
        declared_table = self._tables.get(owner)
        return (declared_table.place, declared_table.label) if declared_table else (self._fallback, owner[1])

    def _unknown_table(self, table: Table) -> Iterator[Finding]:
        if self._owner(table) not in self._catalogue.not_ours:
            maker = self._table_maker(table, is_there=True)
            yield rules.UNKNOWN_TABLE.at(self._fallback, table=table.name, maker=maker)

    def _changed_column(self, kind: str, owner: Owner, column: str, before: object, after: object) -> Iterator[Finding]:
        declared_table = self._tables[owner]
        name, place = declared_table.column(column)
        match kind:
            case "modify_type":
                what, in_model, in_database = "of type", self._shown_type(after), self._shown_type(before)
            case "modify_nullable":
                words = {True: "NULL", False: "NOT NULL"}
                what, in_model, in_database = "declared", words[bool(after)], words[bool(before)]
            case "modify_default":
                what, in_model, in_database = "by default", _shown_default(after), _shown_default(before)
            case _:
                return
        yield rules.DIFFERENT_COLUMN.at(place, column=name, what=what, model=in_model, database=in_database)

    def _shown_type(self, type_: object) -> str:
        return _shown_type(type_, self._catalogue.dialect)

    # Indexes, unique and CHECK constraints, as the server prints them.

    def _of_indexes(self, owner: Owner, declared_table: DeclaredTable) -> Iterator[Finding]:
        declared = self._declared.indexes[declared_table.table.key]
        actual = self._catalogue.indexes.get(owner, {})
        forms = {index.form for index in actual.values() if index.kind}
        for name, index in declared.items():
            place, methods = (
                declared_table.index_place(name, index.form),
                self._methods(declared_table, name, index.form),
            )
            if name in actual:
                yield from self._of_index(declared_table, index, actual[name], place, methods)
            elif not (index.kind and index.form in forms):  # the name of a constraint is not compared
                yield from self._missing_index(declared_table, index, place, methods)
        declared_forms = {index.form for index in declared.values() if index.kind}
        for name, index in actual.items():
            if name not in declared and not (index.kind and index.form in declared_forms):
                yield self._unknown_index(declared_table, index)

    def _of_index(
        self,
        declared_table: DeclaredTable,
        index: DatabaseIndex,
        actual: DatabaseIndex,
        place: Location,
        methods: Sequence[str],
    ) -> Iterator[Finding]:
        if index.form != actual.form:
            names = {"index": index.name, "model": declared_table.label}
            yield rules.DIFFERENT_INDEX.at(place, **names, declared=index.form, database=actual.form)
        if not actual.is_valid:
            consequence = f"; {listed(methods)} cannot use it" if methods else ""
            yield rules.INVALID_INDEX.at(place, index=index.name, model=declared_table.label, consequence=consequence)
        finders = [method for method in methods if ".find_" in method]
        if finders and _is_unused(actual):
            since = f" since {self._catalogue.statistics_since}" if self._catalogue.statistics_since else ""
            names = {"index": index.name, "methods": listed(finders), "since": since}
            yield rules.UNUSED_INDEX.at(place, reads=actual.reads, **names)

    def _missing_index(
        self, declared_table: DeclaredTable, index: DatabaseIndex, place: Location, methods: Sequence[str]
    ) -> Iterator[Finding]:
        if index.kind:
            consequence = f": {listed(methods)} {'relies' if len(methods) == 1 else 'rely'} on it" if methods else ""
            names = {
                "what": f"{KINDS[index.kind]} `{index.name}`",
                "model": declared_table.label,
                "consequence": consequence,
            }
            yield rules.MISSING_CONSTRAINT.at(place, **names)
            return
        consequence = f": {listed(methods)} {'scans' if len(methods) == 1 else 'scan'} the table" if methods else ""
        maker = self._index_maker(index.name)
        yield rules.MISSING_INDEX.at(
            place, index=index.name, model=declared_table.label, consequence=consequence, maker=maker
        )

    def _unknown_index(self, declared_table: DeclaredTable, index: DatabaseIndex) -> Finding:
        names = {"table": declared_table.table.name, "model": declared_table.label}
        if index.kind:
            what = f"constraint `{index.name}`, {index.form}"
            return rules.UNKNOWN_CONSTRAINT.at(declared_table.place, what=what, **names)
        maker = self._index_maker(index.name, is_there=True)
        form = index.form if index.is_valid else f"{index.form}, invalid"
        return rules.UNKNOWN_INDEX.at(declared_table.place, index=index.name, form=form, maker=maker, **names)

    # The part of a message about the migration that creates an object; empty without migrations.

    def _index_maker(self, name: str, *, is_there: bool = False) -> str:
        return self._maker(self._revisions.schema.index_revision(name), is_there=is_there) if self._revisions else ""

    def _table_maker(self, table: Table, *, is_there: bool = False) -> str:
        if self._revisions is None:
            return ""
        return self._maker(self._revisions.schema.table_revision(table.schema, str(table.name)), is_there=is_there)

    def _column_maker(self, schema: str | None, table: str, column: str, *, is_there: bool = False) -> str:
        if self._revisions is None:
            return ""
        return self._maker(self._revisions.schema.column_revision(schema, table, column), is_there=is_there)

    def _maker(self, revision: str | None, *, is_there: bool) -> str:
        if revision is None:
            return "; no migration creates it"
        if is_there:
            return f"; migration `{revision}` creates it"
        if revision in self._applied:
            return f"; migration `{revision}` created it, but it was dropped later"
        return f"; migration `{revision}`, which is not applied, creates it"

    # CHECK constraints and partitioning.

    def _of_checks(self, owner: Owner, declared_table: DeclaredTable) -> Iterator[Finding]:
        declared = self._declared.checks[declared_table.table.key]
        actual = self._catalogue.checks.get(owner, {})
        for name, check in declared.items():
            if name not in actual and check not in actual.values():
                names = {"what": f"constraint `{name}`, {check}", "model": declared_table.label, "consequence": ""}
                yield rules.MISSING_CONSTRAINT.at(declared_table.index_place(name), **names)
            elif name in actual and actual[name] != check:
                names = {"check": name, "model": declared_table.label, "declared": check, "database": actual[name]}
                yield rules.DIFFERENT_CHECK.at(declared_table.index_place(name), **names)
        for name, check in actual.items():
            if name not in declared and check not in declared.values():
                names = {
                    "what": f"constraint `{name}`, {check}",
                    "table": declared_table.table.name,
                    "model": declared_table.label,
                }
                yield rules.UNKNOWN_CONSTRAINT.at(declared_table.place, **names)

    def _of_partitioning(self, owner: Owner, each: DeclaredTable) -> Iterator[Finding]:
        declared, actual = self._declared.partitioning.get(each.table.key), self._catalogue.partitioning.get(owner)
        if declared != actual:
            fields = {"declared": _partitioned(declared), "database": _partitioned(actual)}
            yield rules.DIFFERENT_PARTITIONING.at(each.place, model=each.label, **fields)

    # Enums, revisions, and objects that cannot be compared.

    def _of_enums(self, missing: set[Owner]) -> Iterator[Finding]:
        seen: set[tuple[str, str]] = set()
        for owner, declared_table in self._tables.items():
            for column in declared_table.table.columns if owner not in missing else ():
                enum = _native_enum(column.type)
                if enum is None or (key := (_schema_of(enum) or self._catalogue.schema, str(enum.name))) in seen:
                    continue
                seen.add(key)
                labels = self._catalogue.enums.get(key)
                name, place = declared_table.column(str(column.name))
                if difference := _label_difference(tuple(enum.enums), labels):
                    yield rules.DIFFERENT_ENUM.at(place, enum=key[1], column=name, difference=difference)
                if not (self._unmigrated and labels and self._unmigrated.has_table(declared_table)):
                    continue
                present = tuple(label for label in enum.enums if label in labels)
                if what := self._unmigrated.of_enum(_schema_of(enum), key[1], present):
                    yield rules.UNMIGRATED_ENUM.at(place, what=what, column=name)

    def _of_revisions(self) -> Iterator[Finding]:
        current = self._current.heads
        at = listed(current)
        if self._revisions is None:
            if current:
                yield rules.NO_MIGRATIONS.at(self._fallback, revisions=at)
            return
        if self._current.candidates:
            reason = (
                f"{listed(map(str, self._current.candidates))} have revisions of these migrations; write one of the "
                "names as a string in `context.configure(version_table=..., version_table_schema=...)` of `env.py`"
            )
            yield rules.NOT_COMPARED.at(self._fallback, what="the revision of the database", reason=reason)
            return
        if self._applied.issuperset(self._revisions.heads):
            return
        heads = f"{'head is' if len(self._revisions.heads) == 1 else 'heads are'} {listed(self._revisions.heads)}"
        if not current:
            problem = f"has no revision: no migration was applied, and the {heads}"
        elif self._revisions.parents.keys().isdisjoint(current):
            problem = f"is at revision {at}, which is not in the migrations; their {heads}"
        else:
            problem = f"is at revision {at}, but the {heads.replace(' ', ' of the migrations ', 1)}"
        yield rules.OTHER_REVISION.at(self._fallback, problem=problem)

    def _not_compared(self, missing: set[Owner]) -> Iterator[Finding]:
        by_reason: dict[str, list[DeclaredTable]] = {}
        for owner, declared_table in self._tables.items():
            if owner not in missing and declared_table.table.key in self._declared.unknown:
                by_reason.setdefault(self._declared.unknown[declared_table.table.key], []).append(declared_table)
        for reason, tables in by_reason.items():
            what = f"indexes and CHECK constraints of {listed([declared_table.label for declared_table in tables])}"
            yield rules.NOT_COMPARED.at(tables[0].place, what=what, reason=reason)
        unreadable = self._revisions.unreadable.items() if self._revisions else ()
        for revision, reason in unreadable:
            what = f"the result of migration `{revision}`"
            yield rules.NOT_COMPARED.at(self._fallback, what=what, reason=f"the migration needs a database ({reason})")

    def _methods(self, declared_table: DeclaredTable, name: str, form: str) -> list[str]:
        """Return the finders and getters that an index serves, without their variants."""
        index, controller = declared_table.index(name, form), declared_table.controller
        methods = controller.methods if controller and index else ()
        kinds = ("find", "get")
        return [
            f"db.{controller.module}.{method.name}"
            for method in methods
            if controller and method.kind in kinds and method.index == index
        ]


def alembic_changes(
    connection: Connection, metadata: Sequence[MetaData], schemas: set[str | None], version_table: VersionTable
) -> list[Change]:
    """Return the differences that Alembic finds in the schemas of the models, except the table of the revisions."""

    def is_included(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "schema" or name in schemas

    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_schemas": schemas != {None},
        "include_name": is_included,
        **version_table.options,
    }
    context = MigrationContext.configure(connection, opts=options)
    every = cast("MetaData", [*metadata])  # Alembic accepts a list, but does not annotate it
    differences = cast("list[Change | list[Change]]", compare_metadata(context, every))
    return [
        change
        for difference in differences
        for change in (difference if isinstance(difference, list) else [difference])
    ]


def _partitioned(by: str | None) -> str:
    return f"partitioned by `{by}`" if by else "not partitioned"


def _is_unused(index: DatabaseIndex) -> bool:
    return not (index.scans or index.is_partitioned or index.is_unique) and index.reads >= _READS


def _native_enum(type_: TypeEngine[Any]) -> Enum | None:
    """Return the enum type of a column, or of the items of an array column."""
    while isinstance(type_, ARRAY | TypeDecorator):
        inner: object = cast("object", type_.item_type if isinstance(type_, ARRAY) else type_.impl_instance)
        type_ = cast("TypeEngine[Any]", inner)
    return type_ if isinstance(type_, Enum) and type_.native_enum and type_.name else None


def _schema_of(enum: Enum) -> str | None:
    schema: str | None = getattr(enum, "schema", None)  # untyped
    return schema


def _label_difference(declared: tuple[str, ...], actual: tuple[str, ...] | None) -> str:
    if actual is None:
        return "is not in the database"
    lacks = [label for label in declared if label not in actual]
    more = [label for label in actual if label not in declared]
    parts = [f"lacks {listed(lacks)}"] * bool(lacks) + [f"also has {listed(more)}"] * bool(more)
    if not parts and declared != actual:
        parts = [f"orders its values differently ({', '.join(actual)})"]
    return " and ".join(parts) + (" in the database" if parts else "")


def _shown_type(type_: object, dialect: Dialect) -> str:
    try:
        return cast("TypeEngine[Any]", type_).compile(dialect=dialect)
    except Exception:  # noqa: BLE001 - a user-defined type that cannot be rendered
        return repr(type_)


def _shown_default(default: object) -> str:
    if default is None or default is False:
        return "nothing"
    argument: object = getattr(default, "arg", getattr(default, "sqltext", default))
    return str(getattr(argument, "text", argument))
