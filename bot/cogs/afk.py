"""AFK: members who are away."""

from __future__ import annotations

import discord
from discord.ext import commands

from bot.cogs.base import BaseCog
from bot.context import Context
from generated import AnyOf


class AfkCog(BaseCog, name="AFK"):
    """Announces that a mentioned member is away, until that member writes a message."""

    @commands.command()
    async def afk(self, ctx: Context, *, reason: str = "away") -> None:
        """Mark yourself as away."""
        await self.db.afk.upsert_by_guild_id_and_member_id(
            guild_id=ctx.server.id, member_id=ctx.member.id, reason=reason, since=discord.utils.utcnow(), until=None
        )
        await ctx.answer(f"{ctx.member.name} is away: {reason}")

    @commands.Cog.listener()
    async def on_chat(self, message: discord.Message) -> None:
        """Welcome the author back, and announce which of the mentioned members are away."""
        if message.guild is None:
            return
        people = {member.id: member for member in (message.author, *message.mentions)}
        away = await self.db.afk.find_by_guild_id(message.guild.id, member_id=AnyOf(people))
        for afk in away:
            if afk.member_id == message.author.id:
                await self.db.afk.delete_by_guild_id_and_member_id(message.guild.id, afk.member_id)
                await message.channel.send(f"Welcome back, {message.author.display_name}.")
            else:
                await message.channel.send(f"{people[afk.member_id].display_name} is away: {afk.reason}")
