"""Reminders that members set for later."""

from __future__ import annotations

import logging

import discord
from discord.ext import commands, tasks
from typing_extensions import override

from bot.cogs.base import BaseCog
from bot.context import Context
from bot.durations import Duration
from generated import DatabaseError
from models import Reminder

_log = logging.getLogger(__name__)

BATCH = 20
LONGEST = 2000
"""The limit of Discord for the characters of a message."""


class RemindersCog(BaseCog, name="Reminders"):
    """Stores reminders and sends due ones. Any number of bots may run it; if one dies, another sends its claims."""

    @override
    async def cog_load(self) -> None:
        self.send_due.start()

    @override
    async def cog_unload(self) -> None:
        self.send_due.cancel()

    @commands.command()
    async def remind(self, ctx: Context, key: str, time: Duration, *, content: str) -> None:
        """Set a reminder in this channel; it replaces a pending one with the same key."""
        await self.store(ctx, key, time, content, repeats=False)
        await ctx.answer(f"I will remind you of {key}.")

    @commands.command()
    async def every(self, ctx: Context, key: str, time: Duration, *, content: str) -> None:
        """Set a repeating reminder."""
        await self.store(ctx, key, time, content, repeats=True)
        await ctx.answer(f"I will remind you of {key} again and again.")

    @commands.command()
    async def reminders(self, ctx: Context) -> None:
        """Show your pending reminders."""
        user = await self.meet(ctx.member)
        pending = self.db.reminder.find_by_user_id(user.id, sent=False).order_by(self.db.reminder.c.expires_at)
        lines = [f"{each.key}: {discord.utils.format_dt(each.expires_at)}" for each in await pending]
        await ctx.answer("\n".join(lines) or "Nothing.")

    @commands.command()
    async def forget(self, ctx: Context, key: str) -> None:
        """Cancel a reminder."""
        user = await self.meet(ctx.member)
        gone = await self.db.reminder.delete_pending_by_user_id_and_key(user.id, key)
        await ctx.answer(f"{key} is forgotten." if gone else f"There is no {key}.")

    async def store(self, ctx: Context, key: str, time: Duration, content: str, *, repeats: bool) -> None:
        """Store a reminder, replacing a pending one with the same key."""
        user = await self.meet(ctx.member)
        await self.db.reminder.upsert_pending_by_user_id_and_key(
            user_id=user.id,
            key=key,
            channel_id=ctx.channel.id,
            content=content,
            expires_at=discord.utils.utcnow() + time,
            repeats_every=time if repeats else None,
            claimed_until=None,
        )

    @tasks.loop(seconds=5)
    async def send_due(self) -> None:
        """Send due reminders; if the database cannot be reached, try again in the next round."""
        try:
            await self.send_all()
        except DatabaseError:
            _log.exception("reminders have to wait")

    @send_due.before_loop
    async def until_ready(self) -> None:
        """Wait until the bot knows its channels."""
        await self.bot.wait_until_ready()

    async def send_all(self) -> None:
        """Send due reminders until there are none left to claim."""
        while claimed := await self.db.reminder.claim(discord.utils.utcnow(), limit=BATCH):
            for reminder in claimed:
                await self.send(reminder)

    async def send(self, reminder: Reminder) -> None:
        """Send a reminder, then mark it as sent. One that Discord refuses permanently is marked, too."""
        try:
            channel = self.bot.get_partial_messageable(reminder.channel_id)
            await channel.send(f"<@{reminder.user.discord_id}> {reminder.content}"[:LONGEST])
        except discord.DiscordServerError:
            _log.exception("reminder %s is tried again later", reminder.id)
            return
        except discord.HTTPException as error:
            _log.warning("reminder %s has nowhere to go: %s", reminder.id, error)
        await self.db.reminder.finish(reminder, discord.utils.utcnow())
