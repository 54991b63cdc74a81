"""Reminders: sent once, by any bot, and not lost if a bot dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from bot.client import Bot
from bot.cogs.reminders import RemindersCog
from bot.standin import Account, Discord, World
from generated import Database


def worker_of(discord: Discord) -> RemindersCog:
    cog = cast("RemindersCog", discord.bot.get_cog("Reminders"))
    cog.send_due.cancel()  # the tests run the worker themselves
    return cog


@pytest.fixture
async def other(bot_url: str, discord: Discord) -> AsyncIterator[Discord]:
    """A second bot on the same database, with its own connections."""
    world = World(process=1)
    for server in discord.world.servers.values():
        world.add(server)
    async with (
        Database(bot_url) as db,
        Discord.serving(Bot(db, guild_ready_timeout=0.01), world) as other,
    ):
        yield other


async def due(discord: Discord, db: Database, account: Account, count: int) -> None:
    user = await db.user.meet(account.id, account.server.id, account.name)
    now = datetime.now(UTC)
    await db.reminder.create_many(
        [
            {
                "user_id": user.id,
                "key": f"k{n}",
                "channel_id": account.server.channels["general"],
                "content": f"time for k{n}",
                "expires_at": now - timedelta(seconds=count - n),
            }
            for n in range(count)
        ]
    )


def sent_reminders(*discords: Discord) -> list[str]:
    texts = [message["content"] for discord in discords for message in discord.world.messages.values()]
    return [text for text in texts if "time for" in text]


async def test_reminder_is_sent_when_due(discord: Discord, db: Database, chen: Account) -> None:
    worker = worker_of(discord)
    await discord.say(chen, "!remind tea 10m time for tea")
    await worker.send_all()
    assert sent_reminders(discord) == ["!remind tea 10m time for tea"]
    await db.reminder.update_where(db.reminder.c.key == "tea", expires_at=datetime.now(UTC))
    await worker.send_all()
    assert sent_reminders(discord)[1:] == [f"{chen.mention} time for tea"]
    await worker.send_all()
    assert len(sent_reminders(discord)) == 2


async def test_two_bots_send_each_reminder_once(discord: Discord, other: Discord, db: Database, chen: Account) -> None:
    workers = [worker_of(discord), worker_of(other)]
    await due(discord, db, chen, 100)
    await asyncio.gather(*(worker.send_all() for worker in workers))
    assert sorted(sent_reminders(discord, other)) == sorted(f"{chen.mention} time for k{n}" for n in range(100))
    assert sent_reminders(discord)
    assert sent_reminders(other)


async def test_claim_of_a_dead_bot_is_sent_by_another(discord: Discord, db: Database, chen: Account) -> None:
    worker = worker_of(discord)
    await due(discord, db, chen, 3)
    now = datetime.now(UTC)
    assert len(await db.reminder.claim(now, limit=3, lease=timedelta(minutes=5))) == 3  # the bot then dies
    await worker.send_all()
    assert sent_reminders(discord) == []
    await db.reminder.update_where(~db.reminder.c.sent, claimed_until=now)
    await worker.send_all()
    assert len(sent_reminders(discord)) == 3


async def test_send_that_discord_fails_is_retried(
    discord: Discord, db: Database, chen: Account, caplog: pytest.LogCaptureFixture
) -> None:
    worker = worker_of(discord)
    await due(discord, db, chen, 1)
    discord.refuse("POST", "/channels/{channel_id}/messages", 500)
    await worker.send_all()
    assert "is tried again later" in caplog.text
    caplog.clear()
    assert await db.reminder.count(sent=False) == 1


async def test_reminder_for_a_deleted_channel_is_dropped(discord: Discord, db: Database, chen: Account) -> None:
    worker = worker_of(discord)
    await due(discord, db, chen, 1)
    discord.refuse("POST", "/channels/{channel_id}/messages", 404)
    await worker.send_all()
    assert await db.reminder.count(sent=False) == 0


async def test_longest_reminder_fits_in_a_message(discord: Discord, db: Database, chen: Account) -> None:
    worker = worker_of(discord)
    await due(discord, db, chen, 1)
    await db.reminder.update_where(db.reminder.c.key == "k0", content="time for " + "x" * 1991)
    await worker.send_all()
    assert len(sent_reminders(discord)[0]) == 2000


async def test_repeating_reminder_is_due_once_after_downtime(discord: Discord, db: Database, chen: Account) -> None:
    worker = worker_of(discord)
    await discord.say(chen, "!every tea 1h time for tea")
    slept = datetime.now(UTC) - timedelta(hours=5, minutes=30)
    await db.reminder.update_where(db.reminder.c.key == "tea", expires_at=slept)
    await worker.send_all()
    assert len(sent_reminders(discord)) == 2
    (reminder,) = await db.reminder.find_all(sent=False)
    assert reminder.expires_at == slept + timedelta(hours=6)


async def test_reminder_replaces_a_pending_one_with_its_key(discord: Discord, db: Database, chen: Account) -> None:
    await discord.say(chen, "!remind tea 10m green")
    await discord.say(chen, "!remind tea 20m black")
    (reminder,) = await db.reminder.find_all(sent=False)
    assert reminder.content == "black"
    assert "tea: " in (await discord.say(chen, "!reminders")).said[0]
    assert (await discord.say(chen, "!forget tea")).said == ["tea is forgotten."]
    assert (await discord.say(chen, "!forget tea")).said == ["There is no tea."]


@pytest.mark.parametrize("text", ["soon", "10", "10x", "m", "99999w", "0s"])
async def test_invalid_duration_is_explained(text: str, discord: Discord, db: Database, chen: Account) -> None:
    exchange = await discord.say(chen, f"!remind tea {text} time for tea")
    assert exchange.said[0].startswith("That did not work\n")
    assert await db.reminder.count() == 0


async def test_worker_continues_after_a_database_outage(
    discord: Discord, db: Database, chen: Account, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from generated import UnreachableError

    async def away(*_: object, **__: object) -> list[object]:
        raise UnreachableError("gone")

    worker = worker_of(discord)
    await due(discord, db, chen, 1)
    with monkeypatch.context() as patch:
        patch.setattr(worker.db.reminder, "claim", away)
        await worker.send_due.coro(worker)
    assert "have to wait" in caplog.text
    caplog.clear()
    await worker.send_due.coro(worker)
    assert len(sent_reminders(discord)) == 1
