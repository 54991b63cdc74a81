"""Configuration, and the ranks that commands require."""

from __future__ import annotations

import asyncio

import pytest

from bot.client import Bot
from bot.standin import Account, Discord, Server, World
from bot.standin.world import BOT
from generated import Database, UnreachableError


async def test_guilds_are_stored_at_start_and_when_the_bot_joins(discord: Discord, db: Database, ada: Account) -> None:
    assert (await db.guild_config.get_one_by_guild_id(ada.server.id)).prefix == "!"
    joined = discord.world.create_server(600_000_000_000_000_000, "new")
    await discord.send("GUILD_CREATE", {**joined.payload(), "unavailable": None})
    assert (await db.guild.get_one_by_id(joined.id, load=["config"])).config is not None


async def test_restart_keeps_the_settings(discord: Discord, db: Database, ada: Account) -> None:
    await discord.say(ada, "!prefix ?")
    await discord.say(ada, "?settings")
    await discord.send("GUILD_CREATE", {**ada.server.payload(), "name": "renamed", "unavailable": None})
    await db.guild.welcome({ada.server.id: "renamed"})
    config = await db.guild_config.get_one_by_guild_id(ada.server.id, load=["guild"])
    assert (config.prefix, config.guild.name) == ("?", "renamed")


async def test_each_guild_has_its_prefix_and_a_mention_always_works(
    discord: Discord, ada: Account, chen: Account
) -> None:
    assert "`?`" in (await discord.say(ada, "!prefix ?")).said[0]
    assert (await discord.say(chen, "!points")).said == []
    assert (await discord.say(chen, "?points")).said == ["chen has 0 points."]
    assert (await discord.say(chen, f"<@{BOT}> points")).said == ["chen has 0 points."]


async def test_summary_counts_rows_of_several_tables(
    discord: Discord, db: Database, ada: Account, brian: Account, chen: Account
) -> None:
    assert (await discord.say(ada, "!summary")).said == ["0 members have 0 points; 0 cases, 0 snippets"]
    await discord.say(brian, f"!warn {chen.mention} spam")
    await db.user.award([chen.id, brian.id], 5)
    await discord.say(chen, "!addsnippet rules be kind")
    assert (await discord.say(ada, "!summary")).said == ["2 members have 10 points; 1 cases, 1 snippets"]


async def test_too_long_prefix_is_refused_by_field(discord: Discord, ada: Account) -> None:
    assert (await discord.say(ada, "!prefix toolong")).said[0].startswith("That did not work\n**prefix**: ")


async def test_concurrent_first_reads_create_settings_once(discord: Discord, db: Database, ada: Account) -> None:
    await db.guild_config.delete_by_guild_id(ada.server.id)
    exchanges = await asyncio.gather(*(discord.say(ada, "!settings") for _ in range(10)))
    assert {exchange.said[0].splitlines()[0] for exchange in exchanges} == {"Prefix: `!`"}
    assert await db.guild_config.count() == 1


async def test_database_outage_is_reported_to_the_member(
    discord: Discord, db: Database, chen: Account, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise UnreachableError("gone")

    monkeypatch.setattr(db.guild_config, "get_by_guild_id", away)
    monkeypatch.setattr(db.permission_command, "find_by_guild_id", away)
    assert (await discord.say(chen, "!points")).said == [
        "That did not work\nThe database is busy. Try again in a moment."
    ]
    assert "no prefix could be read" in caplog.text
    caplog.clear()


async def test_data_of_every_command_is_cached_until_it_changes(
    discord: Discord, db: Database, bot_url: str, ada: Account, chen: Account
) -> None:
    await discord.say(chen, "!points")
    exchange = await discord.say(chen, "!points")
    assert len(exchange.statements) == 1, "the member's points"
    await discord.say(ada, "!requirerank 50 points")
    assert (await discord.say(chen, "!points")).said == ["That did not work\n`points` asks for rank 50."]
    async with Database(bot_url) as other:  # as another process would
        await other.guild_config.upsert_by_guild_id(guild_id=ada.server.id, prefix="?")
        await asyncio.sleep(0.1)
    assert (await discord.say(chen, "!points")).said == []
    assert (await discord.say(ada, "?settings")).said[0].startswith("Prefix: `?`")


async def test_command_reads_its_rank_once(discord: Discord, chen: Account) -> None:
    exchange = await discord.say(chen, "!points")
    assert sum('"permission_commands"' in text or "permission_commands" in text for text in exchange.statements) == 1


async def test_guild_sets_the_rank_of_a_command(discord: Discord, ada: Account, brian: Account, chen: Account) -> None:
    assert (await discord.say(brian, "!addrank 60 elders")).said == ["That did not work\n`addrank` asks for rank 90."]
    await discord.say(ada, "!addrank 60 elders")
    await discord.say(ada, "!requirerank 60 points")
    assert (await discord.say(chen, "!points")).said == ["That did not work\n`points` asks for rank 60."]
    await discord.say(ada, f"!giverank <@&{chen.server.roles['member']}> 60")
    assert (await discord.say(chen, "!points")).said == ["chen has 0 points."]
    assert f"**60** elders <@&{chen.server.roles['member']}>" in (await discord.say(chen, "!ranks")).said[0]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("!addrank 101 gods", "**rank**: "),
        ("!addrank 50 again", "There is such a rank already."),
        ("!requirerank 10 nonsense", "There is no command `nonsense`."),
        ("!requirerank 900 points", "**required_rank**: "),
        ("!addrank many x", 'Converting to "int" failed'),
    ],
)
async def test_rank_mistakes_are_explained(text: str, answer: str, discord: Discord, ada: Account) -> None:
    assert answer in (await discord.say(ada, text)).said[0]


async def test_help_only_queries_its_own_rank(discord: Discord, chen: Account) -> None:
    exchange = await discord.say(chen, "!help")
    assert len(exchange.statements) == 2
    assert "leaderboard" in exchange.said[0]


async def test_messages_of_bots_are_ignored(discord: Discord, server: Server) -> None:
    assert (await discord.say(server.account(BOT), "!points")).statements == []


async def test_many_guilds_are_stored_together(db: Database) -> None:
    world = World()
    for n in range(50):
        world.create_server(600_000_000_000_000_000 + n * 1000, f"g{n}").join(500_000_000_000_000_000 + n, "ada")
    async with Discord.serving(Bot(db, guild_ready_timeout=0.01), world):
        assert await db.guild.count() == await db.guild_config.count() == 50
