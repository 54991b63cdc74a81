"""The base of all cogs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from models import User

if TYPE_CHECKING:
    from bot.client import Bot


class BaseCog(commands.Cog):
    """A cog with the database in ``self.db``; sessions and queries are in the controllers, not in commands."""

    def __init__(self, bot: Bot) -> None:
        self.bot, self.db = bot, bot.db

    async def meet(self, member: discord.Member) -> User:
        """Return the stored user of a member, after storing it if necessary."""
        return await self.db.user.meet(member.id, member.guild.id, member.name)


def ranked(rank: int) -> dict[str, int]:
    """Return the ``extras`` of a command that requires a rank, unless the guild has set another rank."""
    return {"rank": rank}


MODERATOR, ADMINISTRATOR = 50, 90
