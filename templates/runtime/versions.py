"""Warns where SQLAlchemy or asyncpg is not one of the versions that the package was tested with."""

from __future__ import annotations

import re
import warnings

TESTED = {"SQLAlchemy": ("2.0.38", "2.1"), "asyncpg": ("0.30", "0.32")}
"""The oldest and the newest version of each library; of the newest, any patch."""


def warn_beyond(**installed: str) -> None:
    """Warn about each library that is older or newer; ``service`` calls this once, on import."""
    for library, version in installed.items():
        oldest, newest = TESTED[library]
        if _numbers(version) < _numbers(oldest) or _numbers(version)[:2] > _numbers(newest):
            message = f"{library} {version} is not one of {oldest} to {newest}, which {__package__} was tested with"
            advice = "run your tests, or generate the package with a newer ctrlgen"
            warnings.warn(f"{message}: {advice}", RuntimeWarning, stacklevel=3)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
