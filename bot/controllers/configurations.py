"""How guilds want the bot."""

from __future__ import annotations

from generated import GuildConfigController
from models import GuildConfig


class Configurations(GuildConfigController):
    """The configuration of each guild, which is made when it is first asked for, and from then on is in memory."""

    async def of(self, guild_id: int) -> GuildConfig:
        """Return the configuration of a guild, which has one from now on."""
        if config := await self.get_by_guild_id(guild_id):
            return config
        config, _ = await self.get_or_create_by_guild_id(guild_id=guild_id)
        return config
