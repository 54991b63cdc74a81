"""The bot's database: the generated facade, with a controller of the bot's own in one place."""

from __future__ import annotations

from typing_extensions import override

from generated import Database, Page, UserController
from models import User


class Users(UserController):
    """What the bot asks of members beyond the generated methods; generating again does not touch it."""

    async def leaderboard(self, guild_id: int, *, size: int, after: str | None = None) -> Page[User]:
        """Return a page of a guild's members, the richest first."""
        return await self.find_by_guild_id(guild_id).order_by(self.c.points.desc()).page(size=size, after=after)


class BotDatabase(Database):
    """The database of the reference bot."""

    @property
    @override
    def user(self) -> Users:
        return self._controller(Users)
