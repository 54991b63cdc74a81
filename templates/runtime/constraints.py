"""The constraint that an error of the server is about, by the names that the model declares.

For a row of a partition PostgreSQL names the partition and its own index, as ``member_1`` and
``member_1_guild_id_name_key``. The columns of the key determine the constraint of the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlmodel import SQLModel

_KEY = re.compile(r"\((.+?)\) ?= ?\(")  # of the details, in any language
_OF_FOREIGN_KEYS = {"23001", "23503"}
_PLAIN = re.compile(r'"(?:[^"]|"")+"|\w+')
_LONGEST = 63  # PostgreSQL shortens longer names

Key: TypeAlias = tuple[str | None, ...]
"""The columns of a key by name; None for an expression."""


@dataclass(frozen=True)
class ViolatedConstraint:
    """A violated constraint with its attributes; ``referencing`` is the table whose rows still refer to the row."""

    name: str | None
    columns: tuple[str, ...] = ()
    referencing: str | None = None


def violated_constraint(model: type[SQLModel] | None, cause: Any) -> ViolatedConstraint:
    """Return the constraint that an error of the driver is about."""
    reported, owner, of_foreign_key = cause.constraint_name, cause.table_name, cause.sqlstate in _OF_FOREIGN_KEYS
    still_referenced = of_foreign_key and " still referenced " in (cause.detail or "")
    if model is None:
        return ViolatedConstraint(reported, (), owner if still_referenced else None)
    table, columns = cast("sa.Table", cast("Any", sa.inspect(model)).local_table), _columns(model, cause)
    if not is_partitioned(table) or not reported:
        still_referenced |= of_foreign_key and owner != table.name
        return ViolatedConstraint(reported, columns, owner if still_referenced else None)
    key = _key_of(cause)
    if not of_foreign_key:
        is_partition = owner != table.name and owner not in _table_names(table)
        return ViolatedConstraint(_named(_keys(table), key, reported) if is_partition else reported, columns)
    own = [(name, names) for _, name, names in _foreign_keys(table)]
    if any(names == key if key else name == reported for name, names in own):
        return ViolatedConstraint(_named(own, key, reported), columns)
    tables = (other for other in table.metadata.tables.values() if other.name == owner)
    referring = [pair for other in tables for pair in _references(other, table)]
    return ViolatedConstraint(_named(referring, key, reported), columns, owner)


def is_partitioned(table: sa.Table) -> bool:
    """Return whether the model declares that its table is partitioned."""
    return bool(table.dialect_options["postgresql"].get("partition_by"))


def _named(declared: Iterable[tuple[str, Key]], key: Key | None, reported: str) -> str:
    """Return the only declared name with this key, or else the name that the server reported."""
    names = {name for name, columns in declared if columns == key and len(name) <= _LONGEST}
    return names.pop() if len(names) == 1 else reported


def _keys(table: sa.Table) -> Iterator[tuple[str, Key]]:
    """Yield the keys and exclusion constraints of a table; those without a name have PostgreSQL's default."""
    for constraint in table.constraints:
        columns = [str(column.name) for column in getattr(constraint, "columns", ())]
        match constraint:
            case sa.PrimaryKeyConstraint():
                yield _name(constraint, table, [], "pkey"), tuple(columns)
            case sa.UniqueConstraint():
                yield _name(constraint, table, columns, "key"), tuple(columns)
            case ExcludeConstraint():
                yield _name(constraint, table, columns, "excl"), tuple(columns)
            case _:
                pass
    for index in table.indexes:
        if index.unique:
            yield str(index.name), tuple([_plain(expression) for expression in cast("list[Any]", index.expressions)])


def _foreign_keys(table: sa.Table) -> Iterator[tuple[sa.ForeignKeyConstraint, str, Key]]:
    """Yield the foreign keys of a table, with their names and columns."""
    for constraint in table.foreign_key_constraints:
        columns = [str(element.parent.name) for element in constraint.elements]
        yield constraint, _name(constraint, table, columns, "fkey"), tuple(columns)


def _references(table: sa.Table, referred: sa.Table) -> Iterator[tuple[str, Key]]:
    """Yield the foreign keys of one table to another, with the columns that they refer to."""
    for constraint, name, _ in _foreign_keys(table):
        targets = [element.target_fullname.rpartition(".") for element in constraint.elements]
        if targets[0][0] == referred.fullname:
            yield name, tuple([column for _, _, column in targets])


def _name(constraint: sa.Constraint, table: sa.Table, columns: Sequence[str], kind: str) -> str:
    return constraint.name if isinstance(constraint.name, str) else "_".join([str(table.name), *columns, kind])


def _plain(expression: Any) -> str | None:
    return str(expression.name) if isinstance(expression, sa.Column) else _unquoted(str(expression))


def _unquoted(text: str) -> str | None:
    """Return the name of a column, or None for another expression."""
    return text.strip('"').replace('""', '"') if _PLAIN.fullmatch(text) else None


def _table_names(table: sa.Table) -> set[str]:
    return {str(other.name) for other in table.metadata.tables.values()}


def _key_of(cause: Any) -> Key | None:
    """Return the key that PostgreSQL names: ``Key (guild_id, lower(name))=(...)``."""
    if (match := _KEY.search(cause.detail or "")) is None:
        return None
    parts, depth = [""], 0
    for character in match[1]:
        depth += (character == "(") - (character == ")")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return tuple([_unquoted(part.strip()) for part in parts])


def _columns(model: type[SQLModel], cause: Any) -> tuple[str, ...]:
    """Return the attributes of the key that PostgreSQL names, or of a single column."""
    key = _KEY.search(cause.detail or "")
    names = cause.column_name or (key[1] if key else "")
    columns = {
        attribute.key: str(attribute.columns[0].name) for attribute in cast("Any", sa.inspect(model)).column_attrs
    }
    return tuple(name for name, column in columns.items() if re.search(rf"\b{re.escape(column)}\b", names))
