"""The ranks of roles."""

from __future__ import annotations

from collections.abc import Collection

from generated import PermissionAssignmentController
from models import PermissionAssignment


class RoleRanks(PermissionAssignmentController):
    """Assigns ranks to roles, and looks them up."""

    async def assign(self, guild_id: int, role_id: int, rank: int) -> PermissionAssignment:
        """Assign one of the guild's ranks to a role, replacing its previous rank."""
        step = await self.db.permission_rank.get_one_by_guild_id_and_rank(guild_id, rank)
        return await self.upsert_by_guild_id_and_role_id(guild_id=guild_id, role_id=role_id, rank_id=step.id)

    async def highest(self, guild_id: int, role_ids: Collection[int]) -> int:
        """Return the highest rank of these roles, or 0 if none has a rank.

        Every command calls this. The whole list of a guild is short and cached; the result of a finder with more
        conditions would not be cached.
        """
        ranks = {step.id: step.rank for step in await self.db.permission_rank.find_by_guild_id(guild_id)}
        assignments = await self.find_by_guild_id(guild_id)
        return max((ranks[each.rank_id] for each in assignments if each.role_id in role_ids), default=0)
