"""The guilds that the bot is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import select

from generated import GuildController
from models import Snippet, User


@dataclass(frozen=True)
class Summary:
    """Totals of a guild."""

    members: int
    points: int
    cases: int
    snippets: int


class Guilds(GuildController):
    """Stores guilds, and summarizes one."""

    async def welcome(self, names: Mapping[int, str]) -> None:
        """Store guilds with their settings, or update their names; repeating it changes nothing else."""
        async with self.db.transaction():
            await self.upsert_many([{"id": guild_id, "name": name} for guild_id, name in names.items()])
            await self.db.guild_config.upsert_many([{"guild_id": guild_id} for guild_id in names])

    async def summary(self, guild_id: int) -> Summary:
        """Count rows of several tables in one handwritten statement."""
        user, snippet = self.db.user.c, self.db.snippet.c
        members = select(func.count()).select_from(User).where(user.guild_id == guild_id)
        points = select(func.coalesce(func.sum(user.points), 0)).where(user.guild_id == guild_id)
        snippets = select(func.count()).select_from(Snippet).where(snippet.guild_id == guild_id)
        query = select(
            members.scalar_subquery(), points.scalar_subquery(), self.c.case_count, snippets.scalar_subquery()
        ).where(self.c.id == guild_id)
        async with self.db.session() as session:
            return Summary(*(await session.exec(query)).one())
