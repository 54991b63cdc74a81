"""The values that a column accepts beyond what its field validates, as far as its type or its mapper tell.

``samples`` asks here: PostgreSQL parses the string of a column that is not text, such as INET, an enum of strings has
its labels, and a discriminator the identities of the mapped classes.
"""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Callable
from typing import Any

import sqlalchemy
from sqlalchemy import Column
from sqlmodel import SQLModel

from ctrlgen.inspect.column_types import sql_type

Parser = Callable[[str], object]

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2})+")


def _uuid(text: str) -> str:
    return str(uuid.UUID(text))


def _mac_address(length: int) -> Parser:
    def parse(text: str) -> str:
        if len(text) != 3 * length - 1 or not _MAC.fullmatch(text):
            raise ValueError(text)
        return text

    return parse


def _never(text: str) -> object:
    raise ValueError(text)


_PARSERS: dict[str, Parser] = {
    "INET": ipaddress.ip_interface,
    "CIDR": ipaddress.ip_network,
    "MACADDR": _mac_address(6),
    "MACADDR8": _mac_address(8),
    "UUID": _uuid,
    # The driver does not accept strings for these, or returns its own kind of object.
    **dict.fromkeys(("BIT", "BOOLEAN", "BYTEA", "DATE", "INTERVAL", "TIME", "TIMESTAMP"), _never),
}


def parser_of(column: Column[Any]) -> Parser | None:
    """Return the function that parses a string as the column's type does; None for text, and for unknown types.

    It returns what the driver reads, and raises ValueError for a string that PostgreSQL rejects.
    """
    return _PARSERS.get(sql_type(column.type).partition("(")[0].partition(" ")[0])


def only_values(model: type[SQLModel], column: Column[Any]) -> tuple[object, ...] | None:
    """Return the only values that a column accepts, the most suitable first; None if they are not limited.

    These are the labels of an enum of strings. For the discriminator of an inheritance hierarchy, it is the identity
    of the model itself, or those of its subclasses if it has none: rows with another identity cannot be loaded.
    """
    mapper = sqlalchemy.inspect(model)
    if mapper.polymorphic_on is column:
        own: object = mapper.polymorphic_identity
        return tuple(mapper.polymorphic_map) if own is None else (own,)
    kind: object = column.type
    return tuple(kind.enums) if isinstance(kind, sqlalchemy.Enum) and kind.enum_class is None else None
