"""Snippets: content, aliases, tags and search."""

from __future__ import annotations

import asyncio

from bot.standin import Account, Discord
from generated import Database


async def test_snippet_is_posted_and_counted(discord: Discord, db: Database, chen: Account) -> None:
    await discord.say(chen, "!addsnippet Rules be kind")
    assert (await discord.say(chen, "!snippet rules")).said == ["be kind"]
    assert (await discord.say(chen, "!s RULES")).said == ["be kind"]
    assert (await db.snippet.named(chen.server.id, "rules")).uses == 2


async def test_concurrent_uses_are_all_counted(discord: Discord, db: Database, chen: Account) -> None:
    await discord.say(chen, "!addsnippet rules be kind")
    await asyncio.gather(*(discord.say(chen, "!s rules") for _ in range(20)))
    assert (await db.snippet.named(chen.server.id, "rules")).uses == 20


async def test_names_are_unique_without_regard_to_case(discord: Discord, db: Database, chen: Account) -> None:
    await discord.say(chen, "!addsnippet rules be kind")
    assert (await discord.say(chen, "!addsnippet RULES be rude")).said == [
        "That did not work\nThere is such a snippet already."
    ]
    assert await db.snippet.count() == 1


async def test_alias_of_an_alias_refers_to_the_snippet(discord: Discord, db: Database, chen: Account) -> None:
    await discord.say(chen, "!addsnippet rules be kind")
    await discord.say(chen, "!aliassnippet r rules")
    await discord.say(chen, "!aliassnippet rr r")
    assert (await discord.say(chen, "!s rr")).said == ["be kind"]
    assert (await db.snippet.named(chen.server.id, "rules")).uses == 1
    await discord.say(chen, "!dropsnippet rules")
    assert await db.snippet.count() == 0


async def test_locked_snippet_cannot_be_changed(discord: Discord, db: Database, brian: Account, chen: Account) -> None:
    await discord.say(chen, "!addsnippet rules be kind")
    await discord.say(chen, "!editsnippet rules be nice")
    await discord.say(brian, "!locksnippet rules")
    for text in ("!editsnippet rules be rude", "!dropsnippet rules"):
        assert (await discord.say(chen, text)).said == ["That did not work\nrules is locked."]
    assert (await discord.say(chen, "!s rules")).said == ["be nice"]


async def test_snippets_are_found_by_tag_and_content(discord: Discord, db: Database, chen: Account) -> None:
    await discord.say(chen, "!addsnippet rules be 100% kind")
    await discord.say(chen, "!addsnippet faq read the docs")
    for name in ("rules", "faq"):
        await discord.say(chen, f"!tagsnippet {name} Help")
        await discord.say(chen, f"!tagsnippet {name} help")
    assert (await discord.say(chen, "!tagged HELP")).said == ["faq (0)\nrules (0)"]
    assert (await discord.say(chen, "!findsnippet 0%")).said == ["rules (0)"]
    assert (await discord.say(chen, "!findsnippet e%k")).said == ["Nothing found."]
    assert await db.tag.count() == 1


async def test_snippet_of_another_guild_is_not_found(discord: Discord, db: Database, chen: Account) -> None:
    await db.guild.create(id=1, name="elsewhere")
    await db.snippet.create(guild_id=1, name="rules", content="elsewhere")
    assert (await discord.say(chen, "!s rules")).said == ["That did not work\nThere is no such snippet."]
    assert (await discord.say(chen, "!findsnippet rules")).said == ["Nothing found."]


async def test_too_long_text_is_refused_by_field(discord: Discord, chen: Account) -> None:
    exchange = await discord.say(chen, f"!addsnippet {'x' * 51} text")
    assert exchange.said[0].startswith("That did not work\n**name**: ")
