"""Which roles have which rank."""

from __future__ import annotations

from collections.abc import Collection

from generated import PermissionAssignmentController
from models import PermissionAssignment


class RoleRanks(PermissionAssignmentController):
    """The ranks that roles give to those who have them."""

    async def assign(self, guild_id: int, role_id: int, rank: int) -> PermissionAssignment:
        """Give a role one of the guild's ranks, in place of the one it had."""
        step = await self.db.permission_rank.get_one_by_guild_id_and_rank(guild_id, rank)
        return await self.upsert_by_guild_id_and_role_id(guild_id=guild_id, role_id=role_id, rank_id=step.id)

    async def highest(self, guild_id: int, role_ids: Collection[int]) -> int:
        """Return the highest rank that any of the roles has; 0 without any.

        Every command asks. Whole lists of a guild, which are short, are in memory; a narrower finder would not be.
        """
        ranks = {step.id: step.rank for step in await self.db.permission_rank.find_by_guild_id(guild_id)}
        assignments = await self.find_by_guild_id(guild_id)
        return max((ranks[each.rank_id] for each in assignments if each.role_id in role_ids), default=0)
