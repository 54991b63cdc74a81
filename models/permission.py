"""Who may use which command."""

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field, Relationship

from models.base import Base, Stamped


class PermissionRank(Stamped, Base, table=True):
    """A step in a guild's ladder of permissions."""

    __table_args__ = (UniqueConstraint("guild_id", "rank"), UniqueConstraint("guild_id", "name"))

    id: int | None = Field(default=None, primary_key=True)
    guild_id: int = Field(foreign_key="guilds.id", ondelete="CASCADE", sa_type=BigInteger)
    rank: int = Field(ge=0, le=100)
    name: str = Field(max_length=50)
    description: str | None = Field(default=None, max_length=200)

    assignments: list["PermissionAssignment"] = Relationship(back_populates="rank", cascade_delete=True)


class PermissionAssignment(Stamped, Base, table=True):
    """That a role of the guild has a rank."""

    __table_args__ = (UniqueConstraint("guild_id", "role_id"),)

    id: int | None = Field(default=None, primary_key=True)
    guild_id: int = Field(foreign_key="guilds.id", ondelete="CASCADE", sa_type=BigInteger)
    role_id: int = Field(sa_type=BigInteger)
    rank_id: int = Field(foreign_key="permission_ranks.id", ondelete="CASCADE", index=True)

    rank: PermissionRank = Relationship(back_populates="assignments")


class PermissionCommand(Stamped, Base, table=True):
    """The rank that a command asks for."""

    __table_args__ = (UniqueConstraint("guild_id", "command"),)

    id: int | None = Field(default=None, primary_key=True)
    guild_id: int = Field(foreign_key="guilds.id", ondelete="CASCADE", sa_type=BigInteger)
    command: str = Field(max_length=100)
    required_rank: int = Field(ge=0, le=100)
