"""Messages that members starred."""

from sqlalchemy import BigInteger
from sqlmodel import Field, Relationship

from models.base import Base, Stamped


class Starboard(Base, table=True):
    """The channel where a guild shows starred messages, and the required number of stars."""

    guild_id: int = Field(primary_key=True, foreign_key="guilds.id", ondelete="CASCADE", sa_type=BigInteger)
    channel_id: int = Field(sa_type=BigInteger)
    emoji: str = Field(default="⭐", max_length=64)
    threshold: int = Field(default=3, ge=1)

    messages: list["StarboardMessage"] = Relationship(back_populates="board", cascade_delete=True, passive_deletes=True)


class StarboardMessage(Stamped, Base, table=True):
    """A message on a starboard."""

    message_id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    guild_id: int = Field(foreign_key="starboards.guild_id", ondelete="CASCADE", index=True, sa_type=BigInteger)
    author_id: int = Field(sa_type=BigInteger)
    posted_id: int = Field(unique=True, sa_type=BigInteger, description="The bot's message on the starboard.")
    stars: int = Field(default=0, ge=0)

    board: Starboard = Relationship(back_populates="messages")
