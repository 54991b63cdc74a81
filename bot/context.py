"""The context of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord.ext import commands

if TYPE_CHECKING:
    from bot.client import Bot  # noqa: F401 - used in a string below


class Context(commands.Context["Bot"]):
    """The context of a command in a guild; the bot answers nowhere else."""

    @property
    def server(self) -> discord.Guild:
        """The guild."""
        if self.guild is None:
            raise commands.NoPrivateMessage
        return self.guild

    @property
    def member(self) -> discord.Member:
        """The member who sent the command."""
        if not isinstance(self.author, discord.Member):
            raise commands.NoPrivateMessage
        return self.author

    async def answer(self, text: str, *, title: str | None = None) -> discord.Message:
        """Answer with an embed."""
        return await self.send(embed=discord.Embed(title=title, description=text, colour=discord.Colour.blurple()))
