"""Nothing is ordered unasked, and cursors of clients are not trusted."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from guild_db import (
    Database,
    InvalidCursorError,
)

from tests.runtime.conftest import statements

# 12: no order


async def test_there_is_no_order_but_of_pages(db: Database) -> None:
    found, c = db.thing.find_all(v=1), db.thing.c
    with statements(db) as sent:
        await found
        await found.first()
        await found.one_or_none()
        await found.limit(3)
        await found.offset(1)
        await found.limit(2).update({"v": 1})
        await found.limit(2).delete()
        await found.count()
        await found.exists()
        await db.thing.find_one(v=1)
        await db.thing.find_all(limit=3, offset=1)
        async with db.transaction():
            await found.for_update().first()
    assert not [one for one in sent if "ORDER BY" in one]
    with statements(db) as sent:
        await found.order_by(c.name).first()
        await db.thing.find_one(order_by=c.name)
    assert [one.partition(" ORDER BY ")[2].partition(" LIMIT")[0] for one in sent] == ["thing.name"] * 2
    with statements(db) as sent:
        await found.page(1)
        await db.thing.paginate(per_page=1)
    assert [one.partition(" ORDER BY ")[2].partition(" LIMIT")[0] for one in sent if "count(" not in one] == [
        "thing.key"
    ] * 2


# 16: cursors of clients, mistakes that are named


async def test_a_cursor_with_any_byte_changed_is_refused(db: Database) -> None:
    await db.counted.create_many([{"n": n} for n in range(4)])
    found = db.counted.find_all().order_by(db.counted.c.n.desc())
    cursor = (await found.page(2)).next
    assert cursor
    assert [one.n for one in (await found.page(2, after=cursor)).items] == [1, 0]
    for at_, one in enumerate(cursor):
        damaged = cursor[:at_] + ("A" if one != "A" else "B") + cursor[at_ + 1 :]
        with pytest.raises(InvalidCursorError):
            await found.page(2, after=damaged)
    for length in range(len(cursor)):
        with pytest.raises(InvalidCursorError):
            await found.page(2, after=cursor[:length])
    longer = (f"{cursor}A", f"{cursor} ", f" {cursor}", f"{cursor}\n", cursor * 2)
    for wrong in (*longer, "", "=" * 8, "\0", "\ud800", "9" * 9999):
        with pytest.raises(InvalidCursorError):
            await found.page(2, after=wrong)


@pytest.mark.parametrize("made", ["another order", "another direction", "another model", "a forger"])
async def test_a_cursor_of_another_order_is_refused(db: Database, made: str) -> None:
    await db.counted.create_many([{"n": n} for n in range(4)])
    await db.guarded.create_many([{"id": n, "name": str(n)} for n in range(4)])
    c = db.counted.c
    cursor = {
        "another order": (await db.counted.find_all().page(2)).next,
        "another direction": (await db.counted.find_all().order_by(c.n).page(2)).next,
        "another model": (await db.guarded.find_all().order_by(db.guarded.c.v.desc()).page(2)).next,
        "a forger": base64.urlsafe_b64encode(b'\x01\x00\x00\x00\x00\x00\x00\x00\x00["1", "1"]').decode(),
    }[made]
    assert cursor
    with pytest.raises(InvalidCursorError):
        await db.counted.find_all().order_by(c.n.desc()).page(2, after=cursor)


@pytest.mark.parametrize("size", [0, -1])
async def test_a_page_has_at_least_one_row(db: Database, size: int) -> None:
    with pytest.raises(ValueError, match="at least one row"):
        await db.counted.find_all().page(size)
    with pytest.raises(ValueError, match="at least one row"):
        await db.counted.paginate(per_page=size)


@pytest.mark.parametrize("order", ["created_at", ["created_at", "n"], ["-created_at"], [None], 5, "n desc"])
async def test_an_order_that_is_no_column_is_named_whole(db: Database, order: Any) -> None:
    for call in (lambda: db.counted.find_all(order_by=order), lambda: db.counted.find_one(order_by=order)):
        with pytest.raises(TypeError, match="order_by") as caught:
            await call()  # type: ignore[misc]
        assert f"not {order[0] if isinstance(order, list) else order!r}" in str(caught.value)


async def test_a_controller_outlives_the_disposal_of_its_service(address: str) -> None:
    db = Database(address)
    counted = db.counted
    before = await counted.count()
    await db.dispose()
    assert await counted.count() == before
    async with db.transaction():
        assert await counted.count() == before
    await db.dispose()


async def test_a_service_that_was_not_made_says_so(address: str) -> None:
    class Unready(Database):
        def __init__(self) -> None:
            self.own = 1

    for call in (lambda db: db.counted.count(), lambda db: db.ping(), lambda db: db.counted.create()):
        with pytest.raises(Exception, match=r"super\(\)\.__init__\(\)"):
            await call(Unready())
    with pytest.raises(Exception, match=r"super\(\)\.__init__\(\)"):
        async with Unready().transaction():
            pass
