"""Sums are computed by the database."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from guild_db import (
    Database,
)


async def test_sums_equal_those_of_the_database_for_every_type(db: Database) -> None:
    c, selection = db.summed.c, db.summed.find_all()
    values: dict[str, Any] = {
        "small": 30_000,
        "big": 2**62,
        "price": Decimal("0.35"),
        "money": Decimal("0.35"),
        "cents": Decimal("0.35"),
        "rough": 0.25,
        "ratio": 0.25,
        "real": 0.25,
        "took": timedelta(hours=30, microseconds=1),
    }
    nothing = [await selection.sum(getattr(c, name)) for name in values]
    for name, total in zip(values, nothing, strict=True):
        assert (total, type(total)) == (0 * values[name], type(values[name])), name
    await db.summed.create_many([values] * 3)
    for name, value in values.items():
        total = await selection.sum(getattr(c, name))
        assert (total, type(total)) == (3 * value, type(value)), name
    cases: list[tuple[Any, Any]] = [
        (sa.func.coalesce(c.money, 0), Decimal("1.05")),
        (sa.func.coalesce(c.price, c.money), Decimal("1.05")),
        (sa.case((c.small > 0, c.price), else_=0), Decimal("1.05")),
        (sa.case((c.small > 0, c.money)), Decimal("1.05")),
        (c.price * 2, Decimal("2.10")),
        (c.money + c.price, Decimal("2.10")),
        (c.small * 1.5, 135_000.0),
        (c.took + c.took, timedelta(hours=180, microseconds=6)),
        (sa.func.abs(-c.price), Decimal("1.05")),
        (sa.func.nullif(c.small, 30_000), 0),
        (sa.func.length(sa.cast(c.price, sa.Text)), 12),
        (sa.cast(c.price, sa.Float), 1.05),
        (sa.cast(c.small, sa.Numeric(10, 1)), Decimal("90000.0")),
        (sa.literal(Decimal("0.5")), Decimal("1.5")),
    ]
    for expression, right in cases:
        total = await selection.sum(expression)
        assert float(total.total_seconds() if isinstance(total, timedelta) else total) == pytest.approx(
            float(right.total_seconds() if isinstance(right, timedelta) else right), abs=1e-9
        ), str(expression)
        if not isinstance(right, float):
            assert (total, type(total)) == (right, type(right)), str(expression)
