"""Writes many rows with few statements: a column's values go in one array, so that no number of rows is too many."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlmodel import SQLModel

from .arrays import array_of, converts, fits_array
from .entity import Entity, expressions_of
from .filters import where_of
from .statements import Assignment, insert_row, update_row, upsert_row, upserting

M = TypeVar("M", bound=SQLModel)
Row: TypeAlias = Mapping[str, object]

_CHUNK = 10_000


def insert_rows(entity: Entity[M], connection: sa.Connection, rows: Sequence[Row]) -> list[M]:
    """Insert rows and return them in the same order."""
    stored: dict[int, M] = {}
    for numbers, names in _alike(entity, rows, inserting=True):
        chosen = [rows[number] for number in numbers]
        if names is None:
            assigned = [Assignment(entity, row) for row in chosen]
            found = [_one(entity, connection, insert_row(entity, one), one.values) for one in assigned]
        else:
            statement = _insert_from(entity, chosen, names).returning(*entity.hydrator.stored)
            found = entity.hydrator.objects(connection, statement)
        stored.update(zip(numbers, found, strict=True))
    return [stored[number] for number in range(len(rows))]


def upsert_rows(
    entity: Entity[M], connection: sa.Connection, rows: Sequence[Row], given: Sequence[Row], keys: Collection[str]
) -> list[M]:
    """Insert rows, or set what was given of those whose key is there, and return them in the same order."""
    stored: dict[int, M] = {}
    singly = any(key not in entity.columns for key in keys) or bool(entity.onupdates)
    for batch in _without_repeats(rows, keys):
        groups: dict[tuple[str, ...], list[int]] = {}
        for number in batch:
            groups.setdefault(tuple(given[number]), []).append(number)
        for changed, members in groups.items():
            for positions, names in _alike(entity, [rows[number] for number in members], inserting=True):
                numbers = [members[position] for position in positions]
                chosen = [rows[number] for number in numbers]
                if names is None or singly:
                    found = [_one(entity, connection, *upsert_row(entity, row, keys, None, changed)) for row in chosen]
                else:
                    statement = upserting(entity, _insert_from(entity, chosen, names), keys, None, changed, {})
                    found = entity.hydrator.objects(connection, statement.returning(*entity.hydrator.stored))
                stored.update(zip(numbers, found, strict=True))
    named = [_key_of(row, keys) for row in rows]
    last = {key: number for number, key in enumerate(named)}
    return [stored[number if key is None else last[key]] for number, key in enumerate(named)]


def update_rows(entity: Entity[Any], connection: sa.Connection, rows: Sequence[Row]) -> int:
    """Set values of the rows with these primary keys, and return how many were there."""
    updated, keys = 0, entity.primary_key
    if entity.onupdates:
        rows = [{**entity.updated(row), **row} if len(row) > len(keys) else row for row in rows]
    for batch in _without_repeats(rows, keys):
        chosen = [rows[number] for number in batch]
        for numbers, names in _alike(entity, chosen, inserting=False):
            alike = [chosen[number] for number in numbers]
            if names is None:
                updated += sum(_update_one(entity, connection, row) for row in alike)
                continue
            table = _values_of(entity, alike, names)
            same = [column == table.c[name] for name, column in keys.items()]
            sets = {entity.columns[name]: table.c[name] for name in names if name not in keys}
            if not sets:  # how many are there is all there is to tell
                updated += (
                    connection.scalar(sa.select(sa.func.count()).select_from(entity.table).join(table, sa.and_(*same)))
                    or 0
                )
                continue
            updated += connection.execute(sa.update(entity.table).where(*same).values(sets)).rowcount
    return updated


def _update_one(entity: Entity[Any], connection: sa.Connection, row: Row) -> int:
    where = where_of(entity, {name: row[name] for name in entity.primary_key})
    changes = Assignment(entity, {name: value for name, value in row.items() if name not in entity.primary_key})
    statement = update_row(entity, where, changes)
    return len(entity.hydrator.objects(connection, statement, {**where.values, **changes.values}))


def _one(entity: Entity[M], connection: sa.Connection, statement: sa.Executable, values: Row) -> M:
    return entity.hydrator.objects(connection, statement, values)[0]


def _key_of(row: Row, keys: Collection[str]) -> tuple[object, ...] | None:
    """Return the key of a row; None where a part of it is NULL, or yet to be made: no other row has the same."""
    key = tuple([row.get(name) for name in keys])
    return None if None in key else key


def _alike(
    entity: Entity[Any], rows: Sequence[Row], *, inserting: bool
) -> Iterator[tuple[list[int], tuple[str, ...] | None]]:
    """Yield the rows that give the same columns, by number, and those; None for columns that fit in no array."""
    groups: dict[tuple[str, ...] | None, list[int]] = {}
    defaults = {name for name, column in entity.columns.items() if column.default is not None}
    lists = {name for name, column in entity.columns.items() if not fits_array(column.type)}
    own = [name for name, column in entity.columns.items() if converts(column.type)]
    known = dict[tuple[str, ...], tuple[str, ...] | None]()  # which columns fit, by the order they are given in
    for number, row in enumerate(rows):
        given = tuple(row)
        if given not in known:
            fits = given and lists.isdisjoint(given) and (not inserting or defaults <= row.keys())
            known[given] = tuple(sorted(given)) if fits else None
        names = known[given]
        # None is NULL, whatever types of the author's own make of it
        if expressions_of(row) or any(row.get(name, ...) is None for name in own):
            names = None
        groups.setdefault(names, []).append(number)
    for group, numbers in groups.items():
        for begin in range(0, len(numbers), _CHUNK):
            yield numbers[begin : begin + _CHUNK], group


def _without_repeats(rows: Sequence[Row], keys: Collection[str]) -> Iterator[list[int]]:
    """Yield the rows in batches in which no key is there twice, as one statement must not touch a row twice."""
    waiting: Iterable[int] = range(len(rows))
    while waiting:
        seen = set[tuple[object, ...] | None]()
        batch: list[int] = []
        later: list[int] = []
        for number in waiting:
            key = _key_of(rows[number], keys)
            (later if key in seen else batch).append(number)
            if key is not None:
                seen.add(key)
        yield batch
        waiting = later


def _insert_from(entity: Entity[Any], rows: Sequence[Row], names: Sequence[str]) -> Insert:
    table = _values_of(entity, rows, names)
    source = sa.select(*(table.c[name] for name in names)).order_by(table.c["_number"])
    return insert(entity.table).from_select([entity.columns[name] for name in names], source)


def _values_of(entity: Entity[Any], rows: Sequence[Row], names: Sequence[str]) -> sa.FromClause:
    """Return the values as a table of its own, with the rows numbered."""
    columns = [entity.columns[name] for name in names]
    arrays = [
        sa.literal([row[name] for row in rows], array_of(column.type))
        for name, column in zip(names, columns, strict=True)
    ]
    parts = [sa.column(name, column.type) for name, column in zip(names, columns, strict=True)]
    return sa.func.unnest(*arrays).table_valued(*parts, with_ordinality="_number").render_derived(name="_given")
