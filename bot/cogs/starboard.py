"""The starboard: a channel that shows messages with many stars."""

from __future__ import annotations

import discord
from discord.ext import commands

from bot.cogs.base import ADMINISTRATOR, BaseCog, ranked
from bot.context import Context
from models import Starboard, StarboardMessage


class StarboardCog(BaseCog, name="Starboard"):
    """Shows a message once it has enough stars, with their number."""

    @commands.command(extras=ranked(ADMINISTRATOR))
    async def starboard(
        self, ctx: Context, channel: discord.TextChannel, threshold: int = 3, emoji: str = "⭐"
    ) -> None:
        """Set the channel of starred messages, and the required number of stars."""
        board = await self.db.starboard.upsert_by_guild_id(
            guild_id=ctx.server.id, channel_id=channel.id, threshold=threshold, emoji=emoji
        )
        await ctx.answer(f"{board.threshold} {board.emoji} bring a message to {channel.mention}.")

    @commands.Cog.listener()
    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """Count the stars of a message that received one."""
        await self.count(payload)

    @commands.Cog.listener()
    async def on_raw_reaction_remove(self, payload: discord.RawReactionActionEvent) -> None:
        """Count the stars of a message that lost one."""
        await self.count(payload)

    async def count(self, payload: discord.RawReactionActionEvent) -> None:
        """Update the starboard for a message."""
        if payload.guild_id is None:
            return
        board = await self.db.starboard.get_by_guild_id(payload.guild_id)
        if board is None or str(payload.emoji) != board.emoji or payload.channel_id == board.channel_id:
            return
        message = await self.bot.get_partial_messageable(payload.channel_id).fetch_message(payload.message_id)
        stars = next((each.count for each in message.reactions if str(each.emoji) == board.emoji), 0)
        if stars >= board.threshold:
            await self.show(board, message, stars)
        else:
            await self.db.starboard_message.update_by_message_id(message.id, stars=stars)

    async def show(self, board: Starboard, message: discord.Message, stars: int) -> None:
        """Post a message on the board, or update its post.

        The row is stored first, under the message's id: of two simultaneous stars, one creates the row and posts.
        """
        messages = self.db.starboard_message
        entry, is_new = await messages.get_or_create_by_message_id(
            message_id=message.id,
            guild_id=board.guild_id,
            author_id=message.author.id,
            posted_id=message.id,
            stars=stars,
        )
        text = f"{board.emoji} {stars} {message.jump_url}\n{message.author.mention}: {message.content}"[:2000]
        channel = self.bot.get_partial_messageable(board.channel_id)
        if not is_new:
            await self.edit(channel, entry, text, stars)
            return
        try:
            post = await channel.send(text)
        except discord.HTTPException:
            await messages.delete_by_message_id(message.id)
            raise
        await messages.update_by_message_id(message.id, posted_id=post.id)

    async def edit(self, channel: discord.PartialMessageable, entry: StarboardMessage, text: str, stars: int) -> None:
        """Update a post; one that is about to be posted is skipped."""
        await self.db.starboard_message.update_by_message_id(entry.message_id, stars=stars)
        if entry.posted_id != entry.message_id:
            await channel.get_partial_message(entry.posted_id).edit(content=text)
