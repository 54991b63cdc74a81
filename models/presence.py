"""Members who are away, and members who are active."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, func, text
from sqlmodel import Field

from models.base import Base, Stamped, utc_now


class Afk(Base, table=True):
    """The absence of a member from a guild."""

    __table_args__ = (Index("idx_afk_temporary", "until", postgresql_where=text("until IS NOT NULL")),)

    guild_id: int = Field(primary_key=True, foreign_key="guilds.id", ondelete="CASCADE", sa_type=BigInteger)
    member_id: int = Field(primary_key=True, sa_type=BigInteger, index=True, description="Discord's id of the account.")
    reason: str = Field(max_length=100)
    since: datetime = Field(default_factory=utc_now)
    until: datetime | None = Field(default=None, description="The announced end of the absence, if any.")


class Levels(Stamped, Base, table=True):
    """The experience of a member in a guild."""

    __table_args__ = (Index("idx_levels_leaderboard", "guild_id", text("xp DESC")),)

    guild_id: int = Field(primary_key=True, foreign_key="guilds.id", ondelete="CASCADE", sa_type=BigInteger)
    member_id: int = Field(primary_key=True, sa_type=BigInteger, description="Discord's id of the account.")
    xp: float = Field(default=0.0, ge=0, sa_column_kwargs={"server_default": text("0")})
    level: int = Field(default=0, ge=0, sa_column_kwargs={"server_default": text("0")})
    last_message_at: datetime = Field(
        default_factory=utc_now,
        index=True,
        sa_column_kwargs={"server_default": func.now()},
        description="When a message last earned experience.",
    )
    blacklisted: bool = Field(default=False, description="Whether the member earns no experience.")
