"""Keyset pages: complete and without repeats in any order; damaged cursors are refused."""

from __future__ import annotations

import base64
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from guild_db import Database, InvalidCursorError, Selection, Span
from guild_db.runtime.keyset import Order

from tests.runtime.models import Kind, User

c: Any = User


@pytest.fixture
async def users(db: Database) -> list[User]:
    some = random.Random(7)
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    rows: Any = [
        {
            "discord_id": n,
            "guild_id": 1,
            "name": some.choice("abcdefg'\"% ü") + str(n),
            "points": some.randrange(4),
            "rank": some.choice([None, 1, 2]),
            "banned_at": some.choice([None, moment + timedelta(microseconds=some.randrange(5))]),
        }
        for n in range(57)
    ]
    return await db.user.create_many(rows)


async def walk(selection: Selection[Any, Any], size: int) -> list[Any]:
    rows: list[Any] = []
    after: str | None = None
    while True:
        page = await selection.page(size, after)
        assert len(page.items) <= size
        rows += page.items
        if page.next is None:
            return rows
        after = page.next


ORDERS = {
    "primary key": (),
    "falling": (c.points.desc(),),
    "rising": (c.points,),
    "mixed": (c.points.desc(), c.name),
    "nullable": (c.rank,),
    "nullable falling": (c.rank.desc(),),
    "nulls first": (c.rank.asc().nulls_first(), c.banned_at.desc().nulls_last()),
    "nullable mixed": (c.banned_at.desc(), c.rank, c.points.desc()),
    "time": (c.created_at.desc(), c.banned_at),
    "uuid": (c.token,),
    "expression": (sa.func.lower(c.name).desc(), c.points),
    "arithmetic": (c.points % 2, c.id.desc()),
    "unique": (c.discord_id.desc(),),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [1, 7, 57])
async def test_pages_are_complete_and_in_order(db: Database, users: list[User], order: str, size: int) -> None:
    selection = db.user.find_all().order_by(*ORDERS[order])
    walked = await walk(selection, size)
    assert [user.id for user in walked] == [user.id for user in await selection.in_total_order()]
    assert len({user.id for user in walked}) == 57


async def test_filters_and_relationships_apply_to_pages(db: Database, users: list[User]) -> None:
    selection = db.user.find_all(points=Span(ge=2)).order_by(c.points).load("guild")
    walked = await walk(selection, 5)
    assert len(walked) == await selection.count()
    assert walked[0].guild.name == "home"


async def test_inserted_and_deleted_rows_cause_no_repeats_or_gaps(db: Database, users: list[User]) -> None:
    page = await db.user.find_all().page(20)
    await db.user.delete_many([5, 20, 21])
    await db.user.create(discord_id=100, guild_id=1, name="late")
    rest = await walk(db.user.find_all(id=Span(gt=20)), 50)
    after = await db.user.find_all().page(100, page.next)
    assert [user.id for user in after.items] == [user.id for user in rest]


async def test_enums_and_numbers_make_cursors(db: Database, users: list[User]) -> None:
    for n in range(6):
        kind = Kind.BAN if n % 2 else Kind.KICK
        await db.case.create(guild_id=1, number=n, user_id=1, kind=kind, fine=n % 3)
    case: Any = db.case.model
    walked = await walk(db.case.find_all().order_by(case.kind.desc(), case.fine), 1)
    assert len({one.id for one in walked}) == 6


async def test_composite_keys_break_ties(db: Database) -> None:
    await db.level.create_many([{"guild_id": g, "member_id": m, "xp": 5} for g in (1, 2) for m in (1, 2, 3)])
    level: Any = db.level.model
    walked = await walk(db.level.find_all().order_by(level.xp), 2)
    assert [(row.guild_id, row.member_id) for row in walked] == [(g, m) for g in (1, 2) for m in (1, 2, 3)]


async def test_tampered_cursor_raises_value_error(db: Database, users: list[User]) -> None:
    page = await db.user.find_all().page(5)
    assert page.next is not None
    broken = [
        page.next[:-2],
        page.next + "AA",
        "",
        "x",
        "é",
        "B" + page.next[1:],
        page.next[:12] + "AAAA" + page.next[16:],
    ]
    for cursor in broken:
        with pytest.raises(InvalidCursorError, match="cursor"):
            await db.user.find_all().page(5, cursor)
    with pytest.raises(InvalidCursorError, match="another order"):
        await db.user.find_all().order_by(c.points).page(5, page.next)
    with pytest.raises(ValueError, match="at least one"):
        await db.user.find_all().page(0)


async def test_cursor_is_opaque_and_safe_in_a_url(db: Database, users: list[User]) -> None:
    page = await db.user.find_all(order_by=c.name).page(5)
    assert page.next is not None
    assert page.next.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("body", ["null", "5", "[null, null]", '["1"]', '["1", "a\\u0000b"]', "[" * 3000, '{"a": 1}'])
async def test_forged_cursor_raises_value_error(db: Database, body: str) -> None:
    """The cursor's digest detects damage. It has no secret, so anybody can compute one."""
    selection = db.user.find_all(order_by=db.user.c.points)
    raw = body.encode()
    order = Order(selection._table, selection._order)
    forged = base64.urlsafe_b64encode(order._header(raw) + raw).decode().rstrip("=")
    with pytest.raises(InvalidCursorError, match="the cursor is damaged"):
        await selection.page(after=forged)
