"""Members who are away, and members who are active."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Index, text
from sqlmodel import Field

from models.base import Base, Stamped


class Afk(Base, table=True):
    """That a member is away from one guild."""

    __table_args__ = (Index("idx_afk_temporary", "until", postgresql_where=text("until IS NOT NULL")),)

    guild_id: int = Field(primary_key=True, foreign_key="guilds.id", ondelete="CASCADE", sa_type=BigInteger)
    member_id: int = Field(primary_key=True, sa_type=BigInteger, index=True)
    reason: str = Field(max_length=100)
    since: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("now()")})
    until: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class Levels(Stamped, Base, table=True):
    """The experience a member gathered in one guild."""

    __table_args__ = (Index("idx_levels_leaderboard", "guild_id", text("xp DESC")),)

    guild_id: int = Field(primary_key=True, foreign_key="guilds.id", ondelete="CASCADE", sa_type=BigInteger)
    member_id: int = Field(primary_key=True, sa_type=BigInteger)
    xp: float = Field(default=0.0, ge=0)
    level: int = Field(default=0, ge=0)
    blacklisted: bool = False
