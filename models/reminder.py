"""Reminders."""

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, Relationship

from models.base import Base, Stamped
from models.user import User


class Reminder(Stamped, Base, table=True):
    """A message to send to a member later."""

    __table_args__ = (
        Index("idx_reminder_pending", "expires_at", postgresql_where=text("NOT sent")),
        Index("uq_reminder_pending", "user_id", "key", unique=True, postgresql_where=text("NOT sent")),
    )

    id: int = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    key: str = Field(max_length=50, description="The member's name for it, unique among pending reminders.")
    channel_id: int = Field(sa_type=BigInteger)
    content: str = Field(max_length=2000)
    expires_at: datetime = Field(description="When the reminder is due.")
    repeats_every: timedelta | None = Field(default=None, description="The interval of a repeating reminder.")
    claimed_until: datetime | None = Field(default=None, description="The end of a worker's claim.")
    sent: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})

    user: User = Relationship(back_populates="reminders")
