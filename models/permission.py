"""The permissions to use commands."""

from sqlalchemy import BigInteger, CheckConstraint, UniqueConstraint
from sqlmodel import Field, Relationship

from models.base import Base, Stamped


class PermissionRank(Stamped, Base, table=True):
    """A rank, which allows its roles to use commands."""

    __table_args__ = (
        UniqueConstraint("guild_id", "rank"),
        UniqueConstraint("guild_id", "name"),
        CheckConstraint("rank BETWEEN 0 AND 100", name="rank_range"),
    )

    id: int = Field(default=None, primary_key=True)
    guild_id: int = Field(foreign_key="guilds.id", ondelete="CASCADE", sa_type=BigInteger)
    rank: int = Field(ge=0, le=100, description="A higher rank allows more commands.")
    name: str = Field(max_length=50)
    description: str | None = Field(default=None, max_length=200)

    assignments: list["PermissionAssignment"] = Relationship(
        back_populates="rank", cascade_delete=True, passive_deletes=True
    )


class PermissionAssignment(Stamped, Base, table=True):
    """The rank of a role."""

    __table_args__ = (UniqueConstraint("guild_id", "role_id"),)

    id: int = Field(default=None, primary_key=True)
    guild_id: int = Field(foreign_key="guilds.id", ondelete="CASCADE", sa_type=BigInteger)
    role_id: int = Field(sa_type=BigInteger, description="Discord's id of the role.")
    rank_id: int = Field(foreign_key="permission_ranks.id", ondelete="CASCADE", index=True)

    rank: PermissionRank = Relationship(back_populates="assignments")


class PermissionCommand(Stamped, Base, table=True):
    """The rank that a command requires."""

    __table_args__ = (
        UniqueConstraint("guild_id", "command"),
        CheckConstraint("required_rank BETWEEN 0 AND 100", name="required_rank_range"),
    )

    id: int = Field(default=None, primary_key=True)
    guild_id: int = Field(foreign_key="guilds.id", ondelete="CASCADE", sa_type=BigInteger)
    command: str = Field(max_length=100)
    required_rank: int = Field(ge=0, le=100)
