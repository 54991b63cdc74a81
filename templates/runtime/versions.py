"""Warns where SQLAlchemy or asyncpg is not one of the versions that this package was proved with; ``service`` asks."""

from __future__ import annotations

import re
import warnings

PROVED = {"SQLAlchemy": ("2.0.38", "2.1"), "asyncpg": ("0.30", "0.32")}
"""The oldest version of each library, and the newest, of which any later third number will do."""


def warn_beyond(**installed: str) -> None:
    """Warn about each library that is older or newer; ``service`` calls this once, when it is imported."""
    for library, version in installed.items():
        oldest, newest = PROVED[library]
        if _numbers(version) < _numbers(oldest) or _numbers(version)[:2] > _numbers(newest):
            message = f"{library} {version} is beyond {oldest} to {newest}, which {__package__} was proved with"
            advice = "run your tests, or generate it with a newer ctrlgen"
            warnings.warn(f"{message}: {advice}", RuntimeWarning, stacklevel=3)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
