"""Moderation cases."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy import Enum as NativeEnum
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Relationship

from models.base import Base, Stamped
from models.guild import Guild
from models.user import User


class CaseType(StrEnum):
    """The action against the target of a case."""

    BAN = "ban"
    KICK = "kick"
    TIMEOUT = "timeout"
    WARN = "warn"
    NOTE = "note"
    JAIL = "jail"


class Case(Stamped, Base, table=True):
    """A moderation case, numbered within its guild. A member with cases cannot be deleted."""

    __table_args__ = (
        UniqueConstraint("guild_id", "number"),
        CheckConstraint("number > 0", name="number_positive"),
        Index("ix_cases_guild_id_type", "guild_id", "type"),
        Index("idx_case_expiring", "expires_at", postgresql_where=text("is_active AND expires_at IS NOT NULL")),
    )

    id: int = Field(default=None, primary_key=True)
    guild_id: int = Field(foreign_key="guilds.id", ondelete="CASCADE", sa_type=BigInteger)
    number: int = Field(ge=1, description="Counts from 1 in each guild.")
    type: CaseType = Field(sa_type=NativeEnum(CaseType, name="case_type"))
    moderator_id: int = Field(foreign_key="users.id", index=True)
    target_id: int = Field(foreign_key="users.id", index=True)
    reason: str | None = Field(default=None, max_length=2000)
    details: dict[str, Any] = Field(
        default_factory=dict,
        sa_type=JSONB,
        sa_column_kwargs={"name": "metadata", "server_default": text("'{}'")},
        description="Further data of the action. The column is called `metadata`, a name that SQLModel reserves.",
    )
    is_active: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})
    expires_at: datetime | None = Field(default=None, description="When the action is undone.")

    guild: Guild = Relationship(back_populates="cases")
    moderator: User = Relationship(
        back_populates="moderated_cases", sa_relationship_kwargs={"foreign_keys": "Case.moderator_id"}
    )
    target: User = Relationship(back_populates="cases", sa_relationship_kwargs={"foreign_keys": "Case.target_id"})
