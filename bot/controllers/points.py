"""Transfers of points."""

from __future__ import annotations

from bot.controllers.errors import NotEnoughPointsError
from generated import CheckViolation, PointsTransactionController
from models import PointsTransaction, User


class Points(PointsTransactionController):
    """Transfers points between members."""

    async def transfer(self, sender: User, receiver: User, amount: int) -> PointsTransaction:
        """Move points from one member to another, in one transaction.

        Each row is updated by one atomic statement, in the order of the keys, so that two transfers between the same
        members wait for each other instead of deadlocking. The check constraint on ``points`` refuses an overdraft,
        even if other transactions write at the same time.

        Raises
        ------
        NotEnoughPointsError
            The sender has fewer points than that.
        """
        changes = {sender.id: -amount, receiver.id: amount}
        try:
            async with self.db.transaction():
                transaction = await self.create(sender_id=sender.id, receiver_id=receiver.id, amount=amount)
                for user_id, change in sorted(changes.items()):
                    await self.db.user.update_one_by_id(user_id, points=self.db.user.c.points + change)
                return transaction
        except CheckViolation as error:
            if error.model is not User:
                raise
            raise NotEnoughPointsError(f"{sender.username} has fewer than {amount} points.") from error
