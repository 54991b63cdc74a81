"""The tables, columns, constraints, indexes and enums that the migrations create, as their SQL says.

``revisions`` passes the SQL of each migration in order, and ``comparison`` asks which revision creates an object. The
SQL is not executed. What cannot be read is taken as creating what it names, so that a finding is never a guess: a
migration that needs a database, the body of a ``DO`` statement, the columns of ``CREATE TABLE ... AS``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeVar

from sqlglot.errors import SqlglotError

from ctrlgen.drift.sql_words import Name, SqlReader, Word, first_words, parts, split_statements

T = TypeVar("T")

PRIMARY_KEY, UNIQUE, FOREIGN_KEY, CHECK, EXCLUSION = "p", "u", "f", "c", "x"
"""The kinds of constraints, as in ``pg_constraint.contype``."""
_OPTIONAL = frozenset({"concurrently", "if", "not", "exists", "only", "unique"})
"""Keywords between ``CREATE INDEX``, ``DROP TABLE`` and so on, and the name."""
_DEFINING = re.compile(r"\b(?:create|alter|execute)\b", re.IGNORECASE)
"""What a ``DO`` statement contains if it changes more than rows."""
_CONSTRAINTS = frozenset({"constraint", "primary", "unique", "foreign", "check"})
"""The first keywords of a constraint of a table. A column may be called ``exclude``."""


@dataclass(slots=True)
class MigratedConstraint:
    """A constraint; ``columns`` is None if they are not known."""

    revision: str
    kind: str
    columns: frozenset[str] | None


@dataclass(slots=True)
class MigratedTable:
    """A table. ``revision`` is None for a table that migrations change, but do not create.

    ``is_open`` says that it also has columns that its statements do not list. A constraint without a name has a key
    that is no name.
    """

    revision: str | None
    names: set[str]
    columns: dict[str, str] = field(default_factory=dict[str, str])
    constraints: dict[str, MigratedConstraint] = field(default_factory=dict[str, MigratedConstraint])
    is_open: bool = False
    is_partitioned: bool = False


@dataclass(slots=True)
class MigratedIndex:
    """An index, with the names of its columns unless it has an expression."""

    revision: str
    table: str
    columns: frozenset[str]
    is_unique: bool


@dataclass(slots=True)
class MigratedEnum:
    """An enum. ``revision`` is None for a type that migrations change, but do not create."""

    revision: str | None
    labels: set[str] = field(default_factory=set[str])


@dataclass(slots=True)
class MigratedSchema:
    """All objects that the migrations create, and the text of what cannot be read, by revision."""

    tables: dict[Name, MigratedTable] = field(default_factory=dict[Name, MigratedTable])
    indexes: dict[str, MigratedIndex] = field(default_factory=dict[str, MigratedIndex])
    enums: dict[Name, MigratedEnum] = field(default_factory=dict[Name, MigratedEnum])
    unread: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    # Questions of the comparison.

    def table(self, schema: str | None, name: str) -> MigratedTable | None:
        """Return a table. A schema that is not written may be any schema, because the search path is not known."""
        return _same(self.tables, schema, name)

    def _table(self, schema: str | None, name: str) -> MigratedTable:
        return self.table(schema, name) or MigratedTable(None, {name})

    def enum(self, schema: str | None, name: str) -> MigratedEnum | None:
        """Return an enum."""
        return _same(self.enums, schema, name)

    def table_revision(self, schema: str | None, name: str) -> str | None:
        """Return the revision that creates a table."""
        table = self._table(schema, name)
        return table.revision or self.naming(*table.names)

    def column_revision(self, schema: str | None, name: str, column: str) -> str | None:
        """Return the revision that creates a column of a table."""
        table = self._table(schema, name)
        return table.columns.get(column) or (table.revision if table.is_open else None) or self.naming(column)

    def may_have_more(self, schema: str | None, name: str) -> bool:
        """Return whether a table may have constraints that cannot be read."""
        table = self.table(schema, name)
        return table is None or table.is_open or self.naming(*table.names) is not None

    def has_key(self, schema: str | None, name: str, kind: str, columns: frozenset[str]) -> bool:
        """Return whether a table has a constraint of a kind on these columns. A unique index is a unique key, too."""
        table = self._table(schema, name)
        return any(
            constraint.kind == kind and constraint.columns in {None, columns}
            for constraint in table.constraints.values()
        ) or (
            kind == UNIQUE
            and any(
                index.is_unique and index.table == name and index.columns == columns for index in self.indexes.values()
            )
        )

    def has_check(self, schema: str | None, name: str, names: set[str]) -> bool:
        """Return whether a table has a CHECK constraint of one of these names, or without a name."""
        table = self._table(schema, name)
        return any(
            each in names or (constraint.kind == CHECK and each.startswith("("))
            for each, constraint in table.constraints.items()
        )

    def index_revision(self, name: str) -> str | None:
        """Return the revision that creates an index, or the constraint of this name."""
        if name in self.indexes:
            return self.indexes[name].revision
        named = (table.constraints[name].revision for table in self.tables.values() if name in table.constraints)
        return next(named, None) or self.naming(name)

    def naming(self, *names: str) -> str | None:
        """Return the first revision with text that cannot be read and may create an object of one of these names."""
        pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)|\.create_all\b")
        return next((revision for revision, text in self.unread if pattern.search(text)), None)

    # Changes by migrations.

    def apply(self, sql: str, revision: str) -> None:
        """Apply statements of a migration."""
        try:
            statements = [*split_statements(sql)]
        except SqlglotError:
            self.unread.append((revision, sql))
            return
        for statement in statements:
            self._apply(SqlReader(statement), revision)

    def _apply(self, words: SqlReader, revision: str) -> None:
        if words.take("do"):
            bodies = [word.text for word in words.rest() if not word.is_name]
            self.unread += [(revision, body) for body in bodies if _DEFINING.search(body)]
        elif words.take("create"):
            self._create(words, revision)
        elif words.take("drop"):
            self._drop(words)
        elif words.take("alter"):
            words.skip({"foreign"})
            if words.take("table"):
                self._alter_table(words, revision)
            elif words.take("type"):
                self._alter_type(words)
            elif words.take("index"):
                words.skip(_OPTIONAL)
                name = words.qualified()[1]
                if words.take("rename", "to") and (index := self.indexes.pop(name, None)):
                    self.indexes[words.name()] = index

    def _create(self, words: SqlReader, revision: str) -> None:
        words.skip({"global", "local", "unlogged", "foreign"})
        is_unique = words.take("unique")
        if words.take("table"):
            self._create_table(words, revision)
        elif words.take("index"):
            words.skip(_OPTIONAL)
            if words.next_is("on"):
                return  # PostgreSQL chooses the name
            name = words.qualified()[1]
            if words.take("on"):
                words.skip(_OPTIONAL)
                table = words.qualified()[1]
                _ = words.until("(")
                self.indexes[name] = MigratedIndex(revision, table, first_words(words.group()), is_unique)
        elif words.take("type"):
            enum = words.qualified()
            if words.take("as", "enum"):
                self.enums[enum] = MigratedEnum(revision, {word.text for word in words.group() if not word.is_name})

    def _create_table(self, words: SqlReader, revision: str) -> None:
        words.skip(_OPTIONAL)
        name = words.qualified()
        known = self.tables.get(name)
        if known and known.revision:
            return  # IF NOT EXISTS
        table = known or MigratedTable(None, {name[1]})
        table.revision = revision
        self.tables[name] = table
        if words.next_is("("):
            for element in parts(words.group()):
                _add(table, element, revision)
        else:
            table.is_open = True  # PARTITION OF, OF a type, AS
        rest = [word.text for word in words.rest() if word.is_name and not word.is_quoted]
        table.is_partitioned = ("partition", "by") in pairwise(rest)
        table.is_open |= "inherits" in rest or "as" in rest

    def _drop(self, words: SqlReader) -> None:
        words.skip({"foreign"})
        kinds = [kind for kind in ("table", "index", "type") if words.take(kind)]
        if not kinds:
            return
        words.skip(_OPTIONAL)
        for part in parts(words.rest()):
            name = SqlReader(part).qualified()
            if kinds == ["index"]:
                _ = self.indexes.pop(name[1], None)
            elif kinds == ["type"]:
                _ = self.enums.pop(name, None)
            elif self.tables.pop(name, None):
                for index in [each for each, of in self.indexes.items() if of.table == name[1]]:
                    del self.indexes[index]

    def _alter_table(self, words: SqlReader, revision: str) -> None:
        words.skip(_OPTIONAL)
        name = words.qualified()
        table = self.tables.setdefault(name, MigratedTable(None, {name[1]}))
        for action in map(SqlReader, parts(words.rest())):
            if action.take("add"):
                _ = action.take("column")
                action.skip(_OPTIONAL - {"unique"})
                _add(table, action.rest(), revision)
            elif action.take("drop", "constraint"):
                action.skip(_OPTIONAL)
                _ = table.constraints.pop(action.name(), None)
            elif action.take("drop"):
                _ = action.take("column")
                action.skip(_OPTIONAL)
                _drop_column(table, action.name())
            elif action.take("rename", "constraint"):
                constraint = table.constraints.pop(action.name(), None)
                if action.take("to") and constraint:
                    table.constraints[action.name()] = constraint
            elif action.take("rename", "to"):
                self._move(name, (name[0], action.name()))
            elif action.take("rename"):
                _ = action.take("column")
                before = action.name()
                if action.take("to"):
                    _rename_column(table, before, action.name())
            elif action.take("set", "schema"):
                self._move(name, (action.name(), name[1]))
            elif action.take("inherit"):
                table.is_open = True

    def _move(self, before: Name, after: Name) -> None:
        """Give a table another name or schema."""
        table = self.tables.pop(before)
        table.names.add(after[1])
        self.tables[after] = table
        for index in self.indexes.values():
            if index.table == before[1]:
                index.table = after[1]

    def _alter_type(self, words: SqlReader) -> None:
        name = words.qualified()
        enum = self.enums.setdefault(name, MigratedEnum(None))
        if words.take("add", "value"):
            words.skip(_OPTIONAL)
            enum.labels.add(words.name())
        elif words.take("rename", "value"):
            enum.labels.discard(words.name())
            if words.take("to"):
                enum.labels.add(words.name())
        elif words.take("rename", "to"):
            self.enums[name[0], words.name()] = self.enums.pop(name)
        elif words.take("set", "schema"):
            self.enums[words.name(), name[1]] = self.enums.pop(name)


def _same(objects: Mapping[Name, T], schema: str | None, name: str) -> T | None:
    """Return the object of a name in a schema, or in one that is not known."""
    for key in ((schema, name), (None, name)):
        if key in objects:
            return objects[key]
    others = (each for (_, other), each in objects.items() if other == name)
    return next(others, None) if schema is None else None


# Columns and constraints.


def _add(table: MigratedTable, element: Sequence[Word], revision: str) -> None:
    """Add an element of CREATE TABLE or ADD: a column with its constraints, or a constraint."""
    words = SqlReader(element)
    if words.take("like"):
        table.is_open = True
    elif element and (element[0].is_any(_CONSTRAINTS) or _is_exclusion(element)):
        _add_constraints(table, words, None, revision)
    elif element:
        column = words.name()
        table.columns.setdefault(column, revision)
        _add_constraints(table, words, column, revision)


def _add_constraints(table: MigratedTable, words: SqlReader, column: str | None, revision: str) -> None:
    """Add the constraint of a table, or those of a column."""
    own = frozenset({column}) if column else None
    while not words.at_end():
        name = words.name() if words.take("constraint") else ""
        kind = _kind(words)
        if kind is None:
            if words.next_is("("):
                _ = words.group()
            else:
                words.step()
            continue
        columns = own
        if column is None and kind in {PRIMARY_KEY, UNIQUE, FOREIGN_KEY} and words.until("("):
            columns = first_words(words.group())
        table.constraints[name or f"({len(table.constraints)} {kind})"] = MigratedConstraint(revision, kind, columns)
        if column is None:
            return


def _is_exclusion(element: Sequence[Word]) -> bool:
    """Return whether this is an exclusion constraint, and not a column of the name ``exclude``."""
    return len(element) > 1 and element[0].is_any({"exclude"}) and element[1].is_any({"using", "("})


def _kind(words: SqlReader) -> str | None:
    """Return the kind of the constraint that begins here."""
    keywords = {
        ("primary", "key"): PRIMARY_KEY,
        ("unique",): UNIQUE,
        ("foreign", "key"): FOREIGN_KEY,
        ("references",): FOREIGN_KEY,
        ("check",): CHECK,
        ("exclude",): EXCLUSION,
    }
    return next((kind for keyword, kind in keywords.items() if words.take(*keyword)), None)


def _drop_column(table: MigratedTable, column: str) -> None:
    """Remove a column, and the constraints on it."""
    _ = table.columns.pop(column, None)
    for name, constraint in [*table.constraints.items()]:
        if constraint.columns and column in constraint.columns:
            del table.constraints[name]


def _rename_column(table: MigratedTable, before: str, after: str) -> None:
    if revision := table.columns.pop(before, None):
        table.columns[after] = revision
    for constraint in table.constraints.values():
        if constraint.columns and before in constraint.columns:
            constraint.columns = constraint.columns - {before} | {after}
