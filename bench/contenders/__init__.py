"""The contenders, one module each, imported only if they are selected."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Final

from bench.contender import Contender

CONTENDERS: Final = {
    "asyncpg": "raw.RawAsyncpg",
    "asyncpg-no-reset": "raw.WithoutReset",
    "ctrlgen": "generated.Ctrlgen",
    "sqlalchemy": "orm.SqlAlchemyOrm",
    "advanced-alchemy": "advanced.AdvancedAlchemy",
    "fastcrud": "fast.FastCrud",
    "tortoise": "tortoises.Tortoise",
    "piccolo": "piccolos.Piccolo",
}
DISTRIBUTIONS: Final = {"asyncpg-no-reset": "asyncpg", "sqlalchemy": "SQLAlchemy", "tortoise": "tortoise-orm"}


def load_contenders(names: Sequence[str]) -> dict[str, Contender]:
    """Return the contenders with these names, or all if the list is empty."""
    if unknown := set(names) - CONTENDERS.keys():
        raise ValueError(f"no such contender: {', '.join(sorted(unknown))}")
    return {name: _load(path) for name, path in CONTENDERS.items() if not names or name in names}


def _load(path: str) -> Contender:
    module, _, kind = path.partition(".")
    contender: Contender = getattr(import_module(f"{__name__}.{module}"), kind)()
    return contender
