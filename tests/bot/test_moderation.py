"""Moderation: the actions at Discord, and the cases that record them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import cast

from bot.cogs.moderation import ModerationCog
from bot.standin import Account, Discord
from generated import Database
from models import CaseType


async def test_warn_opens_a_case_with_the_next_number(discord: Discord, brian: Account, chen: Account) -> None:
    first = await discord.say(brian, f"!warn {chen.mention} spam")
    second = await discord.say(brian, f"!warn {chen.mention} more spam")
    assert first.said == ["#1 warn: brian → chen, spam"]
    assert second.said == ["#2 warn: brian → chen, more spam"]


async def test_ban_and_kick_act_at_discord(
    discord: Discord, db: Database, brian: Account, chen: Account, dora: Account
) -> None:
    ban = await discord.say(brian, f"!ban {chen.mention} 2h raid")
    kick = await discord.say(brian, f"!kick {dora.mention}")
    assert len(ban.sent("PUT", "/guilds/{guild_id}/bans/{user_id}")) == 1
    assert len(kick.sent("DELETE", "/guilds/{guild_id}/members/{user_id}")) == 1
    case = await db.case.get_one_by_guild_id_and_number(chen.server.id, 1)
    assert case.type is CaseType.BAN
    assert case.expires_at is not None
    assert timedelta(hours=1) < case.expires_at - datetime.now(UTC) <= timedelta(hours=2)


async def test_action_refused_by_discord_has_no_case(
    discord: Discord, db: Database, brian: Account, chen: Account
) -> None:
    discord.refuse("PUT", "/guilds/{guild_id}/bans/{user_id}")
    exchange = await discord.say(brian, f"!ban {chen.mention} raid")
    assert "Discord does not let me" in exchange.said[0]
    assert await db.case.count() == 0


async def test_too_long_reason_is_refused_before_the_action(
    discord: Discord, db: Database, brian: Account, chen: Account
) -> None:
    exchange = await discord.say(brian, f"!ban {chen.mention} {'x' * 501}")
    assert exchange.said[0].startswith("That did not work\n")
    assert chen.server.banned == set()
    assert await db.case.count() == 0


async def test_case_of_a_left_guild_does_not_block_other_cases(
    discord: Discord, db: Database, brian: Account, chen: Account
) -> None:
    await discord.say(brian, f"!ban {chen.mention} 1h raid")
    users = await db.user.find_all()
    await db.guild.create(id=1, name="left")
    await db.case.open(
        1, CaseType.BAN, moderator=users[0], target=users[1], reason=None, expires_at=datetime(2020, 1, 1, tzinfo=UTC)
    )
    await db.case.update_where(db.case.c.guild_id == chen.server.id, expires_at=datetime.now(UTC))
    cog = cast("ModerationCog", discord.bot.get_cog("Moderation"))
    await cog.lift_all()
    assert chen.server.banned == set()
    assert [case.guild_id for case in await db.case.find_all(is_active=True)] == [1]


async def test_jail_removes_roles_and_lift_restores_them(
    discord: Discord, db: Database, ada: Account, brian: Account, chen: Account
) -> None:
    server = chen.server
    await discord.say(ada, f"!jailrole <@&{server.roles['jailed']}>")
    jail = await discord.say(brian, f"!jail {chen.mention} 1d flood")
    assert jail.said == ["#1 jail: brian → chen, flood"]
    assert [int(role) for role in server.members[chen.id]["roles"]] == [server.roles["jailed"]]
    again = await discord.say(brian, f"!jail {chen.mention} flood")
    assert "under case #1 already" in again.said[0]
    await discord.say(brian, "!lift 1")
    assert [int(role) for role in server.members[chen.id]["roles"]] == [server.roles["member"]]
    assert not (await db.case.get_one_by_guild_id_and_number(server.id, 1)).is_active


async def test_timeout_expires_without_a_request(discord: Discord, db: Database, brian: Account, chen: Account) -> None:
    exchange = await discord.say(brian, f"!timeout {chen.mention} 10m caps")
    (request,) = exchange.sent("PATCH", "/guilds/{guild_id}/members/{user_id}")
    assert request.body["communication_disabled_until"]
    too_long = await discord.say(brian, f"!timeout {chen.mention} 5w caps")
    assert "28 days" in too_long.said[0]
    assert await db.case.count() == 1


async def test_expired_ban_is_lifted_by_one_process_only(
    discord: Discord, db: Database, brian: Account, chen: Account
) -> None:
    await discord.say(brian, f"!ban {chen.mention} 1h raid")
    await db.case.update_where(db.case.c.number == 1, expires_at=datetime.now(UTC))
    cog = cast("ModerationCog", discord.bot.get_cog("Moderation"))
    await asyncio.gather(cog.lift_all(), cog.lift_all())
    assert chen.server.banned == set()
    assert await db.case.count(is_active=True) == 0


async def test_failed_lift_is_retried(discord: Discord, db: Database, brian: Account, chen: Account, caplog) -> None:
    await discord.say(brian, f"!ban {chen.mention} 1h raid")
    await db.case.update_where(db.case.c.number == 1, expires_at=datetime.now(UTC))
    cog = cast("ModerationCog", discord.bot.get_cog("Moderation"))
    discord.refuse("DELETE", "/guilds/{guild_id}/bans/{user_id}", 500)
    await cog.lift_all()
    assert "could not be lifted" in caplog.text
    caplog.clear()
    assert await db.case.count(is_active=True) == 1
    discord.refuse("DELETE", "/guilds/{guild_id}/bans/{user_id}", 0)
    await cog.lift_all()
    assert chen.server.banned == set()


async def test_concurrent_cases_have_no_gaps(discord: Discord, db: Database, brian: Account, chen: Account) -> None:
    await asyncio.gather(*(discord.say(brian, f"!warn {chen.mention} {n}") for n in range(20)))
    cases = await db.case.find_by_guild_id(chen.server.id).order_by(db.case.c.number)
    assert [case.number for case in cases] == list(range(1, 21))


async def test_reason_can_be_edited(discord: Discord, db: Database, brian: Account, chen: Account) -> None:
    await discord.say(brian, f"!warn {chen.mention} spam")
    await discord.say(brian, "!reason 1 a misunderstanding")
    assert (await db.case.get_one_by_guild_id_and_number(chen.server.id, 1)).reason == "a misunderstanding"
    missing = await discord.say(brian, "!reason 7 nobody knows")
    assert missing.said == ["That did not work\nThere is no such case."]


async def test_only_the_author_of_the_command_turns_history_pages(
    discord: Discord, brian: Account, ada: Account, chen: Account
) -> None:
    for n in range(1, 8):
        await discord.say(brian, f"!warn {chen.mention} spam {n}")
    shown = await discord.say(brian, f"!history {chen.mention}")
    assert [line.split()[0] for line in shown.said[0].splitlines()[1:-1]] == ["#7", "#6", "#5", "#4", "#3"]
    pages = shown.posted[-1]
    older = await discord.press(brian, pages, "Older")
    assert [line.split()[0] for line in older.said[0].splitlines()[1:-1]] == ["#2", "#1"]
    assert "Page 2" in older.said[0]
    refused = await discord.press(ada, pages, "Newer")
    assert refused.said == ["These pages are somebody else's."]
    newer = await discord.press(brian, pages, "Newer")
    assert newer.said == shown.said


async def test_members_with_higher_roles_are_untouchable(
    discord: Discord, db: Database, brian: Account, ada: Account, chen: Account
) -> None:
    exchange = await discord.say(brian, f"!warn {ada.mention} no")
    assert exchange.said == ["That did not work\nada is not below you."]
    denied = await discord.say(chen, f"!warn {brian.mention} no")
    assert denied.said == ["That did not work\n`warn` asks for rank 50."]
    assert await db.case.count() == 0


async def test_moderation_is_logged_in_the_configured_channel(
    discord: Discord, ada: Account, brian: Account, chen: Account
) -> None:
    server = chen.server
    await discord.say(ada, f"!modlog <#{server.channels['log']}>")
    exchange = await discord.say(brian, f"!warn {chen.mention} spam")
    assert len(exchange.said) == 2
    assert discord.world.messages[exchange.posted[-1]]["channel_id"] == str(server.channels["log"])
