"""The constraints a column's value must meet: those of the field, then those of the column type."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from ctrlgen.schema import Bounds

_LENGTH = re.compile(r"(?:VAR)?CHAR\((\d+)\)$")
_NUMERIC = re.compile(r"NUMERIC\((\d+), (\d+)\)$")


def bounds_of(metadata: Iterable[object], sql: str) -> Bounds:
    """Return the bounds that a field's metadata and the column's SQL type set.

    Parameters
    ----------
    metadata
        Of the field and of ``Annotated``: annotated-types' ``Ge`` and its like, and pydantic's own.
    sql
        The column's type, ``NUMERIC(10, 2)``.
    """
    metadata = list(metadata)
    length, digits = _LENGTH.match(sql), _NUMERIC.match(sql)
    maximum, below = _limit(metadata, "le"), _limit(metadata, "lt")
    if digits and maximum is None and below is None:
        below = str(10 ** (int(digits[1]) - int(digits[2])))
    return Bounds(
        minimum=_limit(metadata, "ge"),
        above=_limit(metadata, "gt"),
        maximum=maximum,
        below=below,
        min_length=_integer(metadata, "min_length"),
        max_length=_smaller(_integer(metadata, "max_length"), length and length[1]),
        pattern=_pattern(metadata),
        decimal_places=_smaller(_integer(metadata, "decimal_places"), digits and digits[2]),
        multiple_of=_limit(metadata, "multiple_of"),
    )


def _values(metadata: Iterable[object], attribute: str) -> list[object]:
    values: list[object] = [getattr(item, attribute, None) for item in metadata]
    return [value for value in values if value is not None]


def _limit(metadata: Iterable[object], attribute: str) -> str | None:
    """Return the last numeric limit set, as a literal; dates and such are left to validation."""
    values = [value for value in _values(metadata, attribute) if isinstance(value, int | float | Decimal)]
    return str(values[-1]) if values else None


def _integer(metadata: Iterable[object], attribute: str) -> int | None:
    values = [value for value in _values(metadata, attribute) if isinstance(value, int)]
    return int(values[-1]) if values else None


def _pattern(metadata: Iterable[object]) -> str | None:
    values = _values(metadata, "pattern")
    return str(getattr(values[-1], "pattern", values[-1])) if values else None  # text, or compiled


def _smaller(declared: int | None, stored: str | None) -> int | None:
    """Return the stricter of what the field says and what the column type has room for."""
    given = [number for number in (declared, int(stored) if stored else None) if number is not None]
    return min(given, default=None)
