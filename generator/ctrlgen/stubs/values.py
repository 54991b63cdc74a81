"""Chooses a valid value for a column, as Python source; ``factories`` and ``cases`` ask for them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from ctrlgen.schema import Bounds, Column, Imported

_TEXT_ROOM = 8
"""Digits a counter may take in a text."""

_DECIMAL = (Imported("decimal", "Decimal"),)

_FEW, _MANY = 100, 10**6
"""Different numbers that are worth counting through, and as many as no test run needs."""

_COUNTED = {
    "date": ("date(2030, 1, 1) + timedelta(days=next(numbers))", "date", "timedelta"),
    "naive_datetime": ("datetime(2030, 1, 1) + timedelta(minutes=next(numbers))", "datetime", "timedelta"),
    "timedelta": ("timedelta(minutes=next(numbers))", "timedelta"),
}

_CONSTANTS = {
    "bool": ("False", None),
    "uuid": ("uuid4()", Imported("uuid", "uuid4")),
    "datetime": ("datetime.now(UTC)", Imported("datetime", "datetime")),
    "naive_datetime": ("datetime(2030, 1, 1)", Imported("datetime", "datetime")),
    "date": ("date(2030, 1, 1)", Imported("datetime", "date")),
    "time": ("time(12)", Imported("datetime", "time")),
    "timedelta": ("timedelta(minutes=1)", Imported("datetime", "timedelta")),
    "array": ("[]", None),
}


@dataclass(frozen=True, slots=True)
class Value:
    """A value as source text, and the names it needs. ``fresh``: it counts, and differs at each call."""

    text: str
    imports: tuple[Imported, ...] = ()
    fresh: bool = False


def fresh_value(column: Column) -> Value | None:
    """Return a value that no other row has, where the column's type has so many; None if none is known."""
    if column.kind in _COUNTED:
        text, *needed = _COUNTED[column.kind]
        return Value(text, tuple(Imported("datetime", name) for name in needed), fresh=True)
    if column.kind in {"int", "decimal"} and (count := _counted(column.bounds)):
        text = f"Decimal({count})" if column.kind == "decimal" else count
        return Value(text, _DECIMAL if column.kind == "decimal" else (), fresh=True)
    if column.kind == "str" and column.bounds.pattern is None:
        return _fresh_text(column)
    if column.kind == "bytes":
        return Value('b"%d" % next(numbers)', fresh=True)
    return fixed_value(column)


def fixed_value(column: Column) -> Value | None:
    """Return a value the column takes, the same at each call; None if none is known."""
    if column.kind in {"array", "json"} and column.bounds.min_length:
        return None
    if column.kind in _CONSTANTS:
        text, needed = _CONSTANTS[column.kind]
        imports = (needed,) if needed else ()
        return Value(text, (*imports, Imported("datetime", "UTC")) if column.kind == "datetime" else imports)
    if column.kind == "str":
        return None if column.bounds.pattern else Value(repr(_text(column.bounds)))
    if column.kind in {"int", "float", "decimal"}:
        return _number(column, 0)
    if column.kind == "enum":
        return member(column)
    if column.kind == "json":
        return Value("[]" if _begins_with(column, "list") else "{}")
    return Value('b"changed"') if column.kind == "bytes" else None


def other_value(column: Column) -> Value | None:
    """Return a value that a row made by its factory, or by default, is not likely to have."""
    unbounded = column.bounds.maximum is None and column.bounds.below is None
    if column.kind in {"int", "decimal", "float"} and unbounded:
        return _number(column, 7)
    if column.kind in {"array", "json", "float", "enum"}:
        return None
    return Value("True") if column.kind == "bool" else fixed_value(column)


def member(column: Column, name: str | None = None) -> Value | None:
    """Return a member of the column's enum, its first unless named."""
    enum = next((piece for piece in column.annotation.pieces if isinstance(piece, Imported)), None)
    if enum is None or column.enum_member is None:
        return None
    text = f"{enum.name}.{name or column.enum_member}"
    return Value(text, (Imported(enum.module, enum.name.partition(".")[0]),))


def _number(column: Column, more: int) -> Value | None:
    """Return a number within the bounds, by preference the smallest whole one from 0, and that much more."""
    bounds, step = column.bounds, Decimal(column.bounds.multiple_of or 1)
    low = max(Decimal(bounds.minimum or bounds.above or 0), Decimal(0))
    number = (low / step).to_integral_value(ROUND_CEILING) * step + more * step
    if bounds.above is not None and number <= Decimal(bounds.above):
        number += step
    if not _allows(bounds, number) and column.kind != "int" and bounds.multiple_of is None:
        ends = [Decimal(end) for end in (bounds.minimum or bounds.above, bounds.maximum or bounds.below) if end]
        number = sum(ends, Decimal(0)) / 2 if len(ends) > 1 else ends[0] - 1
    if not _allows(bounds, number):
        return None
    text = f"{number:f}"
    return Value(f'Decimal("{text}")', _DECIMAL) if column.kind == "decimal" else Value(text)


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
    return Value(f'{text}.ljust({shortest}, "x")' if shortest > 1 else text, fresh=True)


def _begins_with(column: Column, text: str) -> bool:
    first = column.annotation.pieces[0] if column.annotation.pieces else ""
    return isinstance(first, str) and first.startswith(text)
