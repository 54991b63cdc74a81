"""Writes: one statement each, validated first, and returned with all values that the database supplies."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from guild_db import Database, UniqueViolation, ValidationError

from tests.runtime.conftest import statements
from tests.runtime.models import Kind, Preferences, User


def values(n: int = 1, **more: Any) -> Any:
    return {"discord_id": n, "guild_id": 1, "name": f"u{n}", **more}


def assert_complete(user: User) -> None:
    """Assert that defaults of Python, the column and the server, and computed columns, have values."""
    assert user.id
    assert user.points == 0
    assert user.rank == 7
    assert isinstance(user.token, UUID)
    assert user.created_at
    assert user.created_at.tzinfo
    assert user.shout == user.name.upper()
    assert user.preferences == {"colour": "red", "since": "2020-01-01T00:00:00Z"}
    assert user.banned_at is None
    assert sa.inspect(user).detached
    assert not sa.inspect(user).expired_attributes


async def test_create_is_one_statement_and_returns_a_complete_row(db: Database) -> None:
    with statements(db) as sent:
        user = await db.user.create(**values())
    assert [one.split()[0] for one in sent] == ["INSERT"]
    assert_complete(user)


async def test_every_write_returns_complete_rows(db: Database) -> None:
    paths = [
        await db.user.create(**values(1)),
        *await db.user.create_many([values(2), values(3)]),
        (await db.user.get_or_create_by_discord_id(**values(4)))[0],
        await db.user.upsert_by_discord_id(**values(5)),
        *await db.user.upsert_many([values(6), values(7)], key=["discord_id"]),
    ]
    assert [user.discord_id for user in paths] == [1, 2, 3, 4, 5, 6, 7]
    for user in paths:
        assert_complete(user)


async def test_explicit_none_stores_null(db: Database) -> None:
    assert (await db.user.create(**values(1, rank=None))).rank is None
    many = await db.user.create_many([values(2, rank=None), values(3), values(4, rank=None)])
    assert [user.rank for user in many] == [None, 7, None]
    assert (await db.user.upsert_by_discord_id(**values(5, rank=None))).rank is None
    updated = await db.user.update_by_id(3, rank=None)
    assert updated is not None
    assert updated.rank is None


async def test_none_in_a_json_column_is_null_and_not_json(db: Database) -> None:
    await db.guild.create(id=2, name="a", settings=None)
    await db.guild.create_many([{"id": 3, "name": "b", "settings": None}])
    await db.guild.find_all(id=1).update({"settings": None})
    assert await db.guild.find_all(settings=None).count() == 3


async def test_update_by_key_is_one_statement_and_runs_onupdate(db: Database) -> None:
    await db.user.create(**values())
    with statements(db) as sent:
        user = await db.user.update_by_id(1, name=" new ")
    assert [one.split()[0] for one in sent] == ["UPDATE"]
    assert user is not None
    assert user.name == "new"
    assert user.shout == "NEW"
    assert user.updated_at
    assert await db.user.update_by_id(99, points=1) is None


async def test_update_without_values_returns_the_row(db: Database) -> None:
    await db.user.create(**values())
    user = await db.user.update_by_id(1)
    assert user is not None
    assert user.updated_at is None


async def test_concurrent_updates_by_expressions_lose_nothing(db: Database) -> None:
    await db.user.create(**values())
    c = db.user.c
    await asyncio.gather(*(db.user.update_by_id(1, points=c.points + 1) for _ in range(50)))
    user = await db.user.get_one_by_id(1)
    assert user.points == 50
    assert await db.user.update_where(c.points > 10, points=c.points - 10) == 1
    assert (await db.user.get_one_by_id(1)).points == 40


async def test_update_where_needs_a_filter(db: Database) -> None:
    await db.user.create(**values())
    with pytest.raises(TypeError, match="all_rows"):
        await db.user.update_where(points=1)
    assert await db.user.update_where(all_rows=True, points=1) == 1
    with pytest.raises(TypeError, match="all_rows"):
        await db.user.delete_where()
    assert await db.user.delete_where(db.user.c.points == 1) == 1


async def test_delete_by_key(db: Database) -> None:
    await db.user.create(**values())
    assert await db.user.delete_by_id(1) is True
    assert await db.user.delete_by_id(1) is False


async def test_fifty_concurrent_get_or_create_calls_create_one_row(db: Database) -> None:
    results = await asyncio.gather(*(db.user.get_or_create_by_discord_id(**values()) for _ in range(50)))
    assert len({user.id for user, _ in results}) == 1
    assert [is_new for _, is_new in results].count(True) == 1
    assert await db.user.count() == 1


async def test_get_or_create_raises_for_other_constraints(db: Database) -> None:
    await db.user.create(**values(1))
    with pytest.raises(UniqueViolation):
        await db.user.get_or_create_by_discord_id(**values(2, name="U1"))


async def test_upsert_sets_only_the_passed_values(db: Database) -> None:
    before = await db.user.create(**values(points=5, rank=3))
    after = await db.user.upsert_by_discord_id(**values(name="other"))
    assert (after.id, after.name, after.points, after.rank) == (before.id, "other", 5, 3)
    assert after.token == before.token
    assert after.updated_at is not None


async def test_upsert_of_only_the_key_returns_the_row(db: Database) -> None:
    await db.level.upsert_by_guild_id_and_member_id(guild_id=1, member_id=2, xp=5)
    assert (await db.level.upsert_by_guild_id_and_member_id(guild_id=1, member_id=2)).xp == 5


async def test_fifty_concurrent_upserts(db: Database) -> None:
    # Each row has a different name, because ON CONFLICT does not cover another unique index.
    await asyncio.gather(*(db.user.upsert_by_discord_id(**values(points=n, name=f"n{n}")) for n in range(50)))
    assert await db.user.count() == 1


async def test_partial_upsert_works_with_a_generic_plan(url: str, db: Database) -> None:
    async with Database(url, pool_size=1, max_overflow=0) as narrow:
        for n in range(9):
            row = await narrow.afk.upsert_current_by_member_id(member_id=1, reason=str(n))
            strict = await narrow.strict.upsert_active_by_member_id(member_id=1, note=str(n))
        assert (row.id, row.kind, row.reason) == (1, "x", "8")
        assert (strict.id, strict.kind, strict.active, strict.note) == (1, Kind.KICK, True, "8")
        results = [await narrow.afk.get_or_create_current_by_member_id(member_id=member) for member in (1, 2)]
        assert [is_new for _, is_new in results] == [False, True]
        current = await narrow.afk.get_one_current_by_member_id(1)
        assert current.id == row.id


async def test_partial_upsert_refuses_values_outside_its_predicate(db: Database) -> None:
    with pytest.raises(ValidationError, match="ended_at must be None in a row of the index uq_afk_current"):
        await db.afk.upsert_current_by_member_id(member_id=1, ended_at=datetime.now(UTC))
    with pytest.raises(ValidationError, match="kind must be 'x'"):
        await db.afk.upsert_current_by_member_id(member_id=1, kind="z")
    with pytest.raises(ValidationError, match="active must be True"):
        await db.strict.upsert_active_by_member_id(member_id=1, active=False)
    assert (await db.afk.upsert_current_by_member_id(member_id=1, kind="x", ended_at=None)).kind == "x"


async def test_create_many_keeps_the_order_and_is_all_or_nothing(db: Database) -> None:
    users = await db.user.create_many([values(n, rank=n) if n % 2 else values(n) for n in range(500, 0, -1)])
    assert [user.discord_id for user in users] == [*range(500, 0, -1)]
    with pytest.raises(UniqueViolation):
        await db.user.create_many([values(1001), values(1)])
    assert await db.user.count() == 500
    assert await db.user.create_many([]) == []


async def test_create_many_of_composite_keys(db: Database) -> None:
    rows = await db.level.create_many([{"guild_id": 1, "member_id": n} for n in (3, 1, 2)])
    assert [row.member_id for row in rows] == [3, 1, 2]


async def test_many_rows_are_sent_as_one_statement(db: Database) -> None:
    with statements(db) as sent:
        rows = await db.level.create_many([{"guild_id": 1, "member_id": n} for n in range(25_000, 0, -1)])
    assert len(sent.beginning("INSERT")) == 1
    assert [row.member_id for row in rows] == list(range(25_000, 0, -1))


async def test_upsert_many_merges_repeated_keys_in_order(db: Database) -> None:
    users = await db.user.upsert_many([values(1, points=1), values(2), values(1, points=3)], key=["discord_id"])
    assert users[0].id == users[2].id
    assert users[2].points == 3
    assert await db.user.count() == 2


async def test_update_many_is_all_or_nothing(db: Database) -> None:
    await db.user.create_many([values(1), values(2)])
    assert await db.user.bulk_update([{"id": 1, "points": 5}, {"id": 2, "name": "x"}, {"id": 9, "points": 1}]) == 2
    assert await db.user.bulk_update([{"id": 1, "points": db.user.c.points + 1}]) == 1
    assert (await db.user.get_one_by_id(1)).points == 6
    with pytest.raises(UniqueViolation):
        await db.user.bulk_update([{"id": 1, "points": 9}, {"id": 2, "discord_id": 1}])
    assert (await db.user.get_one_by_id(1)).points == 6
    with pytest.raises(ValidationError, match="id is required"):
        await db.user.bulk_update([{"points": 1}])


async def test_delete_many(db: Database) -> None:
    await db.user.create_many([values(n) for n in range(5)])
    assert await db.user.delete_many([1, 2, 99]) == 2
    assert await db.user.delete_many([]) == 0
    await db.level.create_many([{"guild_id": 1, "member_id": n} for n in range(3)])
    assert await db.level.delete_many([(1, 0), (1, 2), (2, 1)]) == 2


async def test_pydantic_models_are_stored_as_json(db: Database) -> None:
    user = await db.user.create(**values(preferences=Preferences(colour="blue")))
    assert user.preferences == {"colour": "blue", "since": "2020-01-01T00:00:00Z"}
    updated = await db.user.update_by_id(1, preferences=Preferences(colour="green"))
    assert updated is not None
    assert updated.preferences == {"colour": "green", "since": "2020-01-01T00:00:00Z"}


async def test_other_types_round_trip(db: Database) -> None:
    await db.user.create(**values())
    case = await db.case.create(
        guild_id=1, number=1, user_id=1, kind=Kind.KICK, fine=Decimal("1.50"), labels=["a", "b"]
    )
    stored = await db.case.get_one_by_guild_id_and_number(1, 1)
    assert (stored.kind, stored.fine, stored.labels) == (Kind.KICK, Decimal("1.50"), ["a", "b"])
    assert stored == case
