"""Durations as members write them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from discord.ext import commands

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LONGEST = timedelta(days=10 * 365)


def duration(text: str) -> timedelta:
    """Read ``90s``, ``10m``, ``2h30m``, ``7d``; raise BadArgument for anything else."""
    parts = re.findall(r"(\d{1,6})([smhdw])", text.lower())
    if not parts or "".join(number + unit for number, unit in parts) != text.lower():
        raise commands.BadArgument(f"`{text[:20]}` is not a duration such as 90s, 10m, 2h30m or 7d.")
    total = sum((timedelta(**{UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
    if not timedelta() < total <= LONGEST:
        raise commands.BadArgument("That is too long, or zero.")
    return total


if TYPE_CHECKING:
    Duration = timedelta
else:
    Duration = Annotated[timedelta, duration]
