"""A member of a guild."""

from typing import TYPE_CHECKING

from pydantic import field_validator
from sqlalchemy import BigInteger, CheckConstraint, text
from sqlmodel import Field, Relationship

from models.base import Base, Stamped
from models.guild import Guild

if TYPE_CHECKING:
    from models.case import Case


class User(Stamped, Base, table=True):
    """Somebody the bot knows, with the points they earned."""

    __table_args__ = (CheckConstraint("points >= 0", name="points_not_negative"),)

    id: int | None = Field(default=None, primary_key=True)
    discord_id: int = Field(unique=True, sa_type=BigInteger)
    guild_id: int = Field(foreign_key="guilds.id", ondelete="CASCADE", index=True, sa_type=BigInteger)
    username: str = Field(min_length=1, max_length=100)
    points: int = Field(default=0, ge=0, sa_column_kwargs={"server_default": text("0")})
    is_active: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})

    guild: Guild = Relationship(back_populates="users")
    cases: list["Case"] = Relationship(
        back_populates="target", sa_relationship_kwargs={"foreign_keys": "Case.target_id"}
    )
    moderated_cases: list["Case"] = Relationship(
        back_populates="moderator", sa_relationship_kwargs={"foreign_keys": "Case.moderator_id"}
    )

    @field_validator("username", mode="before")
    @classmethod
    def strip_username(cls, value: object) -> object:
        """Drop the space around a name; what is left must not be empty."""
        return value.strip() if isinstance(value, str) else value
