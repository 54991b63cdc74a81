"""Getters and selections: their results, order and number of statements."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from guild_db import AnyOf, Database, NotFoundError, Selection, Span, TransactionError, ValidationError
from sqlalchemy.exc import MultipleResultsFound, NoResultFound
from sqlalchemy.orm import joinedload, selectinload

from tests.runtime.conftest import statements
from tests.runtime.models import Case, Kind, User


async def people(db: Database, count: int) -> list[User]:
    return await db.user.create_many(
        [{"discord_id": n, "guild_id": 1, "name": f"u{n}", "points": n % 3} for n in range(count)]
    )


async def ids(selection: Selection[User, Any]) -> list[int]:
    """Return the keys of users, in order."""
    return sorted(user.id or 0 for user in await selection)


async def test_get_returns_the_row_or_none(db: Database) -> None:
    (user,) = await people(db, 1)
    assert user.id is not None
    assert (await db.user.get_by_id(user.id)) == user
    assert await db.user.get_by_id(99) is None


async def test_get_is_one_statement(db: Database) -> None:
    with statements(db) as sent:
        await db.user.get_by_id(1)
    assert [one.split()[0] for one in sent] == ["SELECT"]


async def test_get_one_raises_not_found(db: Database) -> None:
    with pytest.raises(NotFoundError, match="no such User") as caught:
        await db.user.get_one_by_id(99)
    assert caught.value.model is User
    assert isinstance(caught.value, NoResultFound)


async def test_filters_accept_values_none_anyof_and_span(db: Database) -> None:
    await people(db, 9)
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    await db.user.update_by_id(2, banned_at=moment)
    assert await ids(db.user.find_all(points=1)) == [2, 5, 8]
    assert await ids(db.user.find_all(points=AnyOf([1, 2]), id=Span(le=3))) == [2, 3]
    assert await ids(db.user.find_all(banned_at=None, id=Span(ge=1, lt=4))) == [1, 3]
    assert await ids(db.user.find_all(banned_at=Span(gt=moment - timedelta(1)))) == [2]
    assert await db.user.count(name=AnyOf([])) == 0
    assert await db.user.count(name=AnyOf(name for name in ("u1", "u2"))) == 2
    assert await db.user.count(rank=AnyOf([7, 8])) == 9
    assert await db.case.find_all(kind=AnyOf([Kind.BAN])).count() == 0


async def test_arguments_as_the_guide_writes_them(db: Database) -> None:
    await people(db, 9)
    c = db.user.c
    users = await db.user.find_all(filters=c.points > 0, order_by=c.points.desc(), limit=2, offset=1)
    assert [user.points for user in users] == [2, 2]
    users = await db.user.find_all([c.points > 0, c.id < 4], order_by=[c.points.desc(), c.id])
    assert [user.id for user in users] == [3, 2]
    assert len(await db.user.find_all(c.points.in_([1]))) == 3


async def test_selection_has_no_implicit_order(db: Database) -> None:
    with statements(db) as sent:
        await db.user.find_by_guild_id(1)
        await db.user.find_by_guild_id(1).first()
        await db.user.find_one(guild_id=1)
        await db.user.find_all(limit=1)
        await db.user.find_all(order_by=db.user.c.points)
    assert ["ORDER BY" in one for one in sent] == [False, False, False, False, True]


@pytest.mark.parametrize("wrong", [True, False, [True], "name = 'x'", 5])
async def test_invalid_condition_raises_type_error(db: Database, wrong: object) -> None:
    with pytest.raises(TypeError):
        db.user.find_all(wrong)  # type: ignore[arg-type]


async def test_unknown_and_repeated_filters_are_type_errors(db: Database) -> None:
    with pytest.raises(TypeError, match="'colour'"):
        db.user.find_all(colour="red")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="guild_id is passed twice"):
        db.user.find_by_guild_id(1, guild_id=2)
    with pytest.raises(TypeError, match="AnyOf"):
        db.user.find_all(id=[1, 2])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="AnyOf"):
        AnyOf("abc")
    with pytest.raises(ValidationError, match="time zone"):
        db.user.find_all(banned_at=Span(lt=datetime(2024, 1, 1)))  # noqa: DTZ001


async def test_index_expression_can_be_a_filter(db: Database) -> None:
    await people(db, 3)
    await db.user.update_by_id(1, name="ADA")
    user = await db.user.get_by_lower_name("ada")
    assert user is not None
    assert user.id == 1
    assert await ids(db.user.find_all(lower_name=Span(ge="u"))) == [2, 3]


async def test_endings_of_a_selection(db: Database) -> None:
    await people(db, 9)
    selection = db.user.find_by_guild_id(1)
    assert await selection.count() == 9
    assert await selection.exists()
    assert not await db.user.exists(points=77)
    assert await selection.sum(db.user.c.points) == 9
    assert type(await selection.sum(db.user.c.discord_id)) is int
    assert await db.user.find_all(points=77).sum(db.user.c.points) == 0
    first = await selection.order_by(db.user.c.id.desc()).first()
    assert first is not None
    assert first.id == 9
    assert await db.user.find_all(points=77).first() is None
    assert (await db.user.find_all(id=3).one()).id == 3
    with pytest.raises(NotFoundError):
        await db.user.find_all(points=77).one()
    with pytest.raises(MultipleResultsFound):
        await selection.one()


@pytest.mark.parametrize("method", ["count", "exists", "page"])
async def test_methods_over_all_rows_refuse_a_limit(db: Database, method: str) -> None:
    with pytest.raises(TypeError, match=f"{method}"):
        await getattr(db.user.find_all(limit=1), method)()
    with pytest.raises(TypeError):
        await db.user.count(limit=5)


async def test_selection_is_immutable_and_reusable(db: Database) -> None:
    await people(db, 4)
    selection = db.user.find_all()
    assert len(await selection.limit(1)) == 1
    assert len(await selection) == 4
    assert len(await selection) == 4
    with pytest.raises(AttributeError):
        selection._limit = 1  # type: ignore[misc]


async def test_selection_update_and_delete(db: Database) -> None:
    await people(db, 9)
    c = db.user.c
    assert await db.user.find_all(points=2).update({"points": c.points + 10}) == 3
    assert await db.user.count(points=12) == 3
    assert await db.user.find_all(points=12).order_by(c.id).limit(1).update({"points": 0}) == 1
    assert await db.user.find_all(points=12).limit(1).delete() == 1
    assert await db.user.find_all(points=12).delete() == 1
    with pytest.raises(TypeError, match="all_rows"):
        await db.user.find_all().delete()
    with pytest.raises(TypeError, match="all_rows"):
        await db.user.find_all().update({"points": 1})
    assert await db.user.find_all().delete(all_rows=True) == 7


async def test_for_update_needs_a_transaction(db: Database) -> None:
    with pytest.raises(TransactionError, match="transaction"):
        await db.user.find_all().for_update()


async def test_for_update_skips_locked_rows(db: Database) -> None:
    await people(db, 2)
    async with db.transaction():
        mine = await db.user.find_all().limit(1).for_update(skip_locked=True)
        async with db.session() as other:
            theirs = await db.user.using(other).find_all().for_update(skip_locked=True)
    assert {user.id for user in (*mine, *theirs)} == {1, 2}


async def test_options_accept_sqlalchemy_options(db: Database) -> None:
    await people(db, 2)
    for option in (selectinload(db.guild.model.users), joinedload(db.guild.model.users)):
        (guild,) = await db.guild.find_all(options=[option])
        assert [user.id for user in guild.users] == [1, 2]


async def test_paginate(db: Database) -> None:
    await people(db, 25)
    c = db.user.c
    result = await db.user.paginate(c.points >= 0, page=3, per_page=10, order_by=c.points.desc())
    assert (result.total, result.pages, result.has_next, result.has_previous) == (25, 3, False, True)
    assert len(result.items) == 5
    pages = [await db.user.paginate(page=page, per_page=10, order_by=c.points) for page in (1, 2, 3)]
    assert sorted(user.id or 0 for page in pages for user in page.items) == [*range(1, 26)]
    empty = await db.user.paginate(c.points > 77)
    assert (empty.pages, empty.has_next, empty.has_previous, empty.items) == (0, False, False, [])
    with pytest.raises(ValueError, match="counted from 1"):
        await db.user.paginate(page=0)


async def test_partial_index_finder_uses_constants_and_works_with_a_generic_plan(url: str, db: Database) -> None:
    (user,) = await people(db, 1)
    now = datetime.now(UTC)
    for number in range(4):
        await db.case.create(guild_id=1, number=number, user_id=user.id, closed=number % 2 == 0, expires_at=now)
    with statements(db) as sent:
        for _ in range(8):
            cases = await db.case.find_open_by_expires_at(Span(le=now))
            assert {case.number for case in cases} == {1, 3}
    assert len(sent) == 8
    assert all("NOT closed" in statement for statement in sent)
    assert isinstance(cases[0], Case)


async def test_stream_yields_detached_objects_in_bounded_memory(db: Database) -> None:
    await people(db, 1200)
    seen = 0
    with statements(db) as sent:
        async for user in db.user.find_all().load("guild"):
            assert sa.inspect(user).detached
            assert user.guild.name == "home"
            seen += 1
    assert seen == 1200
    assert len([one for one in sent if "FROM guild" in one or "JOIN guild" in one]) == 3
    async for user in db.user.find_all():
        await db.user.update_by_id(user.id or 0, points=5)
        break
    assert await db.user.count(points=5) == 1
