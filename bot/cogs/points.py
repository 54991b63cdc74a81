"""Points, which members give to each other."""

from __future__ import annotations

import discord
from discord.ext import commands

from bot.cogs.base import MODERATOR, BaseCog, ranked
from bot.context import Context
from bot.pager import Pager, Sheet

PAGE = 10
MOST = 1_000_000
Amount = commands.Range[int, 1, MOST]


class PointsCog(BaseCog, name="Points"):
    """Transfers and awards of points."""

    @commands.command()
    async def points(self, ctx: Context, member: discord.Member | None = None) -> None:
        """Show how many points a member has."""
        user = await self.meet(member or ctx.member)
        await ctx.answer(f"{user.username} has {user.points} points.")

    @commands.command()
    async def give(self, ctx: Context, receiver: discord.Member, amount: Amount) -> None:
        """Give points to another member."""
        if receiver == ctx.member:
            raise commands.BadArgument("You have them already.")
        sender, user = await self.meet(ctx.member), await self.meet(receiver)
        await self.db.points_transaction.transfer(sender, user, amount)
        await ctx.answer(f"{sender.username} gave {user.username} {amount} points.")

    @commands.command(extras=ranked(MODERATOR))
    async def award(self, ctx: Context, role: discord.Role, amount: Amount) -> None:
        """Give points to all members with a role that the bot has stored."""
        awarded = await self.db.user.award([member.id for member in role.members], amount)
        await ctx.answer(f"{amount} points each for members the bot knows: {awarded}.")

    @commands.command()
    async def richest(self, ctx: Context) -> None:
        """Show the members with the most points, in pages."""

        async def fetch(cursor: str | None) -> Sheet:
            page = await self.db.user.leaderboard(ctx.server.id, size=PAGE, after=cursor)
            return Sheet([f"{user.username}: {user.points}" for user in page.items], page.next)

        await Pager.show(ctx, "The richest", fetch)
