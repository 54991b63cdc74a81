"""The guilds the bot is in."""

from __future__ import annotations

from collections.abc import Mapping

from generated import GuildController


class Guilds(GuildController):
    """What the bot does when it meets guilds."""

    async def welcome(self, names: Mapping[int, str]) -> None:
        """Store guilds by their id, or their new names, each with settings; to do it again changes nothing else."""
        async with self.db.transaction():
            await self.upsert_many([{"id": guild_id, "name": name} for guild_id, name in names.items()])
            await self.db.guild_config.upsert_many([{"guild_id": guild_id} for guild_id in names])
