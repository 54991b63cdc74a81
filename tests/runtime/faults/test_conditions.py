"""Conditions that Python has evaluated to a plain bool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from guild_db import (
    AnyOf,
    Database,
)

from tests.runtime.fault_models import Conf

CONDITIONS: dict[str, Callable[[Any], Any]] = {
    "& not": lambda c: (c.v == 1) & (not c.name),
    "and_ not": lambda c: sa.and_(c.v == 1, not c.name),
    "| true": lambda c: (c.v == 1) | True,
    "or_ bool": lambda c: sa.or_(c.v == 1, bool(c.name)),
    "deeper": lambda c: (c.v == 2) & ((c.v == 1) & (not c.name)),
    "deeper in or_": lambda c: sa.or_(c.v == 2, sa.and_(c.v == 1, not c.name)),
    "not": lambda c: not c.name,
    "is None": lambda c: c.name is None,
    "in": lambda c: c.v in (1, 2) and False,
    "true": lambda _: sa.true(),
    "false": lambda _: sa.false(),
    "~true": lambda _: ~sa.true(),
    "True": lambda _: True,
    "False": lambda _: False,
    "self_group": lambda _: sa.false().self_group(),
}


@pytest.mark.parametrize("name", CONDITIONS)
async def test_condition_evaluated_by_python_is_refused_everywhere(db: Database, name: str) -> None:
    await db.thing.create(v=1)
    condition: Any = CONDITIONS[name](db.thing.c)
    calls: tuple[Callable[[], Any], ...] = (
        lambda: db.thing.find_all(condition),
        lambda: db.thing.find_all([db.thing.c.v == 1, condition]),
        lambda: db.thing.find_one(condition),
        lambda: db.thing.count(condition),
        lambda: db.thing.exists(condition),
        lambda: db.thing.paginate(condition),
        lambda: db.thing.update_where(condition, v=2),
        lambda: db.thing.delete_where(condition),
    )
    for call in calls:
        with pytest.raises(TypeError, match=r"write ~c\.flag"):
            await call()
    assert await db.thing.count(v=1) == 1


async def test_sql_conditions_on_flags_are_accepted(db: Database) -> None:
    await db.thing.create(v=1)
    c: Any = db.thing.c
    for right in (
        (c.v == 1) & ~(c.name == "y"),
        (c.v == 1) | (c.v == 2),
        sa.not_(c.v == 2),
        c.v.in_([1]),
        c.name.is_not(None),
    ):
        assert await db.thing.count(right) == 1, str(right)
    for empty in (c.v.in_([]), (c.v == 1) & c.v.in_([]), sa.literal(1) == 2):
        assert await db.thing.count(empty) == 0, str(empty)


async def test_type_that_serializes_json_itself_gets_the_original_value(db: Database) -> None:
    rows = db.configured
    first = await rows.create(conf=Conf(depth=1))
    await rows.create_many([{"conf": Conf(depth=depth)} for depth in (2, 3)])
    await rows.bulk_update([{"id": first.id, "conf": Conf(depth=4)}])
    assert await rows.upsert_many([{"conf": Conf(depth=4)}], key=["conf"])
    row = await rows.get_by_conf(Conf(depth=4))
    assert row
    assert (row.id, row.conf) == (first.id, Conf(depth=4))
    assert await rows.find_all(conf=AnyOf([Conf(depth=2), Conf(depth=3)])).count() == 2
