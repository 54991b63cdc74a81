"""Explains frequent mistakes of callers: misspelled names, and results that are used before they are awaited.

``table``, ``controller``, ``service`` and ``validation`` use the messages, ``selection`` derives from ``Unawaited``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, cast

import sqlalchemy as sa
from sqlmodel import SQLModel

from .contracts import K, U

_PREFIX = re.compile(r"(?:get_or_create|create_or_update|(?:get|update)_one|get|find|update|delete|upsert)_by_")
_LISTS = frozenset({"all", "fetchall", "mappings", "scalars", "tolist", "unique"})
"""The methods that turn results of other libraries into lists."""


class Unawaited:
    """An object that is not a list before it is awaited. Using it as one raises an error that says so."""

    def __bool__(self) -> bool:
        raise TypeError("a selection has no truth value: await it, or call its exists() or count()")

    if not TYPE_CHECKING:  # type checkers report these uses

        def _has_no_rows(self, *_: object) -> NoReturn:
            raise TypeError("a selection has no rows before it is sent: await the selection, or use `async for`")

        __iter__ = __len__ = __getitem__ = __contains__ = _has_no_rows

        def __getattr__(self, name: str) -> object:
            """Raise an error that says how to get the rows, or suggests a method."""
            if name.startswith("_"):
                raise AttributeError(name)
            close = _closest(name, dir(type(self)))
            hint = f"did you mean {close}?" if close else "await the selection, and read it from the rows"
            hint = "`await` already returns a list" if name in _LISTS else hint
            raise AttributeError(f"a selection has no {name!r}: {hint}", name=name, obj=self)


class Columns:
    """The class attributes of a model, which are its columns and relationships."""

    def __init__(self, model: type[SQLModel]) -> None:
        self._model = model

    def __getattr__(self, name: str) -> object:
        """Return a column, or raise an error with a suggestion."""
        if name.startswith("__"):  # hooks of Python, which the class has for its instances
            raise AttributeError(name)
        model = object.__getattribute__(self, "_model")  # a copy does not have it at first
        try:
            return getattr(model, name)
        except AttributeError:
            known = map(str, sa.inspect(model).all_orm_descriptors.keys())
            message = f"{model.__name__} has no column {name!r}{suggestion(name, known)}"
            raise AttributeError(message, name=name, obj=self) from None


def pairs(rows: Iterable[tuple[K, U]]) -> Iterator[tuple[K, U]]:
    """Yield the pairs of ``update_many``; raise an error for anything else."""
    for row in rows:
        pair: Any = row
        parts = list(cast("Iterable[object]", pair)) if isinstance(pair, (tuple, list)) else []
        if len(parts) != 2 or not isinstance(parts[1], Mapping):
            shape = f"({', '.join(type(part).__name__ for part in parts)})" if parts else type(row).__name__
            raise TypeError(
                f"update_many takes pairs [(key, {{...}})], not {shape}; bulk_update takes dicts with the key"
            )
        yield row


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return a hint for an error message: the known name that is most similar, or all known names."""
    names = sorted(known)
    close = _closest(name, names)
    return f"; did you mean {close}?" if close else f"; there are {', '.join(names)}" if names else ""


def why_absent(
    name: str, absent: Mapping[str, Collection[str]], members: Iterable[str], columns: Collection[str]
) -> str:
    """Return the end of a message: the reason why a method does not exist, or else a similar method or column."""
    for reason, names in absent.items():
        if name in names:
            return f": {reason.replace('{}', name.removeprefix('find_by_'))}"
    public = [member for member in members if not member.startswith("_")]
    if (prefix := _PREFIX.match(name)) is None:
        return f"; did you mean {close}?" if (close := _closest(name, public)) else "; to query rows, use find_all"
    key = name.removeprefix(prefix[0])
    if not (wrong := [part for part in key.split("_and_") if part not in columns]):
        noun = "index" if prefix[0].startswith("find") else "unique key"
        return f": {key} was no {noun} when this package was generated; if it is one now, run `ctrlgen generate`"
    keys = [member.removeprefix(prefix[0]) for member in public if member.startswith(prefix[0])]
    if close := _closest(key, keys):
        return f"; did you mean {prefix[0]}{close}?"
    return f": {wrong[0]!r} is not a column{suggestion(wrong[0], columns)}"


def _closest(name: str, known: Iterable[str]) -> str | None:
    """Return the most similar name, or None if there is no similar one."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)
