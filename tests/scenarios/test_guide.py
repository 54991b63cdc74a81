"""The patterns of the team's guide, one test each."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import and_, select
from sqlalchemy.exc import IntegrityError, NoResultFound
from sqlalchemy.orm import selectinload

from bot.controllers.errors import NotEnoughPointsError
from generated import Database, NotFoundError, UnloadedError, ValidationError
from models import CaseType, PointsTransaction, User
from tests.scenarios.conftest import GUILD


async def test_service_access_patterns(db: Database, users: list[User]) -> None:
    config, _ = await db.guild_config.get_or_create_by_guild_id(guild_id=GUILD)
    assert (await db.guild_config.get_by_guild_id(GUILD)) == config
    async with db.session() as session:
        result = await session.execute(select(User).where(db.user.c.guild_id == GUILD))
        assert len(result.scalars().all()) == 3


async def test_crud_operations(db: Database) -> None:
    user = await db.user.create(discord_id=123456789, guild_id=GUILD, username="testuser")
    assert (user.discord_id, user.username, user.points) == (123456789, "testuser", 0)
    assert await db.user.get_by_id(user.id) == user
    changed = await db.user.update_by_id(user.id, points=100)
    assert changed is not None
    assert changed.points == 100
    assert await db.user.find_all(filters=db.user.c.guild_id == GUILD) == [changed]
    assert await db.user.delete_by_id(user.id)
    assert await db.user.get_by_id(user.id) is None


async def test_get_or_create_does_not_race(db: Database) -> None:
    """The guide reads, writes, and reads again after a conflict. Here one call does the same."""
    created = await asyncio.gather(*(db.guild_config.get_or_create_by_guild_id(guild_id=GUILD) for _ in range(20)))
    assert sum(is_new for _, is_new in created) == 1
    assert len({config.guild_id for config, _ in created}) == 1


async def test_errors_are_not_swallowed(db: Database, users: list[User]) -> None:
    """The guide returns None or False on any exception. Here each error has a class, which the guide's code catches."""
    with pytest.raises(IntegrityError) as caught:
        await db.user.create(discord_id=1, guild_id=GUILD, username="again")
    assert "discord_id" in str(caught.value)
    with pytest.raises(NoResultFound):
        await db.user.get_one_by_id(999)
    with pytest.raises(NotFoundError):
        await db.user.find_all(id=999).one()


async def test_complex_operation_is_all_or_nothing(db: Database) -> None:
    with pytest.raises(RuntimeError, match="step 3"):
        async with db.transaction():
            user = await db.user.create(discord_id=1, guild_id=GUILD, username="a")
            await db.reminder.create(user_id=user.id, key="k", channel_id=1, content="c", expires_at=datetime.now(UTC))
            raise RuntimeError("step 3")
    assert await db.user.count() == 0
    assert await db.reminder.count() == 0


async def test_simple_queries(db: Database, users: list[User]) -> None:
    c = db.user.c
    newest = await db.user.find_all(filters=c.guild_id == GUILD, limit=2, order_by=c.created_at.desc())
    assert len(newest) == 2
    assert await db.user.find_one(filters=c.username == "u2") == users[1]


async def test_complex_queries(db: Database, users: list[User]) -> None:
    c = db.user.c
    await db.user.update_by_id(users[1].id, points=500)
    top = await db.user.find_by_guild_id(GUILD).order_by(c.points.desc(), c.id.desc()).limit(2)
    assert [user.username for user in top] == ["u2", "u3"]


async def test_eager_loading_for_relationships(db: Database, users: list[User]) -> None:
    await db.case.open(GUILD, CaseType.WARN, moderator=users[0], target=users[1], reason="spam")
    user = await db.user.find_one(filters=db.user.c.id == users[1].id, options=[selectinload(db.user.c.cases)])
    assert user is not None
    assert len(user.cases) == 1
    again = await db.user.get_one_by_id(users[1].id, load=["cases"])
    assert [case.reason for case in again.cases] == ["spam"]
    with pytest.raises(UnloadedError, match="load_cases"):
        _ = users[1].cases


