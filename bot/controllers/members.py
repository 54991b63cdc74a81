"""The stored Discord accounts, with their points."""

from __future__ import annotations

from collections.abc import Collection

from generated import AnyOf, Page, UserController
from models import User


class Members(UserController):
    """Operations on members beyond the emitted methods."""

    async def meet(self, discord_id: int, guild_id: int, username: str) -> User:
        """Return the member; store them if they are new or their name has changed."""
        user, _ = await self.get_or_create_by_discord_id(discord_id=discord_id, guild_id=guild_id, username=username)
        return user if user.username == username.strip() else await self.update_one_by_id(user.id, username=username)

    async def award(self, discord_ids: Collection[int], points: int) -> int:
        """Give points to each of these accounts in one statement; return how many are stored."""
        return await self.find_all(discord_id=AnyOf(discord_ids)).update({"points": self.c.points + points})

    async def leaderboard(self, guild_id: int, *, size: int, after: str | None = None) -> Page[User]:
        """Return a page of a guild's members, the richest first."""
        return await self.find_by_guild_id(guild_id).order_by(self.c.points.desc()).page(size=size, after=after)
