"""Every kind of write is visible to every cached read once it is committed, and not before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import sqlalchemy as sa
from cached_db import AnyOf, Database, UniqueViolation
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from tests.runtime.cache.conftest import statements
from tests.runtime.cache.models import Member, Mood, Note, Tag

TOKEN = UUID(int=1)
OTHER = UUID(int=2)


async def fill(db: Database) -> None:
    """Store rows of every model, most of which belong to guild 1."""
    for guild_id in (1, 2):
        await db.config.create(guild_id=guild_id, words=["a"], data={"a": [1]})
        await db.setting.create(guild_id=guild_id, name="x", value=guild_id)
    await db.member.create_many(
        [
            {"discord_id": 10, "name": "Ada", "token": TOKEN, "guild_id": 1, "code": "a"},
            {"discord_id": 20, "name": "Bob", "token": OTHER, "guild_id": 2},
        ]
    )
    await db.note.create_many([{"text": "top"}, {"text": "below", "parent_id": 1}, {"text": "deep", "parent_id": 2}])
    await db.tag.create_many([{"name": "red"}, {"name": "blue"}])
    await db.member_tag.create(member_id=1, tag_id=1)
    await db.room.create(id=1, code="a")
    await db.door.create(id=1, sign="A")


async def answers(db: Database, *, past: bool) -> dict[str, Any]:
    """Return the results of every cached read, for existing rows and for rows that a write may create."""
    member = db.member.uncached() if past else db.member
    config = db.config.uncached() if past else db.config
    setting = db.setting.uncached() if past else db.setting
    note = db.note.uncached() if past else db.note
    links = db.member_tag.uncached() if past else db.member_tag
    place = db.place.uncached() if past else db.place
    door = db.door.uncached() if past else db.door
    results: dict[str, Any] = {
        **{f"member {n}": await member.get_by_id(n) for n in (1, 2, 3)},
        **{f"discord {n}": await member.get_by_discord_id(n) for n in (10, 20, 30)},
        **{f"token {n}": await member.get_by_token(UUID(int=n)) for n in (1, 2, 3)},
        **{f"name {n}": await member.get_by_lower_name(n) for n in ("ada", "bob", "cleo")},
        **{f"mood {n.name}": await member.find_by_mood(n) for n in Mood},
        **{f"guild {n}": await member.find_by_guild_id(n) for n in (1, 2, 3)},
        **{f"config {n}": await config.get_by_guild_id(n) for n in (1, 2, 3)},
        **{f"setting {n}": await setting.get_by_guild_id_and_name(n, "x") for n in (1, 2, 3)},
        **{f"note {n}": await note.get_by_id(n) for n in (1, 2, 3, 4)},
        **{f"below {n}": await note.find_by_parent_id(n) for n in (1, 2, 3)},
        **{f"tags {n}": await links.find_by_member_id(n) for n in (1, 2)},
        "door": await door.get_by_id(1),
        **{f"place {n}": await place.get_by_name(n) for n in ("home", "away")},
    }
    return {
        name: sorted((one.model_dump() for one in value), key=repr)
        if isinstance(value, list)
        else value and value.model_dump()
        for name, value in results.items()
    }


async def warm(db: Database) -> dict[str, Any]:
    """Fill the caches with the results of all cached reads."""
    first = await answers(db, past=False)
    with statements(db) as sent:
        assert await answers(db, past=False) == first
    assert sent == []
    return first


Write = Callable[[Database], Awaitable[object]]

WRITES: dict[str, Write] = {
    "create": lambda db: db.member.create(discord_id=30, name="Cleo", token=UUID(int=3), guild_id=1),
    "create_many": lambda db: db.member.create_many(
        [{"discord_id": 30, "name": "Cleo", "token": UUID(int=3), "guild_id": 1, "mood": Mood.BAD}]
    ),
    "create_many, many": lambda db: db.member.create_many(
        [{"discord_id": n, "name": f"n{n}", "guild_id": 1} for n in range(30, 130)]
    ),
    "update": lambda db: db.member.update_by_id(1, points=5),
    "update of a key": lambda db: db.member.update_by_id(1, discord_id=30, name="Cleo", token=UUID(int=3)),
    "update of a finder's column": lambda db: db.member.update_by_discord_id(10, guild_id=2, mood=Mood.BAD),
    "update to NULL": lambda db: db.member.update_by_token(TOKEN, guild_id=None),
    "update by an expression": lambda db: db.member.update_by_id(1, discord_id=db.member.c.discord_id + 20),
    "update_one": lambda db: db.member.update_one_by_lower_name("ada", points=5),
    "update_many": lambda db: db.member.update_many([(1, {"points": 5}), (2, {"discord_id": 30})]),
    "update_many of some": lambda db: db.member.update_many([(7, {"points": 5}), (2, {"discord_id": 30})]),
    "bulk_update": lambda db: db.member.bulk_update([{"id": 1, "points": 5, "guild_id": 2}]),
    "update_where": lambda db: db.member.update_where(db.member.c.points == 0, points=5),
    "update_where of all": lambda db: db.member.update_where(all_rows=True, mood=Mood.BAD),
    "selection update": lambda db: db.member.find_by_guild_id(1).update({"guild_id": 2}),
    "selection update, limited": lambda db: db.member.find_all().limit(1).update({"points": 9}),
    "delete": lambda db: db.member.delete_by_id(1),
    "delete by another key": lambda db: db.member.delete_by_token(TOKEN),
    "delete_many": lambda db: db.member.delete_many([1, 2, 9]),
    "delete_where": lambda db: db.member.delete_where(db.member.c.name == "Ada"),
    "delete_where of all": lambda db: db.member.delete_where(all_rows=True),
    "selection delete": lambda db: db.member.find_by_mood(Mood.GOOD).delete(),
    "upsert, new": lambda db: db.member.upsert_by_discord_id(discord_id=30, name="Cleo", guild_id=1),
    "upsert, there": lambda db: db.member.upsert_by_discord_id(discord_id=10, name="Cleo", guild_id=2),
    "upsert_many": lambda db: db.member.upsert_many(
        [{"discord_id": 10, "name": "Cleo"}, {"discord_id": 30, "name": "Dan", "token": UUID(int=3)}],
        key=["discord_id"],
    ),
    "create_or_update, new": lambda db: db.config.create_or_update_by_guild_id({"guild_id": 3}, {"prefix": "?"}),
    "create_or_update, there": lambda db: db.config.create_or_update_by_guild_id({"guild_id": 1}, {"prefix": "?"}),
    "get_or_create": lambda db: db.member.get_or_create_by_discord_id(discord_id=30, name="Cleo", guild_id=1),
    "add links": lambda db: db.member.add_tags([Member(id=2)], [Tag(id=1), Tag(id=2)]),
    "remove links": lambda db: db.member.remove_tags([Member(id=1)], [Tag(id=1)]),
    "set links": lambda db: db.member.set_tags([Member(id=1)], [Tag(id=2)]),
    "create link": lambda db: db.member_tag.create(member_id=2, tag_id=2),
    "delete by a cascade": lambda db: db.guild.delete_by_id(1),
    "delete_where by a cascade": lambda db: db.guild.delete_where(all_rows=True),
    "delete by a cascade on level two": lambda db: db.config.delete_by_guild_id(1),
    "delete by a cascade to itself": lambda db: db.note.delete_by_id(1),
    "delete by a cascade to links": lambda db: db.tag.delete_many([1]),
    "update by a cascade": lambda db: db.guild.update_by_id(1, code="z"),
    "update_where by a cascade": lambda db: db.guild.update_where(db.guild.c.id == 1, code="z"),
    "upsert by a cascade": lambda db: db.guild.upsert_by_id(id=1, code="z"),
    "bulk update by a cascade": lambda db: db.guild.update_many([(1, {"code": "z"})]),
    "update by a cascade of a computed column": lambda db: db.room.update_by_id(1, code="b"),
    "update_where of columns called as ours": lambda db: db.door.update_where(db.door.c.key_0 == 0, number=5),
    "update of columns called as ours": lambda db: db.door.update_by_id(1, key_0=5),
    "inexact key, new": lambda db: db.place.create(name="home"),
    "inexact key, upsert": lambda db: db.place.upsert_by_name(name="home", visits=3),
    "mutable values": lambda db: db.config.update_by_guild_id(1, words=["b"], data={"b": 2}),
}


@pytest.mark.parametrize("kind", WRITES)
async def test_write_is_visible_to_cached_reads(db: Database, kind: str) -> None:
    await fill(db)
    if kind == "create_or_update, new":
        await db.guild.create(id=3, code="c")
    before = await warm(db)
    await WRITES[kind](db)
    after = await answers(db, past=False)
    assert after == await answers(db, past=True)
    assert after != before, "this write changes something"


@pytest.mark.parametrize("kind", WRITES)
async def test_write_in_a_transaction_is_visible_after_the_commit(db: Database, kind: str) -> None:
    await fill(db)
    if kind == "create_or_update, new":
        await db.guild.create(id=3, code="c")
    before = await warm(db)
    written, seen = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        async with db.transaction():
            await WRITES[kind](db)
            assert await answers(db, past=False) != before, "the transaction sees its own writes"
            written.set()
            await seen.wait()

    task = asyncio.create_task(write())
    await written.wait()
    with statements(db) as sent:
        assert await answers(db, past=False) == before, "uncommitted writes are not visible to others"
    assert sent == [], "nothing is invalidated before the commit"
    seen.set()
    await task
    after = await answers(db, past=False)
    assert after == await answers(db, past=True)
    assert after != before


@pytest.mark.parametrize("kind", WRITES)
async def test_rolled_back_write_invalidates_nothing(db: Database, kind: str) -> None:
    await fill(db)
    if kind == "create_or_update, new":
        await db.guild.create(id=3, code="c")
    before = await warm(db)
    with pytest.raises(ZeroDivisionError):
        async with db.transaction():
            await WRITES[kind](db)
            raise ZeroDivisionError
    async with db.transaction():
        with pytest.raises(ZeroDivisionError):
            async with db.transaction():
                await WRITES[kind](db)
                raise ZeroDivisionError
    with statements(db) as sent:
        assert await answers(db, past=False) == before
    assert sent == []


async def test_kept_savepoint_invalidates_and_undone_savepoint_does_not(db: Database) -> None:
    await fill(db)
    await warm(db)
    async with db.transaction():
        async with db.transaction():
            await db.config.update_by_guild_id(1, prefix="?")
        with pytest.raises(ZeroDivisionError):
            async with db.transaction():
                async with db.transaction():
                    await db.config.update_by_guild_id(2, prefix="?")
                raise ZeroDivisionError
    with statements(db) as sent:
        assert (await db.config.get_one_by_guild_id(2)).prefix == "!"
    assert sent == []
    assert (await db.config.get_one_by_guild_id(1)).prefix == "?"


async def test_write_invalidates_only_its_row(db: Database) -> None:
    await fill(db)
    await warm(db)
    await db.member.update_by_id(1, points=5)
    await db.member.update_where(db.member.c.id == 1, points=6)
    await db.member.bulk_update([{"id": 1, "points": 7}])
    await db.guild.update_by_id(1, name="new")
    with statements(db) as sent:
        await db.member.get_by_id(2)
        await db.member.get_by_discord_id(20)
        await db.member.find_by_guild_id(2)
        await db.config.get_by_guild_id(1)
        await db.member.get_by_discord_id(30)
    assert sent == []
    with statements(db) as sent:
        await db.member.get_by_id(1)
        await db.member.get_by_token(TOKEN)
        await db.member.find_by_guild_id(1)
    assert len(sent) == 3


async def test_write_without_rows_invalidates_nothing(db: Database) -> None:
    await fill(db)
    await warm(db)
    assert await db.member.update_by_id(9, points=5) is None
    assert not await db.guild.delete_by_id(9)
    assert await db.member.delete_where(db.member.c.points > 1000) == 0
    assert await db.member.add_tags([Member(id=1)], [Tag(id=1)]) == 0
    with pytest.raises(UniqueViolation):
        await db.member.create(discord_id=10, name="Eve")
    with statements(db) as sent:
        await answers(db, past=False)
    assert sent == []


@pytest.mark.parametrize("many", [3, 80])
async def test_writes_return_the_same_counts_as_without_a_cache(db: Database, many: int) -> None:
    await db.note.create_many([{"text": "x"} for _ in range(many)])
    assert await db.note.update_where(db.note.c.text == "x", text="y") == many
    assert await db.note.find_all(text="y").limit(2).update({"text": "z"}) == 2
    assert await db.note.update_many([(n, {"text": "w"}) for n in range(1, many + 5)]) == many
    assert await db.note.delete_many(range(1, many)) == many - 1
    assert await db.note.delete_where(all_rows=True) == 1
    assert await db.note.delete_where(all_rows=True) == 0


async def test_session_invalidates_at_commit_and_not_at_rollback(db: Database) -> None:
    await fill(db)
    before = await warm(db)
    async with db.session() as session:
        configs = db.config.using(session)
        await configs.update_by_guild_id(1, prefix="?")
        assert (await configs.get_one_by_guild_id(1)).prefix == "?", "a session reads its own writes"
        assert (await db.config.get_one_by_guild_id(1)).prefix == "!"
        await session.commit()
        assert (await db.config.get_one_by_guild_id(1)).prefix == "?", "at once, not at the end of the block"
        await configs.update_by_guild_id(1, prefix="#")
        await session.rollback()
        with statements(db) as sent:
            assert (await db.config.get_one_by_guild_id(1)).prefix == "?"
        assert sent == []
        async with session.begin_nested():
            await configs.update_by_guild_id(2, prefix="+")
    after = await answers(db, past=False)
    assert after == await answers(db, past=True)
    assert after != before


async def test_session_of_another_engine_invalidates_at_commit(db: Database, url: str) -> None:
    await fill(db)
    await warm(db)
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with AsyncSession(engine) as session:
        await db.config.using(session).update_by_guild_id(1, prefix="?")
        async with session.begin_nested():
            await db.config.using(session).update_by_guild_id(2, prefix="?")
        assert (await db.config.get_one_by_guild_id(1)).prefix == "!"
        await session.commit()
    assert (await db.config.get_one_by_guild_id(1)).prefix == "?"
    assert (await db.config.get_one_by_guild_id(2)).prefix == "?"
    await engine.dispose()


async def test_callback_registered_before_the_write_sees_it(db: Database) -> None:
    await fill(db)
    await warm(db)
    seen = list[str]()

    async def look() -> None:
        seen.append((await db.config.get_one_by_guild_id(1)).prefix)

    async with db.transaction():
        db.after_commit(look)
        await db.config.update_by_guild_id(1, prefix="?")
    assert seen == ["?"]


async def test_repeated_transaction_is_visible(db: Database) -> None:
    await fill(db)
    await warm(db)
    attempts = list[int]()

    async def work(_session: object) -> None:
        attempts.append(1)
        await db.config.update_by_guild_id(1, prefix="?" * len(attempts))
        if len(attempts) == 1:
            raise asyncpg.SerializationError("again")

    await db.run(work)
    assert (await db.config.get_one_by_guild_id(1)).prefix == "??"


async def test_invalidate_announces_handwritten_writes(db: Database) -> None:
    await fill(db)
    await warm(db)
    async with db.session() as session:
        await session.execute(sa.text("UPDATE config SET prefix = '?'"))
        await session.execute(sa.text("UPDATE member SET discord_id = 30 WHERE id = 1"))
        await db.config.using(session).invalidate()
        await db.member.invalidate(1)  # inside the session's block: takes effect with its commit
        assert (await db.config.get_one_by_guild_id(1)).prefix == "!"
        assert await db.member.get_by_discord_id(30) is None
    assert await answers(db, past=False) == await answers(db, past=True)
    await warm(db)
    async with db.engine.begin() as connection:
        await connection.execute(sa.text("UPDATE setting SET value = 7"))
    await db.setting.invalidate((1, "x"))
    assert (await db.setting.get_one_by_guild_id_and_name(1, "x")).value == 7
    assert (await db.setting.get_one_by_guild_id_and_name(2, "x")).value == 2, "the write was not announced"
    await db.setting.invalidate()
    assert await answers(db, past=False) == await answers(db, past=True)


async def test_invalidate_is_undone_with_its_transaction(db: Database) -> None:
    await fill(db)
    before = await warm(db)
    with pytest.raises(ZeroDivisionError):
        async with db.transaction():
            await db.config.invalidate()
            raise ZeroDivisionError
    with statements(db) as sent:
        assert await answers(db, past=False) == before
    assert sent == []


async def test_refined_reads_are_not_cached(db: Database) -> None:
    await fill(db)
    await warm(db)
    reads: list[Callable[[], Awaitable[object]]] = [
        lambda: db.member.find_by_guild_id(1, points=0),
        lambda: db.member.find_by_guild_id(AnyOf([1])),
        lambda: db.member.find_by_guild_id(1).order_by(db.member.c.id),
        lambda: db.member.find_by_guild_id(1).limit(1),
        lambda: db.member.find_by_guild_id(1).first(),
        lambda: db.member.find_by_guild_id(1).count(),
        lambda: db.member.find_all(),
        lambda: db.member.uncached().get_by_id(1),
        lambda: db.note.uncached().find_by_parent_id(1),
    ]
    for read in reads:
        with statements(db) as sent:
            await read()
        assert len(sent) == 1


async def test_lookup_by_null_is_cached(db: Database) -> None:
    await fill(db)
    assert [one.id for one in await db.note.find_by_parent_id(None)] == [1]
    await db.note.create(text="another")
    assert {one.id for one in await db.note.find_by_parent_id(None)} == {1, 4}
    with statements(db) as sent:
        notes: list[Note] = await db.note.find_by_parent_id(None)
    assert (sent, len(notes)) == ([], 2)


@pytest.mark.parametrize("ending", ["commit", "rollback"])
async def test_sessions_on_one_connection_do_not_affect_each_others_writes(db: Database, ending: str) -> None:
    await fill(db)
    await warm(db)
    async with db.session() as first, db.session() as second:
        await db.config.using(first).update_by_guild_id(1, prefix="1")
        await first.commit()  # which returns its connection to the pool
        await db.config.using(second).update_by_guild_id(2, prefix="2")  # on the same connection
        await db.config.using(first).update_by_guild_id(1, prefix="3")  # on another connection
        await answers(db, past=False)
        await (second.commit() if ending == "commit" else second.rollback())
        await answers(db, past=False)
        await first.commit()
        assert await answers(db, past=False) == await answers(db, past=True)


async def test_late_rollback_does_not_affect_the_next_user_of_the_connection(db: Database) -> None:
    await fill(db)
    await warm(db)
    async with db.session() as first, db.session() as second:
        await db.config.using(first).update_by_guild_id(1, prefix="1")
        await first.commit()
        await db.config.using(second).update_by_guild_id(2, prefix="2")
        await answers(db, past=False)
        await db.config.using(first).get_by_guild_id(1)
        await first.rollback()
        await second.commit()
        assert (await db.config.get_one_by_guild_id(2)).prefix == "2"


async def test_uncached_links_of_a_cached_model_are_current(db: Database) -> None:
    await fill(db)
    await warm(db)
    note, (red, blue) = Note(id=1), [Tag(id=1), Tag(id=2)]
    assert await db.note.add_labels([note], [red]) == 1
    assert await db.note.set_labels([note], [blue]) == 2
    assert await db.note.remove_labels([note], [blue]) == 1
    with statements(db) as sent:
        await answers(db, past=False)
    assert sent == []
