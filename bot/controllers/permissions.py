"""Which roles have which rank."""

from __future__ import annotations

from collections.abc import Collection

from generated import AnyOf, PermissionAssignmentController
from models import PermissionAssignment


class RoleRanks(PermissionAssignmentController):
    """The ranks that roles give to those who have them."""

    async def assign(self, guild_id: int, role_id: int, rank: int) -> PermissionAssignment:
        """Give a role one of the guild's ranks, in place of the one it had."""
        step = await self.db.permission_rank.get_one_by_guild_id_and_rank(guild_id, rank)
        return await self.upsert_by_guild_id_and_role_id(guild_id=guild_id, role_id=role_id, rank_id=step.id)

    async def highest(self, guild_id: int, role_ids: Collection[int]) -> int:
        """Return the highest rank that any of the roles has; 0 without any."""
        assignments = await self.find_by_guild_id(guild_id, role_id=AnyOf(role_ids)).load("rank")
        return max((assignment.rank.rank for assignment in assignments), default=0)
