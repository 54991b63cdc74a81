"""Chooses a valid value for a column, as Python source; ``factories`` and ``cases`` ask for them."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from ctrlgen.schema import Bounds, Column, Condition, Imported, Kind
from ctrlgen.stubs.patterns import counted_text, fixed_text

_TEXT_ROOM = 8
"""Digits a counter may take in a text."""

_DECIMAL = Imported("decimal", "Decimal")
_DATE, _DATETIME, _TIME, _TIMEDELTA, _UTC = (
    Imported("datetime", name) for name in ("date", "datetime", "time", "timedelta", "UTC")
)

_FEW, _MANY = 100, 10**6
"""Different numbers that are worth counting through, and as many as no test run needs."""

Pieces = tuple[str | Imported, ...]
"""Source text, with the names it imports in their places."""

_COUNTED: dict[Kind, Pieces] = {
    "date": (_DATE, "(2030, 1, 1) + ", _TIMEDELTA, "(days=next(numbers))"),
    "naive_datetime": (_DATETIME, "(2030, 1, 1) + ", _TIMEDELTA, "(minutes=next(numbers))"),
    "timedelta": (_TIMEDELTA, "(minutes=next(numbers))"),
}

_CONSTANTS: dict[Kind, Pieces] = {
    "bool": ("False",),
    "uuid": (Imported("uuid", "uuid4"), "()"),
    "datetime": (_DATETIME, ".now(", _UTC, ")"),
    "naive_datetime": (_DATETIME, "(2030, 1, 1)"),
    "date": (_DATE, "(2030, 1, 1)"),
    "time": (_TIME, "(12)"),
    "timedelta": (_TIMEDELTA, "(minutes=1)"),
    "array": ("[]",),
}


@dataclass(frozen=True, slots=True)
class Value:
    """A value as source. ``fresh``: it counts, and differs at each call."""

    pieces: Pieces
    fresh: bool = False

    def source(self, name: Callable[[Imported], str]) -> str:
        """Return the source in a module that calls what it imports by ``name``."""
        return "".join(piece if isinstance(piece, str) else name(piece) for piece in self.pieces)


def plain(text: str) -> Value:
    """Return a value that imports nothing."""
    return Value((text,))


def fresh_value(column: Column) -> Value | None:
    """Return a value that no other row has, where the column's type has so many; None if none is known."""
    if column.kind in _COUNTED:
        return Value(_COUNTED[column.kind], fresh=True)
    if column.kind in {"int", "decimal"} and (count := _counted(column.bounds)):
        return Value((_DECIMAL, f"({count})") if column.kind == "decimal" else (count,), fresh=True)
    if column.kind == "str":
        return _fresh_text(column) if column.bounds.pattern is None else _matching(column) or fixed_value(column)
    if column.kind == "bytes":
        return Value(('b"%d" % next(numbers)',), fresh=True)
    return fixed_value(column)


def fixed_value(column: Column) -> Value | None:
    """Return a value the column takes, the same at each call; None if none is known."""
    if column.kind in {"array", "json"} and column.bounds.min_length:
        return None
    if column.kind in _CONSTANTS:
        return Value(_CONSTANTS[column.kind])
    if column.kind == "str":
        text = fixed_text(column.bounds) if column.bounds.pattern else _text(column.bounds)
        return None if text is None else plain(repr(text))
    if column.kind in {"int", "float", "decimal"}:
        return _number(column, 0)
    if column.kind == "enum":
        return member(column)
    if column.kind == "json":
        return plain("[]" if _begins_with(column, "list") else "{}")
    return plain('b"changed"') if column.kind == "bytes" else _alternative(column)


def other_value(column: Column) -> Value | None:
    """Return a value that a row made by its factory, or by default, is not likely to have."""
    unbounded = column.bounds.maximum is None and column.bounds.below is None
    if column.kind in {"int", "decimal", "float"} and unbounded:
        return _number(column, 7)
    if column.kind in {"array", "json", "float", "enum", "other"}:
        return None
    return plain("True") if column.kind == "bool" else fixed_value(column)


def pinned_value(column: Column, pin: Condition) -> Value | None:
    """Return the value for which a conjunct of a predicate holds; of an enum, its member."""
    constant = pin.value or ""
    if pin.test != "=":
        return plain("None") if pin.test == "is null" else fixed_value(column)
    if column.kind == "enum":
        return member(column, constant.strip("'\""))
    classes = {"uuid": Imported("uuid", "UUID"), "decimal": _DECIMAL}
    if column.kind in classes:
        return Value((classes[column.kind], f"({constant})" if column.kind == "uuid" else f'("{constant}")'))
    return plain(constant)


