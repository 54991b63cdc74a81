"""The bot: a Discord client with a database."""

from __future__ import annotations

import logging
from typing import Any

import discord
from discord.ext import commands
from typing_extensions import override

from bot.cogs import COGS
from bot.context import Context
from bot.error_embeds import error_embed
from generated import Database, DatabaseError

_log = logging.getLogger(__name__)

DEFAULT_PREFIX = "!"


class Bot(commands.Bot):
    """Answers commands in guilds; every cog finds the database in ``self.db``."""

    def __init__(self, db: Database, *, guild_ready_timeout: float = 2.0) -> None:
        intents = discord.Intents.default()
        intents.members = intents.message_content = True
        super().__init__(
            DEFAULT_PREFIX,
            intents=intents,
            allowed_mentions=discord.AllowedMentions(everyone=False, roles=False),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=guild_ready_timeout,
            help_command=commands.DefaultHelpCommand(
                verify_checks=False
            ),  # otherwise each command would query the database
        )
        self.db = db

    @override
    async def setup_hook(self) -> None:
        for cog in COGS:
            await self.add_cog(cog(self))

    @override
    async def get_prefix(self, message: discord.Message, /) -> list[str]:
        """Return the guild's command prefix, and the mention of the bot, which always works."""
        mention = f"<@{self.user.id}> " if self.user else DEFAULT_PREFIX
        try:
            config = await self.db.guild_config.get_by_guild_id(message.guild.id) if message.guild else None
        except DatabaseError:
            _log.exception("no prefix could be read")
            return [mention, DEFAULT_PREFIX]
        return [mention, config.prefix if config else DEFAULT_PREFIX]

    @override
    async def on_message(self, message: discord.Message, /) -> None:
        """Run the command in a guild message; dispatch a message without a command to the cogs as ``chat``."""
        if message.author.bot or message.guild is None:
            return
        context = await self.get_context(message, cls=Context)
        if context.command is None:
            self.dispatch("chat", message)
            return
        try:
            await self.invoke(context)
        except Exception as error:  # noqa: BLE001 - discord.py leaves the errors of checks to the caller
            await context.send(embed=error_embed(error))

    @override
    async def on_command_error(self, context: commands.Context[Any], exception: commands.CommandError, /) -> None:
        """Reply with an explanation of the error."""
        await context.send(embed=error_embed(exception))
