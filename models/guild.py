"""A guild and its settings."""

from typing import TYPE_CHECKING, Optional

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, String, text
from sqlmodel import Field, Relationship

from models.base import Base, Stamped

if TYPE_CHECKING:
    from models.case import Case
    from models.user import User


class Guild(Stamped, Base, table=True):
    """A Discord server that the bot has joined."""

    __table_args__ = (CheckConstraint("case_count >= 0", name="case_count_not_negative"),)

    id: int = Field(
        primary_key=True,
        sa_type=BigInteger,
        sa_column_kwargs={"autoincrement": False},
        description="Discord's id of the guild.",
    )
    name: str = Field(max_length=100)
    case_count: int = Field(
        default=0, ge=0, sa_column_kwargs={"server_default": text("0")}, description="The number of the last case."
    )

    config: Optional["GuildConfig"] = Relationship(back_populates="guild", cascade_delete=True, passive_deletes=True)
    users: list["User"] = Relationship(back_populates="guild", cascade_delete=True, passive_deletes=True)
    cases: list["Case"] = Relationship(back_populates="guild", cascade_delete=True, passive_deletes=True)


class GuildConfig(Stamped, Base, table=True):
    """The settings of one guild."""

    guild_id: int = Field(primary_key=True, foreign_key="guilds.id", ondelete="CASCADE", sa_type=BigInteger)
    prefix: str = Field(default="!", min_length=1, max_length=5, sa_column_kwargs={"server_default": "!"})
    locale: str = Field(default="en", max_length=10, sa_column_kwargs={"server_default": "en"})
    mod_log_id: int | None = Field(default=None, sa_type=BigInteger, description="The channel of the moderation log.")
    jail_role_id: int | None = Field(default=None, sa_type=BigInteger, description="The role of jailed members.")
    ignored_channel_ids: list[int] = Field(
        default_factory=list, sa_type=ARRAY(BigInteger), description="Channels that the bot ignores."
    )
    banned_words: list[str] = Field(default_factory=list, sa_type=ARRAY(String(50)))

    guild: Guild = Relationship(back_populates="config")
