"""Queries have no implicit order, and cursors from clients are not trusted."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from guild_db import (
    Database,
    InvalidCursorError,
)

from tests.runtime.conftest import statements

# 12: no implicit order


async def test_only_pages_have_an_implicit_order(db: Database) -> None:
    selection, c = db.thing.find_all(v=1), db.thing.c
    with statements(db) as sent:
        await selection
        await selection.first()
        await selection.one_or_none()
        await selection.limit(3)
        await selection.offset(1)
        await selection.limit(2).update({"v": 1})
        await selection.limit(2).delete()
        await selection.count()
        await selection.exists()
        await db.thing.find_one(v=1)
        await db.thing.find_all(limit=3, offset=1)
        async with db.transaction():
            await selection.for_update().first()
    assert not [statement for statement in sent if "ORDER BY" in statement]
    with statements(db) as sent:
        await selection.order_by(c.name).first()
        await db.thing.find_one(order_by=c.name)
    assert [statement.partition(" ORDER BY ")[2].partition(" LIMIT")[0] for statement in sent] == ["thing.name"] * 2
    with statements(db) as sent:
        await selection.page(1)
        await db.thing.paginate(per_page=1)
    assert [
        statement.partition(" ORDER BY ")[2].partition(" LIMIT")[0] for statement in sent if "count(" not in statement
    ] == ["thing.key"] * 2


# 16: cursors from clients, and mistakes that are named


async def test_cursor_with_a_changed_byte_is_refused(db: Database) -> None:
    await db.counted.create_many([{"n": n} for n in range(4)])
    selection = db.counted.find_all().order_by(db.counted.c.n.desc())
    cursor = (await selection.page(2)).next
    assert cursor
    assert [row.n for row in (await selection.page(2, after=cursor)).items] == [1, 0]
    for at_, character in enumerate(cursor):
        damaged = cursor[:at_] + ("A" if character != "A" else "B") + cursor[at_ + 1 :]
        with pytest.raises(InvalidCursorError):
            await selection.page(2, after=damaged)
    for length in range(len(cursor)):
        with pytest.raises(InvalidCursorError):
            await selection.page(2, after=cursor[:length])
    longer = (f"{cursor}A", f"{cursor} ", f" {cursor}", f"{cursor}\n", cursor * 2)
    for wrong in (*longer, "", "=" * 8, "\0", "\ud800", "9" * 9999):
        with pytest.raises(InvalidCursorError):
            await selection.page(2, after=wrong)


@pytest.mark.parametrize("origin", ["another order", "another direction", "another model", "a forger"])
async def test_cursor_of_another_order_is_refused(db: Database, origin: str) -> None:
    await db.counted.create_many([{"n": n} for n in range(4)])
    await db.guarded.create_many([{"id": n, "name": str(n)} for n in range(4)])
    c = db.counted.c
    cursor = {
        "another order": (await db.counted.find_all().page(2)).next,
        "another direction": (await db.counted.find_all().order_by(c.n).page(2)).next,
        "another model": (await db.guarded.find_all().order_by(db.guarded.c.v.desc()).page(2)).next,
        "a forger": base64.urlsafe_b64encode(b'\x01\x00\x00\x00\x00\x00\x00\x00\x00["1", "1"]').decode(),
    }[origin]
    assert cursor
    with pytest.raises(InvalidCursorError):
        await db.counted.find_all().order_by(c.n.desc()).page(2, after=cursor)


@pytest.mark.parametrize("size", [0, -1])
async def test_page_size_must_be_positive(db: Database, size: int) -> None:
    with pytest.raises(ValueError, match="at least one row"):
        await db.counted.find_all().page(size)
    with pytest.raises(ValueError, match="at least one row"):
        await db.counted.paginate(per_page=size)


@pytest.mark.parametrize("order", ["created_at", ["created_at", "n"], ["-created_at"], [None], 5, "n desc"])
async def test_invalid_order_is_named_in_full(db: Database, order: Any) -> None:
    for call in (lambda: db.counted.find_all(order_by=order), lambda: db.counted.find_one(order_by=order)):
        with pytest.raises(TypeError, match="order_by") as caught:
            await call()  # type: ignore[misc]
        assert f"not {order[0] if isinstance(order, list) else order!r}" in str(caught.value)


async def test_controller_works_after_dispose(address: str) -> None:
    db = Database(address)
    counted = db.counted
    before = await counted.count()
    await db.dispose()
    assert await counted.count() == before
    async with db.transaction():
        assert await counted.count() == before
    await db.dispose()


async def test_service_without_super_init_says_so(address: str) -> None:
    class Unready(Database):
        def __init__(self) -> None:
            self.own = 1

    for call in (lambda db: db.counted.count(), lambda db: db.ping(), lambda db: db.counted.create()):
        with pytest.raises(Exception, match=r"super\(\)\.__init__\(\)"):
            await call(Unready())
    with pytest.raises(Exception, match=r"super\(\)\.__init__\(\)"):
        async with Unready().transaction():
            pass
