"""Levels: experience from messages."""

from __future__ import annotations

from datetime import timedelta

import discord
from discord.ext import commands

from bot.cogs.base import MODERATOR, BaseCog, ranked
from bot.context import Context
from bot.controllers.experience import level_of
from bot.durations import Duration
from bot.pager import Pager, Sheet

PAGE = 10


class LevelsCog(BaseCog, name="Levels"):
    """Members earn experience by their messages, at most once per cooldown."""

    experience = 20
    cooldown = timedelta(minutes=1)

    @commands.Cog.listener()
    async def on_chat(self, message: discord.Message) -> None:
        """Add experience for the author, and announce a new level."""
        if message.guild is None:
            return
        before = await self.db.levels.earn(
            message.guild.id, message.author.id, self.experience, now=message.created_at, cooldown=self.cooldown
        )
        if before is None:
            return
        self.bot.dispatch("experience", message.author, self.experience)
        if (level := level_of(before.xp + self.experience)) > before.level:
            await message.channel.send(f"{message.author.mention} has reached level {level}.")

    @commands.command()
    async def rank(self, ctx: Context, member: discord.Member | None = None) -> None:
        """Show a member's level and place."""
        whose = member or ctx.member
        levels = await self.db.levels.get_one_by_guild_id_and_member_id(ctx.server.id, whose.id)
        place = await self.db.levels.rank(levels)
        await ctx.answer(f"{whose.name}: level {levels.level}, {levels.xp:.0f} XP, place {place}")

    @commands.command()
    async def leaderboard(self, ctx: Context) -> None:
        """Show the members with the most experience, in pages."""

        async def fetch(cursor: str | None) -> Sheet:
            page = await self.db.levels.leaderboard(ctx.server.id, size=PAGE, after=cursor)
            lines = [f"<@{each.member_id}>: level {each.level}, {each.xp:.0f} XP" for each in page.items]
            return Sheet(lines, page.next)

        await Pager.show(ctx, "Leaderboard", fetch)

    @commands.command(extras=ranked(MODERATOR))
    async def silent(self, ctx: Context, time: Duration) -> None:
        """Show the members who have written nothing for some time."""
        silent = await self.db.levels.silent(ctx.server.id, discord.utils.utcnow() - time)
        await ctx.answer("\n".join(f"<@{each.member_id}>" for each in silent) or "Everybody talks.")

    @commands.command(extras=ranked(MODERATOR))
    async def noxp(self, ctx: Context, member: discord.Member) -> None:
        """Exclude a member of this guild from experience."""
        await self.db.levels.upsert_by_guild_id_and_member_id(
            guild_id=ctx.server.id, member_id=member.id, blacklisted=True
        )
        await ctx.answer(f"{member.name} earns nothing here.")
