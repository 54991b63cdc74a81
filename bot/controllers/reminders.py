"""The queue of reminders."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_

from generated import AnyOf, ReminderController
from models import Reminder

LEASE = timedelta(minutes=5)
"""How long a worker may take to send a claimed reminder; after that another worker claims it."""


class Reminders(ReminderController):
    """A queue that survives the death of a worker: a reminder is claimed, sent, and only then marked as sent."""

    async def claim(self, now: datetime, *, limit: int, lease: timedelta = LEASE) -> list[Reminder]:
        """Claim due reminders; concurrent workers get different ones."""
        unclaimed = or_(self.c.claimed_until.is_(None), self.c.claimed_until <= now)
        due = self.find_all([~self.c.sent, self.c.expires_at <= now, unclaimed]).order_by(self.c.expires_at)
        async with self.db.transaction():
            claimed = await due.limit(limit).for_update(skip_locked=True).load("user")
            if claimed:
                ids = [reminder.id for reminder in claimed]
                await self.find_all(id=AnyOf(ids)).update({"claimed_until": now + lease})
        return claimed

    async def finish(self, reminder: Reminder, now: datetime) -> None:
        """Mark a reminder as sent; a repeating one becomes due again once, at the next of its times."""
        if every := reminder.repeats_every:
            missed = max(0, (now - reminder.expires_at) // every)
            following = reminder.expires_at + every * (missed + 1)
            await self.update_by_id(reminder.id, expires_at=following, claimed_until=None)
        else:
            await self.update_by_id(reminder.id, sent=True, claimed_until=None)
