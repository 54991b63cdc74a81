"""Relationships: loaded only on request, in one statement each."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import sqlalchemy as sa
from guild_db import Database, Span, UnloadedError
from sqlalchemy.exc import InvalidRequestError

from tests.runtime.conftest import Statements, statements
from tests.runtime.models import Case, User


@pytest.fixture
async def users(db: Database) -> list[User]:
    """Three users. The first has two cases, and moderates the one case of the second."""
    rows: Any = [{"discord_id": n, "guild_id": 1, "name": f"u{n}"} for n in (1, 2, 3)]
    users = await db.user.create_many(rows)
    for number, user_id, parent in ((1, 1, None), (2, 1, 1), (3, 2, 1)):
        await db.case.create(guild_id=1, number=number, user_id=user_id, parent_id=parent, moderator_id=3)
    return users


def selects(sent: Statements) -> int:
    return len(sent.beginning("SELECT"))


async def test_load_with_a_getter_and_with_a_selection(db: Database, users: list[User]) -> None:
    with statements(db) as sent:
        user = await db.user.get_one_by_id(1, load=["cases", "guild"])
    assert selects(sent) == 3
    assert [case.number for case in user.cases] == [2, 1]
    assert user.guild.name == "home"
    with statements(db) as sent:
        users = await db.user.find_by_guild_id(1).order_by(db.user.c.id).load("cases").load("guild")
    assert selects(sent) == 3
    assert [len(user.cases) for user in users] == [2, 1, 0]


async def test_loading_is_one_statement_for_a_thousand_objects(db: Database) -> None:
    rows: Any = [{"discord_id": n, "guild_id": 1, "name": f"u{n}"} for n in range(1000)]
    users = await db.user.create_many(rows)
    with statements(db) as sent:
        await db.user.load_guild(users)
        await db.user.load_cases(users)
        await db.user.load_cases([])
    assert selects(sent) == 2
    assert {user.guild.id for user in users} == {1}
    assert all(user.cases == [] for user in users)


async def test_every_kind_of_relationship_loads(db: Database, users: list[User]) -> None:
    c = db.case.c
    cases = await db.case.find_all(order_by=c.number)
    await db.case.load_parent(cases)
    assert [case.parent and case.parent.number for case in cases] == [None, 1, 1]
    await db.case.load_children(cases)
    assert [[child.number for child in case.children] for case in cases] == [[2, 3], [], []]
    await db.case.load_moderator(cases)
    assert {case.moderator.id for case in cases} == {3}
    loaded = await db.case.find_all(order_by=c.number).load("user", "parent", "children")
    assert [case.user.id for case in loaded] == [1, 1, 2]

    for name in ("b", "a"):
        tag = await db.tag.create(name=name)
        await db.guild_tag.create(guild_id=1, tag_id=tag.id)
    guild = await db.guild.get_one_by_id(1, load=["tags", "users"])
    assert [tag.name for tag in guild.tags] == ["a", "b"]
    assert [user.id for user in guild.users] == [1, 2, 3]

    await db.level.create_many([{"guild_id": 1, "member_id": n} for n in (1, 2)])
    await db.reward.create_many([{"guild_id": 1, "member_id": n} for n in (2, 2)])
    levels = await db.level.find_all(order_by=db.level.c.member_id).load("rewards")
    assert [len(level.rewards) for level in levels] == [0, 2]
    rewards = await db.reward.find_all().load("level")
    assert rewards[0].level is rewards[1].level


async def test_unknown_relationships_are_type_errors(db: Database) -> None:
    with pytest.raises(TypeError, match="User has no relationship 'case'; did you mean cases"):
        await db.user.get_by_id(1, load=["case"])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r'load takes a list of relationships: \["cases"\]'):
        await db.user.get_by_id(1, load="cases")  # type: ignore[arg-type]
    with pytest.raises(
        TypeError,
        match=r"User has no relationship 'id'; there are cases, cases\.children, cases\.parent, guild, ",
    ):
        db.user.find_all().load("id")  # type: ignore[arg-type]


async def test_unloaded_relationship_says_how_to_load_it(db: Database, users: list[User]) -> None:
    created = users[0]
    updated = await db.user.update_by_id(1, points=1)
    upserted = await db.user.upsert_by_discord_id(discord_id=1, guild_id=1, name="x")
    selected = await db.user.find_one(id=1)
    for user in (created, updated, upserted, selected):
        assert user is not None
        with pytest.raises(UnloadedError) as caught:
            _ = user.cases
        assert 'load=["cases"]' in str(caught.value)
        assert "load_cases(" in str(caught.value)
        assert "User.cases" in str(caught.value)
    assert issubclass(UnloadedError, InvalidRequestError)


async def test_unloaded_relationships_of_loaded_objects_raise_too(db: Database, users: list[User]) -> None:
    user = await db.user.get_one_by_id(1, load=["cases"])
    with pytest.raises(UnloadedError, match=r"Case\.parent"):
        _ = user.cases[0].parent


async def test_eager_loading_of_the_model_is_ignored(db: Database, users: list[User]) -> None:
    with statements(db) as sent:
        (case, *_) = await db.case.find_all()
        user = await db.user.get_one_by_id(1, load=["cases"])
    assert selects(sent) == 3
    assert not any("LEFT OUTER JOIN" in one for one in sent)
    for one in (case, user.cases[0]):
        for name in ("user", "moderator"):
            with pytest.raises(UnloadedError):
                getattr(one, name)
    with statements(db) as sent:
        await db.case.create(guild_id=1, number=9, user_id=1, moderator_id=3)
    assert selects(sent) == 0


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
async def test_objects_can_be_copied_and_pickled(db: Database, users: list[User], again: Any) -> None:
    user = await db.user.get_one_by_id(1, load=["cases"])
    twin = again(user)
    assert twin == user
    assert [case.number for case in twin.cases] == [2, 1]
    with pytest.raises(UnloadedError):
        _ = twin.guild
    with pytest.raises(UnloadedError):
        _ = twin.cases[0].parent


async def test_objects_can_be_dumped_and_compared_without_loading(db: Database, users: list[User]) -> None:
    user = await db.user.get_one_by_id(1)
    assert user.model_dump(exclude={"preferences"})["name"] == "u1"  # pydantic warns, because JSON is read as a dict
    assert "u1" in repr(user)
    assert user == await db.user.get_one_by_id(1)


async def test_objects_can_be_added_merged_refreshed_and_deleted_in_a_session(db: Database, users: list[User]) -> None:
    user = await db.user.get_one_by_id(1)
    async with db.session() as session:
        merged = await session.merge(user)
        merged.points = 3
    assert (await db.user.get_one_by_id(1)).points == 3
    async with db.session() as session:
        session.add(user)
        user.points = 4
        await session.flush()
        await session.refresh(user, ["cases"])
        assert len(user.cases) == 2
    assert (await db.user.get_one_by_id(1)).points == 4
    lonely = await db.user.get_one_by_id(3)
    await db.case.find_all().update({"moderator_id": None}, all_rows=True)
    async with db.session() as session:
        await session.delete(lonely)
    assert await db.user.get_by_id(3) is None


async def test_relationships_can_be_assigned(db: Database, users: list[User]) -> None:
    case = Case(guild_id=1, number=7)
    case.user = await db.user.get_one_by_id(1)
    async with db.session() as session:
        session.add(case)
    assert (await db.case.get_one_by_guild_id_and_number(1, 7)).user_id == 1


async def test_loaded_relationship_stays_loaded_and_can_be_reloaded(db: Database, users: list[User]) -> None:
    user = await db.user.get_one_by_id(3, load=["cases"])
    assert user.cases == []
    await db.case.create(guild_id=1, number=9, user_id=3)
    await db.user.load_cases([user, user])
    assert [case.number for case in user.cases] == [9]
    assert sa.inspect(user.cases[0]).detached


async def test_loading_joins_the_surrounding_transaction(db: Database, users: list[User]) -> None:
    async with db.transaction():
        user = await db.user.get_one_by_id(3)
        await db.case.create(guild_id=1, number=9, user_id=3)
        await db.user.load_cases([user])
    assert [case.number for case in user.cases] == [9]


async def test_row_reached_by_several_relationships_is_one_object(db: Database, users: list[User]) -> None:
    """As in the ORM, so that loaded objects can be added to a session."""
    await db.case.create_many(
        [{"guild_id": 1, "number": 40 + n, "user_id": users[0].id, "moderator_id": users[0].id} for n in range(2)]
    )
    cases = await db.case.find_all(number=Span(ge=40)).load("user", "moderator")
    assert len({id(user) for case in cases for user in (case.user, case.moderator)}) == 1
    async with db.session() as session:
        session.add_all(cases)
