"""Reminders."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Index, text
from sqlmodel import Field, Relationship

from models.base import Base, Stamped
from models.user import User


class Reminder(Stamped, Base, table=True):
    """Something to tell a member later."""

    __table_args__ = (
        Index("idx_reminder_pending", "expires_at", postgresql_where=text("NOT sent")),
        Index("uq_reminder_pending_key", "user_id", "key", unique=True, postgresql_where=text("sent = false")),
    )

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    key: str = Field(max_length=50)
    channel_id: int = Field(sa_type=BigInteger)
    content: str = Field(max_length=2000)
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    sent: bool = Field(default=False)

    user: User = Relationship()
