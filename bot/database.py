"""The bot's own controllers, which the generated facade has in place of the generated ones (see pyproject.toml)."""

from __future__ import annotations

from generated import Page, UserController
from models import User


class Users(UserController):
    """What the bot asks of members beyond the generated methods; generating again does not touch it."""

    async def leaderboard(self, guild_id: int, *, size: int, after: str | None = None) -> Page[User]:
        """Return a page of a guild's members, the richest first."""
        return await self.find_by_guild_id(guild_id).order_by(self.c.points.desc()).page(size=size, after=after)
