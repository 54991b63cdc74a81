"""Experience from messages."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import isqrt

from sqlalchemy import Integer, cast, func

from generated import LevelsController, Page, Span
from models import Levels

XP_PER_LEVEL = 100


def level_of(xp: float) -> int:
    """Return the level for an amount of experience: 100 for the first level, 400 for the second, 900 for the third."""
    return isqrt(int(xp) // XP_PER_LEVEL)


class Experience(LevelsController):
    """Adds and compares experience."""

    async def earn(
        self, guild_id: int, member_id: int, xp: float, *, now: datetime, cooldown: timedelta
    ) -> Levels | None:
        """Add to a member's experience, unless they earned some within the cooldown; return their previous level.

        The condition of the UPDATE decides, not a value that was read before: of two simultaneous messages, only one
        counts, even in different processes.
        """
        latest = now - cooldown
        before, _ = await self.get_or_create_by_guild_id_and_member_id(
            guild_id=guild_id, member_id=member_id, last_message_at=latest
        )
        if before.blacklisted or before.last_message_at > latest:
            return None
        total = self.c.xp + xp
        earned = await self.find_by_guild_id(
            guild_id, member_id=member_id, blacklisted=False, last_message_at=Span(le=latest)
        ).update(
            {
                "xp": total,
                "level": cast(func.floor(func.sqrt(func.floor(total / XP_PER_LEVEL))), Integer),
                "last_message_at": now,
            }
        )
        return before if earned else None

    async def rank(self, levels: Levels) -> int:
        """Return a member's place on the leaderboard, counted from 1."""
        return 1 + await self.find_by_guild_id(levels.guild_id, xp=Span(gt=levels.xp)).count()

    async def leaderboard(self, guild_id: int, *, size: int, after: str | None = None) -> Page[Levels]:
        """Return a page of a guild's members, the most experienced first."""
        return await self.find_by_guild_id(guild_id).order_by(self.c.xp.desc()).page(size=size, after=after)

    async def silent(self, guild_id: int, since: datetime, *, limit: int = 25) -> list[Levels]:
        """Return members who have written nothing since then, the longest silent first."""
        silent = self.find_by_last_message_at(Span(lt=since), guild_id=guild_id)
        return await silent.order_by(self.c.last_message_at).limit(limit)
