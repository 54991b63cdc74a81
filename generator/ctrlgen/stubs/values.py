"""Chooses a valid value for a column, as Python source; ``factories`` and ``cases`` ask for them."""

from __future__ import annotations

from dataclasses import dataclass

from ctrlgen.schema import Bounds, Column, Imported

_TEXT_ROOM = 8
"""Digits a counter may take in a text."""

_DECIMAL = (Imported("decimal", "Decimal"),)

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
    if column.kind == "int" and column.bounds.maximum is None and column.bounds.below is None:
        low = _lowest(column.bounds)
        return Value("next(numbers)" if low <= 1 else f"{low} + next(numbers)", fresh=True)
    if column.kind == "str" and column.bounds.pattern is None:
        return _fresh_text(column)
    if column.kind == "bytes":
        return Value('b"%d" % next(numbers)', fresh=True)
    return fixed_value(column)


def fixed_value(column: Column) -> Value | None:
    """Return a value the column takes, the same at each call; None if none is known."""
    if column.kind in _CONSTANTS:
        text, needed = _CONSTANTS[column.kind]
        imports = (needed,) if needed else ()
        return Value(text, (*imports, Imported("datetime", "UTC")) if column.kind == "datetime" else imports)
    if column.kind == "str":
        return None if column.bounds.pattern else Value(repr(_text(column.bounds)))
    if column.kind in {"int", "float"}:
        return Value(str(_lowest(column.bounds)))
    if column.kind == "decimal":
        return Value(f"Decimal({_lowest(column.bounds)})", _DECIMAL)
    if column.kind == "enum":
        return _member(column)
    if column.kind == "json":
        return Value("[]" if _begins_with(column, "list") else "{}")
    return Value('b"changed"') if column.kind == "bytes" else None


def other_value(column: Column) -> Value | None:
    """Return a value that a row made by its factory, or by default, is not likely to have."""
    unbounded = column.bounds.maximum is None and column.bounds.below is None
    if column.kind in {"int", "decimal", "float"} and unbounded:
        number = _lowest(column.bounds) + 7
        return Value(f"Decimal({number})", _DECIMAL) if column.kind == "decimal" else Value(str(number))
    if column.kind in {"array", "json", "float", "enum"}:
        return None
    return Value("True") if column.kind == "bool" else fixed_value(column)


def _lowest(bounds: Bounds) -> int:
    """Return the smallest whole number from 0 that the bounds allow."""
    if bounds.minimum is not None:
        return max(0, int(float(bounds.minimum)))
    return max(0, int(float(bounds.above)) + 1) if bounds.above is not None else 0


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


def _member(column: Column) -> Value | None:
    enum = next((piece for piece in column.annotation.pieces if isinstance(piece, Imported)), None)
    if enum is None or column.enum_member is None:
        return None
    return Value(f"{enum.name}.{column.enum_member}", (Imported(enum.module, enum.name.partition(".")[0]),))


def _begins_with(column: Column, text: str) -> bool:
    first = column.annotation.pieces[0] if column.annotation.pieces else ""
    return isinstance(first, str) and first.startswith(text)
