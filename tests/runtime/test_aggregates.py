"""Values and aggregates, nested relationships, links, and increments."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from guild_db import Database, NotFoundError, UnloadedError

from tests.runtime.conftest import statements
from tests.runtime.models import Kind


@pytest.fixture
async def users(db: Database) -> list[int | None]:
    names = [("ada", 3), ("bob", 5), ("cyd", 5)]
    rows = await db.user.create_many(
        [{"discord_id": n, "guild_id": 1, "name": name, "points": points} for n, (name, points) in enumerate(names, 1)]
    )
    return [row.id for row in rows]


@pytest.mark.usefixtures("users")
async def test_values_create_no_objects(db: Database) -> None:
    c = db.user.c
    chosen = db.user.find_by_guild_id(1).order_by(c.name)
    assert await chosen.values(c.name) == ["ada", "bob", "cyd"]
    assert await chosen.limit(2).values(c.name, c.points) == [("ada", 3), ("bob", 5)]
    assert await chosen.values(c.points * 2) == [6, 10, 10]
    assert await db.user.find_all(points=99).values(c.name, c.points) == []
    with pytest.raises(TypeError, match=r"values takes columns such as c\.points, not 'name'"):
        await chosen.values("name")  # type: ignore[call-overload]  # the tested mistake


async def test_values_equal_the_attributes_of_objects(db: Database, users: list[int | None]) -> None:
    end = datetime.max.replace(tzinfo=UTC)
    await db.case.create(guild_id=1, number=1, kind=Kind.KICK, user_id=users[0] or 0, expires_at=end, labels=["a"])
    c = db.case.c
    (case,) = await db.case.find_all()
    values = await db.case.find_all().values(c.kind, c.fine, c.expires_at, c.labels)
    assert values == [(case.kind, case.fine, case.expires_at, case.labels)]
    assert values[0] == (Kind.KICK, Decimal(0), end, ["a"])


@pytest.mark.usefixtures("users")
async def test_aggregates_have_the_databases_type_and_none_without_rows(db: Database) -> None:
    c = db.user.c
    everybody, nobody = db.user.find_all(), db.user.find_all(points=99)
    assert (await everybody.min(c.points), await everybody.max(c.points)) == (3, 5)
    assert await everybody.max(c.name) == "cyd"
    assert round(await everybody.avg(c.points) or 0, 4) == Decimal("4.3333")
    assert (await nobody.min(c.points), await nobody.max(c.name), await nobody.avg(c.points)) == (None, None, None)
    assert await nobody.sum(c.points) == 0
    assert await everybody.count_by(c.points) == {3: 1, 5: 2}
    with pytest.raises(TypeError, match="remove the limit"):
        await everybody.limit(1).max(c.points)


async def test_nested_relationship_loads_with_one_statement_per_level(db: Database, users: list[int | None]) -> None:
    for number, user in enumerate(users, 1):
        await db.case.create(guild_id=1, number=number, user_id=user or 0, moderator_id=users[0])
    with statements(db) as sent:
        (guild,) = await db.guild.find_all().load("users.cases")
    assert len(sent) == 3
    assert [len(user.cases) for user in guild.users] == [1, 1, 1]
    case = guild.users[0].cases[0]
    with pytest.raises(UnloadedError):
        _ = case.moderator
    (read,) = (
        await db.case.find_all(number=2, load=["user.guild"])
        if False
        else [await db.case.get_by_id(case.id or 0, load=["user.guild"])]
    )
    assert read
    assert read.user.guild.name == "home"


async def test_misspelt_relationship_path_is_refused(db: Database) -> None:
    with pytest.raises(TypeError, match=r"no relationship 'users\.casse'; did you mean users\.cases"):
        await db.guild.find_all().load("users.casse")  # type: ignore[arg-type]  # the tested mistake


# links


async def test_links_are_added_removed_and_set(db: Database) -> None:
    home = await db.guild.get_one_by_id(1)
    away = await db.guild.create(id=2, name="away")
    red, blue, green = await db.tag.create_many([{"name": name} for name in ("red", "blue", "green")])
    assert await db.guild.add_tags([home, away], [red, blue]) == 4
    assert await db.guild.add_tags([home], [blue, green]) == 1
    assert await db.guild.remove_tags([away], [red, green]) == 1
    assert await names(db) == {1: ["blue", "green", "red"], 2: ["blue"]}
    with statements(db) as sent:
        assert await db.guild.set_tags([home, away], [green]) == 2 + 1 + 1
    assert len(sent) == 2
    assert await names(db) == {1: ["green"], 2: ["green"]}
    assert await db.guild.set_tags([home], []) == 1
    assert await db.guild.set_tags([], [red]) == 0
    assert await names(db) == {1: [], 2: ["green"]}


async def test_failed_link_call_is_rolled_back(db: Database) -> None:
    home = await db.guild.get_one_by_id(1)
    red = await db.tag.create(name="red")
    gone = await db.tag.create(name="gone")
    await db.tag.delete_by_id(gone.id or 0)
    await db.guild.add_tags([home], [red])
    with pytest.raises(Exception, match="foreign key"):
        await db.guild.set_tags([home], [gone])
    assert await names(db) == {1: ["red"]}
    with pytest.raises(TypeError, match="expected objects of Tag, not Guild"):
        await db.guild.add_tags([home], [home])  # type: ignore[list-item]  # the tested mistake


async def names(db: Database) -> dict[int, list[str]]:
    return {guild.id: [tag.name for tag in guild.tags] for guild in await db.guild.find_all().load("tags")}


# writes


async def test_create_or_update_increments_the_existing_row(db: Database) -> None:
    c = db.level.c
    for expected in (5, 15, 25):
        level = await db.level.create_or_update_by_guild_id_and_member_id(
            create={"guild_id": 1, "member_id": 2, "xp": 5}, update={"xp": c.xp + 10}
        )
        assert level.xp == expected
    same = await db.level.create_or_update_by_guild_id_and_member_id({"guild_id": 1, "member_id": 2}, {})
    assert same.xp == 25
    assert await db.level.count() == 1


async def test_update_one_raises_without_a_row(db: Database) -> None:
    assert (await db.guild.update_one_by_id(1, name="new")).name == "new"
    with pytest.raises(NotFoundError):
        await db.guild.update_one_by_id(2, name="new")


async def test_update_many_takes_pairs_of_key_and_changes(db: Database, users: list[int | None]) -> None:
    first, second, _ = (key or 0 for key in users)
    assert await db.user.update_many([(first, {"points": 9}), (second, {"name": "x"}), (999, {"points": 1})]) == 2
    await db.level.create(guild_id=1, member_id=2)
    assert await db.level.update_many([((1, 2), {"xp": 7})]) == 1
    assert await db.level.find_all().values(db.level.c.xp) == [7]
    with pytest.raises(TypeError, match="are tuples"):
        await db.level.update_many([(1, {"xp": 7})])  # type: ignore[list-item]  # the tested mistake
