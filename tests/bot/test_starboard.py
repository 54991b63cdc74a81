"""The starboard and AFK."""

from __future__ import annotations

import asyncio

import pytest

from bot.standin import Account, Discord
from generated import Database

POST = ("POST", "/channels/{channel_id}/messages")


@pytest.fixture
async def message(discord: Discord, ada: Account, chen: Account) -> int:
    """A message in a server whose starboard requires two stars."""
    await discord.say(ada, f"!starboard <#{ada.server.channels['stars']}> 2")
    return (await discord.say(chen, "something wise")).posted[0]


async def test_message_is_posted_with_enough_stars(
    discord: Discord, db: Database, message: int, ada: Account, brian: Account, dora: Account
) -> None:
    assert (await discord.react(ada, message)).sent(*POST) == []
    shown = await discord.react(brian, message)
    assert len(shown.sent(*POST)) == 1
    assert "⭐ 2" in shown.said[0]
    assert "something wise" in shown.said[0]
    again = await discord.react(dora, message)
    assert again.sent(*POST) == []
    assert "⭐ 3" in again.said[0]
    entry = await db.starboard_message.get_one_by_message_id(message)
    assert (entry.stars, entry.posted_id) == (3, shown.posted[-1])


async def test_concurrent_stars_post_once(
    discord: Discord, db: Database, message: int, ada: Account, brian: Account, chen: Account, dora: Account
) -> None:
    exchanges = await asyncio.gather(*(discord.react(who, message) for who in (ada, brian, chen, dora)))
    assert sum(len(exchange.sent(*POST)) for exchange in exchanges) == 1
    assert await db.starboard_message.count() == 1


async def test_failed_post_is_retried_with_the_next_star(
    discord: Discord, db: Database, message: int, ada: Account, brian: Account, dora: Account, caplog
) -> None:
    await discord.react(ada, message)
    discord.refuse(*POST)
    await discord.react(brian, message)
    caplog.clear()
    assert await db.starboard_message.count() == 0
    discord.refuse(*POST, 0)
    assert len((await discord.react(dora, message)).sent(*POST)) == 1


async def test_other_emoji_and_guilds_without_a_board_are_ignored(
    discord: Discord, db: Database, message: int, ada: Account
) -> None:
    assert (await discord.react(ada, message, "🍵")).requests == []
    await db.starboard.delete_by_guild_id(ada.server.id)
    exchange = await discord.react(ada, message)
    assert exchange.requests == []
    assert len(exchange.statements) == 1


async def test_away_member_is_announced_until_they_return(
    discord: Discord, db: Database, chen: Account, dora: Account
) -> None:
    assert (await discord.say(chen, "!afk lunch")).said == ["chen is away: lunch"]
    await discord.say(chen, "!afk long lunch")
    assert (await discord.say(dora, f"where is {chen.mention} ?")).said == ["chen is away: long lunch"]
    assert (await discord.say(chen, "here")).said == ["Welcome back, chen."]
    assert (await discord.say(dora, f"hello {chen.mention}")).said == []
    assert await db.afk.count() == 0


async def test_too_long_afk_reason_is_refused_by_field(discord: Discord, chen: Account) -> None:
    assert (await discord.say(chen, f"!afk {'x' * 101}")).said[0].startswith("That did not work\n**reason**: ")
