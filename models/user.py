"""A member of a guild."""

from typing import TYPE_CHECKING

from pydantic import field_validator
from sqlalchemy import BigInteger, CheckConstraint, text
from sqlmodel import Field, Relationship

from models.base import Base, Stamped
from models.guild import Guild

if TYPE_CHECKING:
    from models.case import Case
    from models.reminder import Reminder


class User(Stamped, Base, table=True):
    """Somebody the bot knows, with the points they earned."""

    __table_args__ = (
        CheckConstraint("points >= 0", name="points_not_negative"),
        CheckConstraint("username <> '' AND username = btrim(username)", name="username_trimmed"),
    )

    id: int = Field(default=None, primary_key=True)
    discord_id: int = Field(unique=True, sa_type=BigInteger, description="Discord's id of the account.")
    guild_id: int = Field(foreign_key="guilds.id", ondelete="CASCADE", index=True, sa_type=BigInteger)
    username: str = Field(min_length=1, max_length=100)
    points: int = Field(default=0, ge=0, sa_column_kwargs={"server_default": text("0")})
    is_active: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})

    guild: Guild = Relationship(back_populates="users")
    cases: list["Case"] = Relationship(
        back_populates="target",
        passive_deletes="all",
        sa_relationship_kwargs={"foreign_keys": "Case.target_id"},
    )
    moderated_cases: list["Case"] = Relationship(
        back_populates="moderator",
        passive_deletes="all",
        sa_relationship_kwargs={"foreign_keys": "Case.moderator_id"},
    )
    reminders: list["Reminder"] = Relationship(back_populates="user", cascade_delete=True, passive_deletes=True)

    @field_validator("username")
    @classmethod
    def strip_username(cls, value: str) -> str:
        """Remove the whitespace around a name, which must not be blank."""
        if not (name := value.strip()):
            raise ValueError("must not be blank")
        return name
