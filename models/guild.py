"""A guild and its settings."""

from typing import TYPE_CHECKING

from sqlalchemy import ARRAY, BigInteger, String, text
from sqlmodel import Field, Relationship

from models.base import Base, Stamped

if TYPE_CHECKING:
    from models.case import Case
    from models.user import User


class Guild(Stamped, Base, table=True):
    """A Discord server the bot has joined."""

    id: int = Field(primary_key=True, sa_type=BigInteger, description="Discord's id of the guild")
    name: str = Field(max_length=100)
    case_count: int = Field(
        default=0,
        ge=0,
        sa_column_kwargs={"server_default": text("0")},
        description="the last case number given",
    )

    config: "GuildConfig" = Relationship(back_populates="guild", cascade_delete=True, passive_deletes=True)
    users: list["User"] = Relationship(back_populates="guild", cascade_delete=True, passive_deletes=True)
    cases: list["Case"] = Relationship(back_populates="guild", cascade_delete=True, passive_deletes=True)


class GuildConfig(Stamped, Base, table=True):
    """The settings of one guild; there is at most one row for each."""

    guild_id: int = Field(primary_key=True, foreign_key="guilds.id", ondelete="CASCADE", sa_type=BigInteger)
    prefix: str = Field(default="!", min_length=1, max_length=5, sa_column_kwargs={"server_default": "!"})
    locale: str = Field(default="en", max_length=10)
    mod_log_id: int | None = Field(default=None, sa_type=BigInteger, description="channel for moderation messages")
    ignored_channel_ids: list[int] = Field(default_factory=list, sa_type=ARRAY(BigInteger))
    banned_words: list[str] = Field(default_factory=list, sa_type=ARRAY(String(50)))

    guild: Guild = Relationship(back_populates="config")
