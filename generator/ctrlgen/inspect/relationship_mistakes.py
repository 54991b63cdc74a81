"""Explains why SQLAlchemy cannot configure a relationship, in the words of the models, with the line to write.

``mappers`` calls :func:`mistake_in` for an exception that SQLAlchemy raises. Its messages name mappers and arguments of
``relationship()``, which a model with ``Relationship()`` does not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Column, ForeignKey, Table
from sqlalchemy.exc import AmbiguousForeignKeysError, NoForeignKeysError
from sqlalchemy.orm import Mapper, RelationshipProperty

from ctrlgen.errors import closest, message_of

_NO_SUCH_OTHER_SIDE = re.compile(
    r"has no property '(.+?)'|refers to attribute '[^']*?\.?(\w+)' that is not a relationship"
)
_SECONDARY = re.compile(r"via secondary table '(.+?)'")
_SAME_DIRECTION = "are both of the same direction"
_SEVERAL_CLASSES = re.compile(r'Multiple classes found for path "(.+?)"')


@dataclass(frozen=True, slots=True)
class Mistake:
    """The mistake in a relationship, and the correction. ``attribute`` is the relationship to correct."""

    problem: str
    hint: str
    attribute: str


def mistake_in(relationship: RelationshipProperty[Any], error: Exception) -> Mistake | None:
    """Return the mistake in a relationship that SQLAlchemy cannot configure, if it is a known one."""
    message = message_of(error)
    if several := _SEVERAL_CLASSES.search(message):
        return _several_classes(relationship, several[1])
    target = _target(relationship)
    if target is None:
        return None
    if unknown := _NO_SUCH_OTHER_SIDE.search(message):
        return _wrong_other_side(relationship, target, unknown[1] or unknown[2])
    if _SAME_DIRECTION in message:
        return _same_direction(relationship, target)
    through = _SECONDARY.search(message)
    link = _table(target).metadata.tables.get(through[1]) if through else None
    if isinstance(error, NoForeignKeysError):
        return _no_foreign_key(relationship, target, link)
    if isinstance(error, AmbiguousForeignKeysError):
        return _several_foreign_keys(relationship, target, link)
    return None


def _target(relationship: RelationshipProperty[Any]) -> Mapper[Any] | None:
    try:
        return relationship.mapper
    except Exception:  # noqa: BLE001 - the class may be what is missing
        return None


def _several_classes(relationship: RelationshipProperty[Any], name: str) -> Mistake:
    classes = {each.class_ for each in relationship.parent.registry.mappers if each.class_.__name__ == name}
    paths = sorted({f"{cls.__module__}.{cls.__qualname__}" for cls in classes})
    quoted = " or ".join(f'"{path}"' for path in paths)
    hint = f"write its path, {quoted}" if len(paths) > 1 else "give one of them another name"
    return Mistake(f"refers to `{name}`, which is the name of several classes", hint, relationship.key)


def _wrong_other_side(relationship: RelationshipProperty[Any], target: Mapper[Any], written: str) -> Mistake:
    other = target.class_.__name__
    problem = f"names `{written}` in `back_populates`, but `{other}` has no relationship of that name"
    names = [each.key for each in _relationships(target) if _refers_to(each, relationship.parent)]
    if suggestion := closest(written, names) or (names[0] if len(names) == 1 else None):
        return Mistake(problem, f'did you mean `back_populates="{suggestion}"`?', relationship.key)
    model = relationship.parent.class_.__name__
    declaration = f'{written}: "{model}" = Relationship(back_populates="{relationship.key}")'
    return Mistake(problem, f"declare it in `{other}`, `{declaration}`, or omit `back_populates`", relationship.key)


def _same_direction(relationship: RelationshipProperty[Any], target: Mapper[Any]) -> Mistake:
    if target is not relationship.parent:
        problem = (
            f"and its `back_populates` in `{target.class_.__name__}` follow the same foreign key in the same direction"
        )
        return Mistake(problem, "pair each relationship with the one that follows the same key back", relationship.key)
    sides = [relationship, *(each for each in _relationships(target) if each.key == relationship.back_populates)]
    single = next((each.key for each in sides if not _is_list(each)), relationship.key)
    keys = ", ".join(f"{target.class_.__name__}.{column.key}" for column in target.primary_key)
    remote = f'Relationship(..., sa_relationship_kwargs={{"remote_side": "{keys}"}})'
    problem = "refers to its own table, and SQLAlchemy cannot determine which side is the single row"
    return Mistake(problem, f"write `{single}: ... = {remote}`", single)


def _no_foreign_key(relationship: RelationshipProperty[Any], target: Mapper[Any], link: Table | None) -> Mistake:
    parent = relationship.parent
    names = f"`{parent.class_.__name__}` and `{target.class_.__name__}`"
    if link is not None:
        unlinked = [each for each in (parent, target) if not any(_keys(link, _table(each)))]
        lines = " and ".join(f"`{_foreign_key(each, extra=', primary_key=True')}`" for each in unlinked)
        return Mistake(
            f"goes through the table `{link.name}`, which does not reference both {names}",
            f"declare {lines} in the class of `link_model`",
            relationship.key,
        )
    back = next((each for each in _relationships(target) if each.key == relationship.back_populates), None)
    if _is_list(relationship) and back is not None and _is_list(back):
        hint = "declare a table that references both, and name its class in both: `Relationship(link_model=...)`"
        return Mistake(f"is a list on both sides, and no table links {names}", hint, relationship.key)
    child, other = (target, parent) if _is_list(relationship) else (parent, target)
    hint = f"declare in `{child.class_.__name__}`: `{_foreign_key(other)}`"
    return Mistake(f"needs a foreign key, and none joins {names}", hint, relationship.key)


def _several_foreign_keys(relationship: RelationshipProperty[Any], target: Mapper[Any], link: Table | None) -> Mistake:
    parent = relationship.parent
    if link is not None:
        hint = 'set "primaryjoin" and "secondaryjoin" in `sa_relationship_kwargs`'
        return Mistake("goes through a table with several foreign keys to one side", hint, relationship.key)
    foreign_keys = [
        (mapper, key)
        for mapper, other in ((parent, target), (target, parent))
        for key in _keys(_table(mapper), _table(other))
    ]
    paths = [f"{mapper.class_.__name__}.{_attribute(mapper, key.parent)}" for mapper, key in foreign_keys]
    expected_name = f"{relationship.key}_id" if not _is_list(relationship) else f"{relationship.back_populates}_id"
    likely = closest(expected_name, [path.partition(".")[2] for path in paths])
    path = next((path for path in paths if path.endswith(f".{likely}")), paths[0])
    hint = f'write `Relationship(..., sa_relationship_kwargs={{"foreign_keys": "{path}"}})`'
    return Mistake(
        f"could follow several foreign keys: {', '.join(f'`{each}`' for each in paths)}", hint, relationship.key
    )


def _relationships(mapper: Mapper[Any]) -> Iterator[RelationshipProperty[Any]]:
    """Yield the relationships of a class, without configuring the mapper."""
    names: dict[str, object] = getattr(mapper.class_, "__sqlmodel_relationships__", {})
    for name in names:
        declared: object = getattr(getattr(mapper.class_, name, None), "prop", None)
        if isinstance(declared, RelationshipProperty):
            yield declared


def _is_list(relationship: RelationshipProperty[Any]) -> bool:
    """Return whether a relationship that is not configured yet is declared as a list."""
    return relationship.uselist is not False  # it is None until then


def _refers_to(relationship: RelationshipProperty[Any], mapper: Mapper[Any]) -> bool:
    """Return whether a relationship that is not configured yet is declared with a class, or with its name."""
    declared: object = cast("Any", relationship).argument
    name = declared.rpartition(".")[2] if isinstance(declared, str) else None
    return declared is mapper.class_ or name == mapper.class_.__name__


def _keys(table: Table, other: Table) -> Iterator[ForeignKey]:
    """Yield the foreign keys of a table that reference another one."""
    for key in sorted(table.foreign_keys, key=lambda key: str(key.parent.name)):
        if key.references(other):
            yield key


def _table(mapper: Mapper[Any]) -> Table:
    return cast("Table", mapper.local_table)


def _attribute(mapper: Mapper[Any], column: Column[Any]) -> str:
    return next((name for name, each in mapper.columns.items() if each is column), str(column.name))


def _foreign_key(mapper: Mapper[Any], extra: str = "") -> str:
    """Return the declaration of a foreign key to a class."""
    column = mapper.primary_key[0]
    try:
        kind = column.type.python_type.__name__
    except NotImplementedError:
        kind = "..."
    table = _table(mapper)
    name = f"{mapper.class_.__name__.lower()}_{column.name}"
    return f'{name}: {kind} = Field(foreign_key="{table.fullname}.{column.name}"{extra})'
