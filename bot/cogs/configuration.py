"""The settings of a guild."""

from __future__ import annotations

import discord
from discord.ext import commands

from bot.cogs.base import ADMINISTRATOR, BaseCog, ranked
from bot.context import Context


class ConfigurationCog(BaseCog, name="Configuration"):
    """Stores the guilds and their settings."""

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Store the guilds that the bot is in."""
        await self.db.guild.welcome({guild.id: guild.name for guild in self.bot.guilds})

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Store a guild that the bot has joined."""
        await self.db.guild.welcome({guild.id: guild.name})

    @commands.command()
    async def settings(self, ctx: Context) -> None:
        """Show the settings."""
        config = await self.db.guild_config.get_or_create(ctx.server.id)
        log = f"<#{config.mod_log_id}>" if config.mod_log_id else "nowhere"
        jail = f"<@&{config.jail_role_id}>" if config.jail_role_id else "no role"
        await ctx.answer(f"Prefix: `{config.prefix}`\nModeration is logged: {log}\nJail: {jail}")

    @commands.command()
    async def summary(self, ctx: Context) -> None:
        """Show how much is stored about this guild."""
        summary = await self.db.guild.summary(ctx.server.id)
        await ctx.answer(
            f"{summary.members} members have {summary.points} points; "
            f"{summary.cases} cases, {summary.snippets} snippets"
        )

    @commands.command(extras=ranked(ADMINISTRATOR))
    async def prefix(self, ctx: Context, prefix: str) -> None:
        """Set the command prefix."""
        config = await self.db.guild_config.upsert_by_guild_id(guild_id=ctx.server.id, prefix=prefix)
        await ctx.answer(f"Commands begin with `{config.prefix}` now.")

    @commands.command(extras=ranked(ADMINISTRATOR))
    async def modlog(self, ctx: Context, channel: discord.TextChannel) -> None:
        """Set the channel of the moderation log."""
        await self.db.guild_config.upsert_by_guild_id(guild_id=ctx.server.id, mod_log_id=channel.id)
        await ctx.answer(f"Moderation is logged in {channel.mention}.")

    @commands.command(extras=ranked(ADMINISTRATOR))
    async def jailrole(self, ctx: Context, role: discord.Role) -> None:
        """Set the role of jailed members."""
        await self.db.guild_config.upsert_by_guild_id(guild_id=ctx.server.id, jail_role_id=role.id)
        await ctx.answer(f"Who is in jail has {role.mention}, and nothing else.")
