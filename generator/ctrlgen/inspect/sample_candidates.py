"""Candidates for the values that tests store in a column, as Python source, the most typical first.

``samples`` uses the ones that the column accepts. Candidates are guessed from the kind of the column and the bounds of
its field, and may be rejected.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Iterator, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import islice, product

import rstr

from ctrlgen.schema import Bounds, Imported, Kind, Value

_DECIMAL = Imported("decimal", "Decimal")
_DATE, _DATETIME, _TIME, _TIMEDELTA, _UTC = (
    Imported("datetime", name) for name in ("date", "datetime", "time", "timedelta", "UTC")
)

_FEW, _MANY = 100, 10**6
"""The number of distinct values from which a counter is useful, and the number that no test run exceeds."""

_ROOM = 8
"""The number of digits that a counter may need in a string."""

_WIDEST = 40
"""The length of the longest code that is tried."""

_CASES = 16
"""The number of alternatives that are tried."""

_COUNTED: dict[Kind, tuple[str | Imported, ...]] = {
    "bytes": ('b"%d" % next(numbers)',),
    "date": (_DATE, "(2030, 1, 1) + ", _TIMEDELTA, "(days=next(numbers))"),
    "naive_datetime": (_DATETIME, "(2030, 1, 1) + ", _TIMEDELTA, "(minutes=next(numbers))"),
    "timedelta": (_TIMEDELTA, "(minutes=next(numbers))"),
}

_NOW = (_DATETIME, ".now(", _UTC, ")")

_CONSTANTS: dict[Kind, tuple[tuple[str | Imported, ...], ...]] = {
    "bool": (("False",), ("True",)),
    "bytes": (('b"changed"',),),
    "uuid": ((Imported("uuid", "uuid4"), "()"),),
    "datetime": (
        _NOW,
        (_DATETIME, "(2030, 1, 1, tzinfo=", _UTC, ")"),
        (_DATETIME, "(2020, 1, 1, tzinfo=", _UTC, ")"),
        (_DATETIME, "(2030, 1, 1)"),
    ),
    "naive_datetime": (
        (_DATETIME, "(2030, 1, 1)"),
        (_DATETIME, "(2020, 1, 1)"),
        (_DATETIME, "(2030, 1, 1, tzinfo=", _UTC, ")"),
    ),
    "date": ((_DATE, "(2030, 1, 1)"), (_DATE, "(2020, 1, 1)")),
    "time": ((_TIME, "(12)"),),
    "timedelta": ((_TIMEDELTA, "(minutes=1)"),),
}

_AROUND = (
    *(("", ""), ("x", ""), ("X", ""), ("x-", ""), ("X-", ""), ("x_", ""), ("#", ""), ("/", ""), ("@", "")),
    *(("x", "@example.org"), ("https://example.org/", ""), ("+1555", ""), ("x", ".org"), ("1.0.", "")),
    *(("192.0.2.", ""), ("postgresql://example.org/x", ""), ("2001:db8::", "")),
    ("00000000-0000-0000-0000-", ""),
)
"""Text before and after a number."""

_SPECIAL = (
    *("x", "X", "changed", "en", "EUR", "UTC", "Europe/Berlin", "1.0.0", "12:00", "2030-01-01", "{}", "[]", "#aabbcc"),
    *("x@example.org", "https://example.org/", "/x", "192.0.2.1", "2001:db8::1", "192.0.2.0/24", "+15550100"),
    *("08:00:2b:01:02:03", "08:00:2b:01:02:03:04:05"),
    *("00000000-0000-0000-0000-000000000001", "postgresql://example.org/x", "redis://example.org/0", "* * * * *"),
)
"""Strings in well-known formats."""


def new_values(kind: Kind, bounds: Bounds, words: str) -> Iterator[Value]:
    """Yield values that differ each time. ``words`` are the preferred prefixes of strings."""
    if kind in _COUNTED:
        yield Value(_COUNTED[kind], varies=True)
    elif kind in {"int", "decimal"} and (count := _count(bounds)):
        yield Value((_DECIMAL, f"({count})") if kind == "decimal" else (count,), varies=True)
    elif kind == "str":
        yield _counted_words(bounds, words)
        for before, form, behind in _counted_strings(words):
            yield Value((f'f"{before}{{next(numbers){form}}}{behind}"',), varies=True)


def fixed_values(kind: Kind, bounds: Bounds, constants: Sequence[str] = ()) -> Iterator[Value]:
    """Yield values that are the same each time. ``constants`` are the literals that a CHECK compares with."""
    rounded = bounds.decimal_places is not None  # a column that stores fewer decimal places of a second than there are
    yield from (Value(pieces) for pieces in _CONSTANTS.get(kind, ()) if not (rounded and pieces == _NOW))
    match kind:
        case "int" | "float" | "decimal":
            numbers = (*_numbers(kind, bounds), *_near(kind, constants))
            yield from (_number(kind, number) for number in dict.fromkeys(numbers))
        case "str":
            yield from (Value((repr(text),)) for text in dict.fromkeys(_strings(bounds, constants)))
        case _:
            pass


def changed_values(kind: Kind, bounds: Bounds, constants: Sequence[str] = ()) -> Iterator[Value]:
    """Yield values that rows are unlikely to have."""
    if kind == "bool":
        yield Value(("True",))
    if kind in {"int", "float", "decimal"}:
        yield from (_number(kind, number) for number in _more(bounds))
    yield from fixed_values(kind, bounds, constants)


def members(cls: type[enum.Enum]) -> list[str]:
    """Return the names of the first members of an enum."""
    return list(islice(cls.__members__, _CASES))


# Strings.


def _counted_words(bounds: Bounds, words: str) -> Value:
    room, shortest = bounds.max_length, bounds.min_length or 0
    if room is None or room >= len(words) + 1 + _ROOM:
        text = f'f"{words} {{next(numbers)}}"'
    else:
        text = f"str(next(numbers))[-{room}:]" if room < _ROOM else "str(next(numbers))"
    return Value((f'{text}.ljust({shortest}, "x")' if shortest > 1 else text,), varies=True)


def _counted_strings(words: str) -> Iterator[tuple[str, str, str]]:
    """Yield the text before a counter, the format of the counter, and the text after it."""
    name = words.replace(" ", "_")
    for before, behind in (
        (name, ""),
        (words.replace(" ", "-") + "-", ""),
        (name.title().replace("_", ""), ""),
        *_AROUND,
    ):
        yield before, "", behind
        for width in range(4, _WIDEST):
            yield before, f":0{width}d", behind
            yield before, f":0{width}x", behind


def _strings(bounds: Bounds, constants: Sequence[str]) -> Iterator[str]:
    yield "changed"[: bounds.max_length].ljust(bounds.min_length or 0, "x")
    yield from (constant[1:-1].replace("''", "'") for constant in constants if constant.startswith("'"))
    yield from _SPECIAL
    widths = [int(constant) for constant in constants if constant.isdecimal() and int(constant) <= _WIDEST]
    yield from (character * width for width, character in product((*widths, *range(1, _WIDEST)), "xX7"))
    if bounds.pattern is not None:
        yield from _matching(bounds.pattern)


def _matching(pattern: str) -> Iterator[str]:
    """Yield strings that match a pattern, deterministically."""
    generator = rstr.Rstr(random.Random(0))  # noqa: S311 - deterministic, and not used for security
    try:
        yield from [generator.xeger(pattern.replace("$", "").replace("^", "")) for _ in range(_CASES)]
    except Exception:  # noqa: BLE001 - syntax of pydantic's own engine, or not supported by rstr
        return


# Numbers.


def _number(kind: Kind, number: Decimal) -> Value:
    text = f"{number:f}"
    return Value((_DECIMAL, f'("{text}")')) if kind == "decimal" else Value((text,))


def _numbers(kind: Kind, bounds: Bounds) -> Iterator[Decimal]:
    """Yield numbers within the bounds, preferably the smallest non-negative integer."""
    first, step = _first_multiple(bounds)
    inside = _between(bounds, 1 if kind == "int" else None)
    yield from (number for number in (first, first + step, *inside) if _allows(bounds, number))


def _more(bounds: Bounds) -> Iterator[Decimal]:
    first, step = _first_multiple(bounds)
    yield from (number for number in (first + 7 * step, first + 2 * step, first + step) if _allows(bounds, number))


def _first_multiple(bounds: Bounds) -> tuple[Decimal, Decimal]:
    """Return the smallest non-negative multiple that is not below the bounds, and the step between multiples."""
    step = Decimal(bounds.multiple_of or 1)
    low = max(Decimal(bounds.minimum or bounds.above or 0), Decimal(0))
    return (low / step).to_integral_value(ROUND_CEILING) * step, step


def _near(kind: Kind, constants: Sequence[str]) -> Iterator[Decimal]:
    """Yield numbers next to those that a CHECK compares with."""
    for constant in constants:
        if not constant.startswith("'"):
            number = Decimal(constant)
            for near in (number, number + 1, number - 1):
                if kind != "int" or near == near.to_integral_value():
                    yield near


def _between(bounds: Bounds, step: int | None) -> Iterator[Decimal]:
    """Yield a number within the bounds: the highest multiple, if there is a step, or else one in the middle."""
    ends = [Decimal(end) for end in (bounds.minimum or bounds.above, bounds.maximum or bounds.below) if end]
    if not ends or bounds.multiple_of is not None:
        return
    if step is None:
        yield sum(ends, Decimal(0)) / 2 if len(ends) > 1 else ends[0] - 1
        return
    highest = ends[-1].to_integral_value(ROUND_FLOOR)
    yield highest - step if bounds.below is not None and highest == Decimal(bounds.below) else highest


def _allows(bounds: Bounds, number: Decimal) -> bool:
    return (
        (bounds.minimum is None or number >= Decimal(bounds.minimum))
        and (bounds.above is None or number > Decimal(bounds.above))
        and (bounds.maximum is None or number <= Decimal(bounds.maximum))
        and (bounds.below is None or number < Decimal(bounds.below))
    )


def _count(bounds: Bounds) -> str | None:
    """Return the source of consecutive integers from the lowest that is allowed; None if there are too few."""
    base, step = _first_multiple(bounds)
    if step != int(step):
        return None
    highest = min((Decimal(end) for end in (bounds.maximum, bounds.below) if end), default=None)
    room = None if highest is None else int((highest - base) / step) - 1
    if room is not None and room < _FEW:
        return None
    number = "next(numbers)" if room is None or room >= _MANY else f"next(numbers) % {room}"
    if room is not None and room < _MANY and base == bounds.above:
        number = f"({number} + 1)"
    count = number if step == 1 else f"{step} * ({number})" if "%" in number else f"{step} * {number}"
    return count if base <= step and "%" not in number else f"{base} + {count}"