async def test_relationship_filtering(db: Database, users: list[User]) -> None:
    await db.case.open(GUILD, CaseType.WARN, moderator=users[0], target=users[1], reason="spam")
    c = db.user.c
    warned = await db.user.find_all(filters=and_(c.guild_id == GUILD, c.cases.any(db.case.c.reason == "spam")))
    assert warned == [users[1]]


async def test_points_transfer_loses_nothing_under_contention(db: Database, users: list[User]) -> None:
    """The guide reads both rows and writes computed values without a lock, so that one of two transfers is lost."""
    pairs = [(users[n % 3], users[(n + 1) % 3]) for n in range(30)]
    await asyncio.gather(*(db.points_transaction.transfer(sender, receiver, 1) for sender, receiver in pairs))
    assert [user.points for user in await db.user.find_all()] == [100, 100, 100]
    assert await db.points_transaction.count() == 30


async def test_overdraft_leaves_no_trace(db: Database, users: list[User]) -> None:
    with pytest.raises(NotEnoughPointsError):
        await db.points_transaction.transfer(users[0], users[1], 101)
    assert [user.points for user in await db.user.find_all()] == [100, 100, 100]
    assert await db.points_transaction.find_all() == list[PointsTransaction]()


async def test_pagination_for_large_datasets(db: Database, users: list[User]) -> None:
    result = await db.user.paginate(filters=db.user.c.guild_id == GUILD, page=2, per_page=2)
    assert (result.items, result.total, result.pages, result.has_next) == ([users[2]], 3, 2, False)


async def test_bulk_operations(db: Database, users: list[User]) -> None:
    assert await db.user.bulk_update([{"id": user.id, "points": number} for number, user in enumerate(users)]) == 3
    assert [user.points for user in await db.user.find_all()] == [0, 1, 2]


async def test_reading_again_needs_no_cached_coroutine(db: Database) -> None:
    """The guide puts lru_cache on a coroutine, which can be awaited only once. A call can be repeated."""
    await db.guild_config.get_or_create_by_guild_id(guild_id=GUILD)
    first, second = [await db.guild_config.get_by_guild_id(GUILD) for _ in range(2)]
    assert first == second
    await db.guild_config.update_by_guild_id(GUILD, prefix="?")
    now = await db.guild_config.get_one_by_guild_id(GUILD)
    assert now.prefix == "?"


async def test_timestamps_have_a_time_zone(db: Database, users: list[User]) -> None:
    """The guide's datetime.utcnow has no time zone, and PostgreSQL would interpret it as local time."""
    assert users[0].created_at.utcoffset() is not None
    with pytest.raises(ValidationError, match="expires_at needs a time zone"):
        await db.reminder.create(
            user_id=users[0].id,
            key="k",
            channel_id=1,
            content="c",
            expires_at=datetime(2030, 1, 1),  # noqa: DTZ001 - the test is about it
        )


async def test_inputs_are_validated(db: Database, users: list[User]) -> None:
    with pytest.raises(ValidationError, match="points"):
        await db.user.update_by_id(users[0].id, points=-1)
    with pytest.raises(ValidationError, match="username"):
        await db.user.update_by_id(users[0].id, username="   ")


async def test_sql_injection_is_treated_as_a_string(db: Database, users: list[User]) -> None:
    evil = "'; DROP TABLE users; --"
    assert await db.user.find_all(filters=db.user.c.username == evil) == []
    assert await db.user.find_all(username=evil) == []
    changed = await db.user.update_by_id(users[0].id, username=evil)
    assert changed is not None
    assert changed.username == evil
    assert await db.user.count() == 3


async def test_reminders_are_due_once(db: Database, users: list[User]) -> None:
    now = datetime.now(UTC)
    for number in range(10):
        await db.reminder.create(
            user_id=users[0].id,
            key=f"k{number}",
            channel_id=1,
            content="c",
            expires_at=now - timedelta(minutes=number),
        )
    taken = await asyncio.gather(*(db.reminder.claim(now, limit=3) for _ in range(5)))
    ids = [reminder.id for batch in taken for reminder in batch]
    assert len(ids) == len(set(ids)) == 10
    assert await db.reminder.count(sent=False, claimed_until=None) == 0
