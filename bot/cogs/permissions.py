"""Ranks: which roles have them, and which commands require them."""

from __future__ import annotations

from typing import Any, cast

import discord
from discord.ext import commands
from typing_extensions import override

from bot.cogs.base import ADMINISTRATOR, BaseCog, ranked
from bot.context import Context


class RankTooLowError(commands.CheckFailure):
    """The command requires a higher rank."""


class PermissionsCog(BaseCog, name="Permissions"):
    """Decides whether a member may use a command."""

    @override
    async def bot_check(self, ctx: commands.Context[Any]) -> bool:
        """Compare the rank of the member with the rank that the command requires."""
        context, command = cast("Context", ctx), ctx.command
        if command is None:
            return True
        name = command.qualified_name
        settings = await self.db.permission_command.find_by_guild_id(context.server.id)  # a short list, and cached
        own_rank = int(command.extras.get("rank", 0))
        required = next((setting.required_rank for setting in settings if setting.command == name), own_rank)
        if required == 0 or context.member.guild_permissions.administrator:
            return True
        if await self.rank_of(context.member) < required:
            raise RankTooLowError(f"`{name}` asks for rank {required}.")
        return True

    async def rank_of(self, member: discord.Member) -> int:
        """Return the highest rank among a member's roles."""
        return await self.db.permission_assignment.highest(member.guild.id, [role.id for role in member.roles])

    @commands.command(extras=ranked(ADMINISTRATOR))
    async def addrank(self, ctx: Context, rank: int, *, name: str) -> None:
        """Add a rank to the guild."""
        added = await self.db.permission_rank.create(guild_id=ctx.server.id, rank=rank, name=name)
        await ctx.answer(f"Rank {added.rank} is {added.name}.")

    @commands.command(extras=ranked(ADMINISTRATOR))
    async def giverank(self, ctx: Context, role: discord.Role, rank: int) -> None:
        """Assign a rank to a role."""
        await self.db.permission_assignment.assign(ctx.server.id, role.id, rank)
        await ctx.answer(f"{role.mention} has rank {rank}.")

    @commands.command(extras=ranked(ADMINISTRATOR))
    async def requirerank(self, ctx: Context, rank: int, *, command: str) -> None:
        """Set the rank that a command requires."""
        if (known := self.bot.get_command(command)) is None:
            raise commands.BadArgument(f"There is no command `{command[:50]}`.")
        await self.db.permission_command.upsert_by_guild_id_and_command(
            guild_id=ctx.server.id, command=known.qualified_name, required_rank=rank
        )
        await ctx.answer(f"`{known.qualified_name}` asks for rank {rank}.")

    @commands.command()
    async def ranks(self, ctx: Context) -> None:
        """Show the ranks, with the roles of each."""
        ranks = self.db.permission_rank.find_by_guild_id(ctx.server.id).order_by(self.db.permission_rank.c.rank.desc())
        lines = [
            " ".join([f"**{rank.rank}** {rank.name}", *(f"<@&{each.role_id}>" for each in rank.assignments)])
            for rank in await ranks.load("assignments")
        ]
        await ctx.answer("\n".join(lines) or "There are no ranks.")
