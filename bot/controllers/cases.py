"""Moderation cases."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from bot.controllers.errors import AlreadyInForceError
from generated import AnyOf, CaseController, Page, Span
from models import Case, CaseType, User

LASTING = frozenset({CaseType.BAN, CaseType.JAIL, CaseType.TIMEOUT})
"""What stays in force until it is lifted."""


class Cases(CaseController):
    """How cases are opened, numbered, and closed."""

    async def open(
        self,
        guild_id: int,
        type_: CaseType,
        *,
        moderator: User,
        target: User,
        reason: str | None,
        expires_at: datetime | None = None,
        details: Mapping[str, object] | None = None,
    ) -> Case:
        """Open a case under the guild's next number; the guild's row is the lock that hands numbers out."""
        guilds = self.db.guild
        async with self.db.transaction():
            guild = await guilds.update_one_by_id(guild_id, case_count=guilds.c.case_count + 1)
            return await self.create(
                guild_id=guild_id,
                number=guild.case_count,
                type=type_,
                moderator_id=moderator.id,
                target_id=target.id,
                reason=reason,
                details=dict(details or {}),
                is_active=type_ in LASTING,
                expires_at=expires_at,
            )

    async def in_force(self, guild_id: int, type_: CaseType, target: User) -> Case | None:
        """Return the case by which a member is banned, jailed or timed out."""
        return await self.find_by_target_id(target.id, guild_id=guild_id, type=type_, is_active=True).first()

    async def check_not_in_force(self, guild_id: int, type_: CaseType, target: User) -> None:
        """Raise AlreadyInForceError, if they are."""
        if case := await self.in_force(guild_id, type_, target):
            raise AlreadyInForceError(f"{target.username} is under case #{case.number} already.")

    async def close(self, case: Case) -> bool:
        """Say that a case is no longer in force; tell whether it was, of two who say so to one only."""
        return await self.find_all(id=case.id, is_active=True).update({"is_active": False}) > 0

    async def expired(self, now: datetime, guild_ids: Collection[int], *, limit: int = 100) -> list[Case]:
        """Return cases of these guilds that have been in force for as long as they should, with their targets."""
        found = self.find_expiring_by_expires_at(Span(le=now), guild_id=AnyOf(guild_ids))
        return await found.order_by(self.c.expires_at).limit(limit).load("target")

    async def history(self, guild_id: int, target: User, *, size: int, after: str | None = None) -> Page[Case]:
        """Return a page of what a member was told, the newest first, with the moderators."""
        found = self.find_by_target_id(target.id, guild_id=guild_id).order_by(self.c.number.desc())
        return await found.load("moderator").page(size=size, after=after)
