"""Turns differences between models, migrations and database into findings, located at the models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import ARRAY, Connection, Dialect, Enum, MetaData, Table, TypeDecorator
from sqlalchemy.types import TypeEngine

from ctrlgen import findings as rules
from ctrlgen.blueprint import Controller
from ctrlgen.drift.catalogue import Catalogue, DatabaseIndex, Owner
from ctrlgen.drift.declared import Declared
from ctrlgen.drift.revisions import Revisions
from ctrlgen.finding import Finding, Location
from ctrlgen.schema import Index, Model

_READS = 100
"""The number of reads of a table after which an index that served none of them is reported as unused."""

Change = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class DeclaredTable:
    """A table of the models' metadata. A link table has neither a model nor a controller."""

    table: Table
    model: Model | None = None
    controller: Controller | None = None

    @property
    def label(self) -> str:
        """The name of the table in messages."""
        return self.model.reference.name if self.model else str(self.table.name)


class Comparison:
    """Compares the models, the migrations and the database.

    Parameters
    ----------
    tables
        Every table of the models' metadata.
    heads
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
        heads: Sequence[str],
        fallback: Location,
    ) -> None:
        self._catalogue = catalogue
        self._declared = declared
        self._revisions = revisions
        self._fallback = fallback
        self._tables = {self._owner(each.table): each for each in tables}
        self._heads = heads
        self._applied = revisions.applied_at(heads) if revisions else set[str]()

    def findings(self, changes: Iterable[Change]) -> Iterator[Finding]:
        """Yield all findings. ``changes`` are the differences that Alembic reports."""
        missing: set[Owner] = set()
        for change in changes:
            if change[0] == "add_table":
                missing.add(self._owner(change[1]))
            yield from self._of_alembic(change)
        for owner, each in self._tables.items():
            if owner not in missing and each.table.key in self._declared.indexes:
                yield from self._of_indexes(owner, each)
                yield from self._of_checks(owner, each)
                yield from self._of_partitioning(owner, each)
        yield from self._of_enums(missing)
        yield from self._of_revisions()
        yield from self._not_compared(missing)

    def _owner(self, table: Table) -> Owner:
        return table.schema or self._catalogue.schema, str(table.name)

    # Differences that Alembic reports.

    def _of_alembic(self, change: Change) -> Iterator[Finding]:
        match change:
            case ("add_table", table):
                each = self._tables[self._owner(table)]
                yield rules.MISSING_TABLE.at(self._place(each), model=each.label, table=table.name)
            case ("remove_table", table):
                yield from self._unknown_table(table)
            case ("add_column", _, _, column):
                each, name, place = self._column(column.table, column.name)
                yield rules.MISSING_COLUMN.at(place, column=name, sql=f"{column.table.name}.{column.name}")
            case ("remove_column", schema, table, column):
                place, label = self._of_owner((schema or self._catalogue.schema, table))
                yield rules.UNKNOWN_COLUMN_IN_DATABASE.at(place, column=f"{table}.{column.name}", model=label)
            case (str(kind), schema, table, column, _, before, after) if kind.startswith("modify_"):
                yield from self._changed_column(kind, (schema or self._catalogue.schema, table), column, before, after)
            case ("add_fk", key):
                each = self._tables[self._owner(key.parent)]
                columns = ", ".join(str(column.name) for column in key.columns)
                what = f"foreign key on {columns} to `{key.referred_table.name}`"
                yield rules.MISSING_CONSTRAINT.at(self._place(each), what=what, model=each.label, consequence="")
            case ("remove_fk", key):
                place, label = self._of_owner(self._owner(key.parent))
                names = {"what": f"foreign key `{key.name}`", "table": key.parent.name, "model": label}
                yield rules.UNKNOWN_CONSTRAINT.at(place, **names)
            case _:
                pass  # indexes and constraints are compared below; comments are not compared

    def _of_owner(self, owner: Owner) -> tuple[Location, str]:
        """Return the location of a table in the database, and its name in messages."""
        each = self._tables.get(owner)
        return (self._place(each), each.label) if each else (self._fallback, owner[1])

    def _unknown_table(self, table: Table) -> Iterator[Finding]:
        if self._owner(table) not in self._catalogue.not_ours:
            yield rules.UNKNOWN_TABLE.at(self._fallback, table=table.name)

    def _changed_column(self, kind: str, owner: Owner, column: str, before: object, after: object) -> Iterator[Finding]:
        each = self._tables[owner]
        _, name, place = self._column(each.table, column)
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

    def _of_indexes(self, owner: Owner, each: DeclaredTable) -> Iterator[Finding]:
        declared = self._declared.indexes[each.table.key]
        actual = self._catalogue.indexes.get(owner, {})
        forms = {index.form for index in actual.values() if index.kind}
        for name, index in declared.items():
            place, methods = self._index_place(each, name, index.form), self._methods(each, name, index.form)
            if name in actual:
                yield from self._of_index(each, index, actual[name], place, methods)
            elif not (index.kind and index.form in forms):  # the name of a constraint is not compared
                yield from self._missing_index(each, index, place, methods)
        declared_forms = {index.form for index in declared.values() if index.kind}
        for name, index in actual.items():
            if name not in declared and not (index.kind and index.form in declared_forms):
                yield self._unknown_index(each, index)

    def _of_index(
        self, each: DeclaredTable, index: DatabaseIndex, actual: DatabaseIndex, place: Location, methods: Sequence[str]
    ) -> Iterator[Finding]:
        if index.form != actual.form:
            names = {"index": index.name, "model": each.label}
            yield rules.DIFFERENT_INDEX.at(place, **names, declared=index.form, database=actual.form)
        if not actual.is_valid:
            consequence = f"; {_listed(methods)} cannot use it" if methods else ""
            yield rules.INVALID_INDEX.at(place, index=index.name, model=each.label, consequence=consequence)
        finders = [method for method in methods if ".find_" in method]
        if finders and _is_unused(actual):
            since = f" since {self._catalogue.statistics_since}" if self._catalogue.statistics_since else ""
            names = {"index": index.name, "methods": _listed(finders), "since": since}
            yield rules.UNUSED_INDEX.at(place, reads=actual.reads, **names)
        if self._revisions and not index.kind and self._revisions.maker_of(index.name) is None:
            yield rules.UNMIGRATED_INDEX.at(place, index=index.name, model=each.label)

    def _missing_index(
        self, each: DeclaredTable, index: DatabaseIndex, place: Location, methods: Sequence[str]
    ) -> Iterator[Finding]:
        if index.kind:
            what = {"p": "primary key", "u": "unique constraint", "x": "exclusion constraint"}[index.kind]
            consequence = f": {_listed(methods)} {'relies' if len(methods) == 1 else 'rely'} on it" if methods else ""
            names = {"what": f"{what} `{index.name}`", "model": each.label, "consequence": consequence}
            yield rules.MISSING_CONSTRAINT.at(place, **names)
            return
        consequence = f": {_listed(methods)} {'scans' if len(methods) == 1 else 'scan'} the table" if methods else ""
        maker = self._maker(index.name)
        yield rules.MISSING_INDEX.at(place, index=index.name, model=each.label, consequence=consequence, maker=maker)

    def _unknown_index(self, each: DeclaredTable, index: DatabaseIndex) -> Finding:
        names = {"table": each.table.name, "model": each.label}
        if index.kind:
            what = f"constraint `{index.name}`, {index.form}"
            return rules.UNKNOWN_CONSTRAINT.at(self._place(each), what=what, **names)
        maker = self._maker(index.name, is_there=True)
        return rules.UNKNOWN_INDEX.at(self._place(each), index=index.name, form=index.form, maker=maker, **names)

    def _maker(self, name: str, *, is_there: bool = False) -> str:
        """Return the part of a message about the migration that creates an index; empty without migrations."""
        if self._revisions is None:
            return ""
        maker = self._revisions.maker_of(name)
        if maker is None:
            return "; no migration creates it"
        if is_there:
            return f"; migration `{maker}` creates it"
        if maker in self._applied:
            return f"; migration `{maker}` created it, but it was dropped later"
        return f"; migration `{maker}`, which is not applied, creates it"

    def _of_checks(self, owner: Owner, each: DeclaredTable) -> Iterator[Finding]:
        declared = self._declared.checks[each.table.key]
        actual = self._catalogue.checks.get(owner, {})
        for name, check in declared.items():
            if name not in actual and check not in actual.values():
                names = {"what": f"constraint `{name}`, {check}", "model": each.label, "consequence": ""}
                yield rules.MISSING_CONSTRAINT.at(self._index_place(each, name), **names)
            elif name in actual and actual[name] != check:
                names = {"check": name, "model": each.label, "declared": check, "database": actual[name]}
                yield rules.DIFFERENT_CHECK.at(self._index_place(each, name), **names)
        for name, check in actual.items():
            if name not in declared and check not in declared.values():
                names = {"what": f"constraint `{name}`, {check}", "table": each.table.name, "model": each.label}
                yield rules.UNKNOWN_CONSTRAINT.at(self._place(each), **names)

    def _of_partitioning(self, owner: Owner, each: DeclaredTable) -> Iterator[Finding]:
        declared, actual = self._declared.partitioning.get(each.table.key), self._catalogue.partitioning.get(owner)
        if declared != actual:
            texts = {"declared": _partitioned(declared), "database": _partitioned(actual)}
            yield rules.DIFFERENT_PARTITIONING.at(self._place(each), model=each.label, **texts)

    # Enums, revisions, and objects that cannot be compared.

    def _of_enums(self, missing: set[Owner]) -> Iterator[Finding]:
        seen: set[tuple[str, str]] = set()
        for owner, each in self._tables.items():
            for column in each.table.columns if owner not in missing else ():
                enum = _native_enum(column.type)
                if enum is None or (key := (_schema_of(enum) or self._catalogue.schema, str(enum.name))) in seen:
                    continue
                seen.add(key)
                difference = _label_difference(tuple(enum.enums), self._catalogue.enums.get(key))
                if difference:
                    _, name, place = self._column(each.table, str(column.name))
                    yield rules.DIFFERENT_ENUM.at(place, enum=key[1], column=name, difference=difference)

    def _of_revisions(self) -> Iterator[Finding]:
        if self._revisions is None or self._revisions.head is None or self._revisions.head in self._heads:
            return
        at, head = ", ".join(self._heads), self._revisions.head
        if not self._heads:
            problem = f"has no revision: no migration was applied, and the head is `{head}`"
        elif self._revisions.parents.keys().isdisjoint(self._heads):
            problem = f"is at revision `{at}`, which is not in the migrations; their head is `{head}`"
        else:
            problem = f"is at revision `{at}`, but the head of the migrations is `{head}`"
        yield rules.OTHER_REVISION.at(self._fallback, problem=problem)

    def _not_compared(self, missing: set[Owner]) -> Iterator[Finding]:
        by_reason: dict[str, list[DeclaredTable]] = {}
        for owner, each in self._tables.items():
            if owner not in missing and each.table.key in self._declared.unknown:
                by_reason.setdefault(self._declared.unknown[each.table.key], []).append(each)
        for reason, tables in by_reason.items():
            what = f"indexes and CHECK constraints of {_listed([each.label for each in tables])}"
            yield rules.NOT_COMPARED.at(self._place(tables[0]), what=what, reason=reason)
        unreadable = self._revisions.unreadable.items() if self._revisions else ()
        for revision, reason in unreadable:
            what = f"the result of migration `{revision}`"
            yield rules.NOT_COMPARED.at(self._fallback, what=what, reason=f"the migration needs a database ({reason})")

    # Names and locations.

    def _place(self, each: DeclaredTable) -> Location:
        return each.model.location if each.model else self._fallback

    def _column(self, table: Table, name: str) -> tuple[DeclaredTable, str, Location]:
        """Return the table of a column, the name of the column in messages, and its location."""
        each = self._tables[self._owner(table)]
        for column in each.model.columns if each.model else ():
            if column.name == name:
                return each, f"{each.label}.{column.attribute}", column.location
        return each, f"{each.label}.{name}", self._place(each)

    def _index_place(self, each: DeclaredTable, name: str, form: str = "") -> Location:
        index = _index_of(each, name, form)
        return index.location if index else self._place(each)

    def _methods(self, each: DeclaredTable, name: str, form: str) -> list[str]:
        """Return the finders and getters that an index serves, without their variants."""
        index, controller = _index_of(each, name, form), each.controller
        methods = controller.methods if controller and index else ()
        kinds = ("find", "get")
        return [
            f"db.{controller.module}.{method.name}"
            for method in methods
            if controller and method.kind in kinds and method.index == index
        ]


def _index_of(each: DeclaredTable, name: str, form: str) -> Index | None:
    """Return the index of a model by name, or an unnamed constraint by its columns."""
    indexes = each.model.indexes if each.model else ()
    columns = {column.attribute: column.name for column in each.model.columns} if each.model else {}
    for index in indexes:
        own = f"UNIQUE btree ({', '.join(columns[attribute] for attribute in index.columns)})"
        if index.name == name or (index.name is None and form.replace('"', "") == own):
            return index
    return None


def alembic_changes(connection: Connection, metadata: Sequence[MetaData], schemas: set[str | None]) -> list[Change]:
    """Return the differences that Alembic finds in the schemas of the models."""

    def is_included(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "schema" or name in schemas

    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_schemas": schemas != {None},
        "include_name": is_included,
    }
    context = MigrationContext.configure(connection, opts=options)
    every = cast("MetaData", [*metadata])  # Alembic accepts a list, but does not annotate it
    found = cast("list[Change | list[Change]]", compare_metadata(context, every))
    return [change for each in found for change in (each if isinstance(each, list) else [each])]


def current_heads(connection: Connection) -> tuple[str, ...]:
    """Return the current revisions of the database; empty if Alembic has never run there."""
    return MigrationContext.configure(connection).get_current_heads()


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
    parts = [f"lacks {_listed(lacks)}"] * bool(lacks) + [f"also has {_listed(more)}"] * bool(more)
    if not parts and declared != actual:
        parts = [f"orders its values differently ({', '.join(actual)})"]
    return " and ".join(parts) + (" in the database" if parts else "")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


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


def declared_tables(
    metadata: Iterable[MetaData], models: Mapping[str, tuple[Model, Controller | None]]
) -> list[DeclaredTable]:
    """Return all tables of the metadata with their models, if any, by the table's key."""
    tables: dict[str, Table] = {table.key: table for each in metadata for table in each.sorted_tables}
    return [DeclaredTable(table, *models.get(key, (None, None))) for key, table in tables.items()]