def member(column: Column, name: str | None = None) -> Value | None:
    """Return a member of the column's enum, its first unless named."""
    enum = next((piece for piece in column.annotation.pieces if isinstance(piece, Imported)), None)
    if enum is None or column.enum_member is None:
        return None
    return Value((enum, f".{name or column.enum_member}"))


def _alternative(column: Column) -> Value | None:
    """Return the first of the plain constants that a ``Literal`` allows."""
    match column.annotation.pieces:
        case (Imported("typing", "Literal"), str(constants)):
            return plain(repr(ast.literal_eval(constants)[0]))
        case _:
            return None


def _number(column: Column, more: int) -> Value | None:
    """Return a number within the bounds, by preference the smallest whole one from 0, and that much more."""
    bounds, step = column.bounds, Decimal(column.bounds.multiple_of or 1)
    low = max(Decimal(bounds.minimum or bounds.above or 0), Decimal(0))
    number = (low / step).to_integral_value(ROUND_CEILING) * step + more * step
    if bounds.above is not None and number <= Decimal(bounds.above):
        number += step
    if not _allows(bounds, number) and bounds.multiple_of is None:
        number = _between(bounds, 1 if column.kind == "int" else None)
    if not _allows(bounds, number):
        return None
    text = f"{number:f}"
    return Value((_DECIMAL, f'("{text}")')) if column.kind == "decimal" else plain(text)


def _between(bounds: Bounds, step: int | None) -> Decimal:
    """Return a number within or at the bounds: the highest, if they go by steps, else one in their middle."""
    ends = [Decimal(end) for end in (bounds.minimum or bounds.above, bounds.maximum or bounds.below) if end]
    if step is None:
        return sum(ends, Decimal(0)) / 2 if len(ends) > 1 else ends[0] - 1
    highest = ends[-1].to_integral_value(ROUND_FLOOR)
    return highest - step if bounds.below is not None and highest == Decimal(bounds.below) else highest


def _allows(bounds: Bounds, number: Decimal) -> bool:
    return (
        (bounds.minimum is None or number >= Decimal(bounds.minimum))
        and (bounds.above is None or number > Decimal(bounds.above))
        and (bounds.maximum is None or number <= Decimal(bounds.maximum))
        and (bounds.below is None or number < Decimal(bounds.below))
    )


def _counted(bounds: Bounds) -> str | None:
    """Return whole numbers from the lowest that is allowed, one after the other; None where there are few."""
    step = Decimal(bounds.multiple_of or 1)
    if step != int(step):
        return None
    low = max(Decimal(bounds.minimum or bounds.above or 0), Decimal(0))
    base = (low / step).to_integral_value(ROUND_CEILING) * step
    highest = min((Decimal(end) for end in (bounds.maximum, bounds.below) if end), default=None)
    room = None if highest is None else int((highest - base) / step) - 1
    if room is not None and room < _FEW:
        return None
    number = "next(numbers)" if room is None or room >= _MANY else f"next(numbers) % {room}"
    if room is not None and room < _MANY and base == bounds.above:
        number = f"({number} + 1)"
    count = number if step == 1 else f"{step} * ({number})" if "%" in number else f"{step} * {number}"
    return count if base <= step and "%" not in number else f"{base} + {count}"


def _text(bounds: Bounds) -> str:
    return "changed"[: bounds.max_length].ljust(bounds.min_length or 0, "x")


def _fresh_text(column: Column) -> Value:
    room = column.bounds.max_length
    words = column.attribute.replace("_", " ")
    if room is None or room >= len(words) + 1 + _TEXT_ROOM:
        text = f'f"{words} {{next(numbers)}}"'
    else:
        text = f"str(next(numbers))[-{room}:]" if room < _TEXT_ROOM else "str(next(numbers))"
    shortest = column.bounds.min_length or 0
    return Value((f'{text}.ljust({shortest}, "x")' if shortest > 1 else text,), fresh=True)


def _matching(column: Column) -> Value | None:
    """Return a text that counts and matches the column's pattern."""
    found = counted_text(column.bounds, column.attribute)
    if found is None:
        return None
    before, form, behind = found
    return Value((f'f"{before}{{next(numbers){form}}}{behind}"',), fresh=True)


def _begins_with(column: Column, text: str) -> bool:
    first = column.annotation.pieces[0] if column.annotation.pieces else ""
    return isinstance(first, str) and first.startswith(text)
