"""The settings of guilds."""

from __future__ import annotations

from generated import GuildConfigController
from models import GuildConfig


class Configurations(GuildConfigController):
    """The configuration of each guild, which is created on first use and then cached."""

    async def get_or_create(self, guild_id: int) -> GuildConfig:
        """Return the configuration of a guild; create it if it does not exist."""
        if config := await self.get_by_guild_id(guild_id):
            return config
        config, _ = await self.get_or_create_by_guild_id(guild_id=guild_id)
        return config
