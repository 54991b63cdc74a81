"""Moderation cases."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from bot.controllers.errors import AlreadyInForceError
from generated import AnyOf, CaseController, Page, Span
from models import Case, CaseType, User

LASTING = frozenset({CaseType.BAN, CaseType.JAIL, CaseType.TIMEOUT})
"""The types of cases that stay in force until they are lifted."""


class Cases(CaseController):
    """Opens, numbers and closes cases."""

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
        """Open a case with the guild's next number; the lock on the guild's row serializes the numbering."""
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
        """Return the case by which a member is currently banned, jailed or timed out."""
        return await self.find_by_target_id(target.id, guild_id=guild_id, type=type_, is_active=True).first()

    async def check_not_in_force(self, guild_id: int, type_: CaseType, target: User) -> None:
        """Raise AlreadyInForceError if such a case is in force."""
        if case := await self.in_force(guild_id, type_, target):
            raise AlreadyInForceError(f"{target.username} is under case #{case.number} already.")

    async def close(self, case: Case) -> bool:
        """Close a case; return whether it was in force. Of two simultaneous calls, only one returns True."""
        return await self.find_all(id=case.id, is_active=True).update({"is_active": False}) > 0

    async def expired(self, now: datetime, guild_ids: Collection[int], *, limit: int = 100) -> list[Case]:
        """Return expired cases of these guilds that are still in force, with their targets."""
        expired = self.find_expiring_by_expires_at(Span(le=now), guild_id=AnyOf(guild_ids))
        return await expired.order_by(self.c.expires_at).limit(limit).load("target")

    async def history(self, guild_id: int, target: User, *, size: int, after: str | None = None) -> Page[Case]:
        """Return a page of a member's cases, the newest first, with their moderators."""
        cases = self.find_by_target_id(target.id, guild_id=guild_id).order_by(self.c.number.desc())
        return await cases.load("moderator").page(size=size, after=after)
