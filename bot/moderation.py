"""What the bot does in more than one table at a time; commands call these."""

from __future__ import annotations

from datetime import datetime

from generated import Database, Span
from models import Case, CaseType, PointsTransaction, Reminder, User


async def transfer(db: Database, sender: User, receiver: User, amount: int) -> PointsTransaction:
    """Move points from one member to another, all of it or nothing.

    Each row changes in one atomic statement, in the order of the keys, so that two transfers between the same
    members wait for each other instead of deadlocking. What refuses an overdraft is the check constraint on
    ``points``, whoever else writes at the same time.

    Raises
    ------
    CheckViolation
        The sender has fewer points than that.
    """
    changes = {key(sender): -amount, key(receiver): amount}
    async with db.transaction():
        for user_id, change in sorted(changes.items()):
            await db.user.update_by_id(user_id, points=db.user.c.points + change)
        return await db.points_transaction.create(sender_id=key(sender), receiver_id=key(receiver), amount=amount)


async def open_case(
    db: Database, guild_id: int, type_: CaseType, *, moderator: User, target: User, reason: str
) -> Case:
    """Open a case under the guild's next number; the guild's row is the lock that hands numbers out."""
    async with db.transaction():
        guild = await db.guild.update_by_id(guild_id, case_count=db.guild.c.case_count + 1)
        if guild is None:
            raise LookupError(f"the bot is not in guild {guild_id}")
        return await db.case.create(
            guild_id=guild_id,
            number=guild.case_count,
            type=type_,
            moderator_id=key(moderator),
            target_id=key(target),
            reason=reason,
        )


async def take_due_reminders(db: Database, now: datetime, *, limit: int) -> list[Reminder]:
    """Take reminders that fell due; of several workers, each gets others."""
    async with db.transaction():
        due = db.reminder.find_pending_by_expires_at(Span(le=now)).order_by(db.reminder.c.expires_at)
        taken = await due.limit(limit).for_update(skip_locked=True).load("user")
        for reminder in taken:
            await db.reminder.update_by_id(key(reminder), sent=True)
        return taken


def key(row: User | Reminder) -> int:
    """Return the primary key of a stored row, which only a row that was never stored lacks."""
    if row.id is None:
        raise LookupError(f"this {type(row).__name__} was never stored")
    return row.id
