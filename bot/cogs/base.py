"""What all cogs share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from models import User

if TYPE_CHECKING:
    from bot.client import Bot


class BaseCog(commands.Cog):
    """A cog with the database in ``self.db``; commands hold no session and no query, controllers do."""

    def __init__(self, bot: Bot) -> None:
        self.bot, self.db = bot, bot.db

    async def meet(self, member: discord.Member) -> User:
        """Return what the database knows of a member, which is something from now on."""
        return await self.db.user.meet(member.id, member.guild.id, member.name)


def ranked(rank: int) -> dict[str, int]:
    """Return the ``extras`` of a command that asks for a rank, unless the guild has set another one."""
    return {"rank": rank}


MODERATOR, ADMINISTRATOR = 50, 90
