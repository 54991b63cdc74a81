"""Levels: experience from messages, the cooldown, and the leaderboard."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import cast

from bot.cogs.levels import LevelsCog
from bot.controllers.experience import level_of
from bot.standin import Account, Discord
from generated import Database


def cog_of(discord: Discord) -> LevelsCog:
    return cast("LevelsCog", discord.bot.get_cog("Levels"))


async def test_message_earns_once_per_cooldown(discord: Discord, db: Database, chen: Account) -> None:
    for _ in range(3):
        await discord.say(chen, "hello")
    assert (await db.levels.get_one_by_guild_id_and_member_id(chen.server.id, chen.id)).xp == 20


async def test_concurrent_messages_earn_once(discord: Discord, db: Database, chen: Account) -> None:
    await asyncio.gather(*(discord.say(chen, "hello") for _ in range(10)))
    assert (await db.levels.get_one_by_guild_id_and_member_id(chen.server.id, chen.id)).xp == 20


async def test_concurrent_experience_is_not_lost(db: Database) -> None:
    await db.guild.create(id=1, name="home")
    now = datetime.now(UTC)
    cooldown = timedelta(seconds=1)
    for second in range(2, 12, 2):  # each after the cooldown, and each while another process writes
        await asyncio.gather(
            db.levels.earn(1, 2, 20, now=now + timedelta(seconds=second), cooldown=cooldown),
            db.levels.update_by_guild_id_and_member_id(1, 2, xp=db.levels.c.xp + 5),
        )
    assert (await db.levels.get_one_by_guild_id_and_member_id(1, 2)).xp in {120, 125}


async def test_level_is_announced_and_stored(discord: Discord, db: Database, chen: Account) -> None:
    cog_of(discord).cooldown = timedelta()
    said = [(await discord.say(chen, "hello")).said for _ in range(6)]
    assert said == [[], [], [], [], [f"{chen.mention} has reached level 1."], []]
    levels = await db.levels.get_one_by_guild_id_and_member_id(chen.server.id, chen.id)
    assert (levels.level, levels.xp) == (1, 120)


async def test_database_and_bot_compute_the_same_level(db: Database) -> None:
    await db.guild.create(id=1, name="home")
    now = datetime.now(UTC)
    totals = [0, 99, 100, 399, 400, 9999, 10_000, 250_000]
    for member, xp in enumerate(totals):
        await db.levels.earn(1, member, xp, now=now, cooldown=timedelta())
    stored = await db.levels.find_by_guild_id(1).order_by(db.levels.c.member_id)
    assert [levels.level for levels in stored] == [level_of(xp) for xp in totals]


async def test_command_earns_nothing(discord: Discord, db: Database, chen: Account) -> None:
    await discord.say(chen, "!points")
    assert await db.levels.count() == 0


async def test_excluded_member_earns_nothing(discord: Discord, db: Database, brian: Account, chen: Account) -> None:
    await discord.say(brian, f"!noxp {chen.mention}")
    await discord.say(chen, "hello")
    assert (await db.levels.get_one_by_guild_id_and_member_id(chen.server.id, chen.id)).xp == 0


async def test_rank_and_leaderboard(discord: Discord, db: Database, chen: Account, dora: Account) -> None:
    guild = chen.server.id
    await db.levels.create_many(
        [{"guild_id": guild, "member_id": member, "xp": float(member)} for member in range(1, 15)]
        + [{"guild_id": guild, "member_id": chen.id, "xp": 12.5}]
    )
    assert (await discord.say(chen, "!rank")).said == ["chen: level 0, 12 XP, place 3"]
    assert (await discord.say(chen, f"!rank {dora.mention}")).said == [
        "That did not work\nThere is no such experience."
    ]
    shown = await discord.say(chen, "!leaderboard")
    assert shown.said[0].splitlines()[1:4] == [
        "<@14>: level 0, 14 XP",
        "<@13>: level 0, 13 XP",
        f"<@{chen.id}>: level 0, 12 XP",
    ]
    older = await discord.press(chen, shown.posted[-1], "Older")
    assert len(older.said[0].splitlines()) == 7


async def test_silent_members_are_sorted_by_longest_silence(
    discord: Discord, db: Database, brian: Account, chen: Account
) -> None:
    now = datetime.now(UTC)
    await db.levels.create_many(
        [
            {"guild_id": chen.server.id, "member_id": days, "last_message_at": now - timedelta(days=days)}
            for days in (1, 40, 90)
        ]
    )
    assert (await discord.say(brian, "!silent 30d")).said == ["<@90>\n<@40>"]
