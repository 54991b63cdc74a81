"""Snippets of text, their aliases and tags."""

from typing import Optional

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlmodel import Field, Relationship

from models.base import Base, Stamped
from models.guild import Guild
from models.user import User


class SnippetTag(Base, table=True):
    """A tag of a snippet."""

    snippet_id: int = Field(primary_key=True, foreign_key="snippets.id", ondelete="CASCADE")
    tag_id: int = Field(primary_key=True, foreign_key="tags.id", ondelete="CASCADE", index=True)


class Tag(Base, table=True):
    """A word by which snippets are found."""

    id: int = Field(default=None, primary_key=True)
    name: str = Field(unique=True, max_length=50)

    snippets: list["Snippet"] = Relationship(back_populates="tags", link_model=SnippetTag)


class Snippet(Stamped, Base, table=True):
    """A text that the bot posts on request. An alias has a target instead of content."""

    __table_args__ = (
        Index("uq_snippets_guild_id_lower_name", "guild_id", text("lower(name)"), unique=True),
        CheckConstraint("target_id <> id", name="no_alias_of_itself"),
    )

    id: int = Field(default=None, primary_key=True)
    guild_id: int = Field(foreign_key="guilds.id", ondelete="CASCADE", sa_type=BigInteger)
    author_id: int | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL", index=True)
    target_id: int | None = Field(default=None, foreign_key="snippets.id", ondelete="CASCADE", index=True)
    name: str = Field(min_length=1, max_length=50, description="Unique in the guild, without regard to case.")
    content: str | None = Field(default=None, max_length=2000)
    uses: int = Field(default=0, ge=0, sa_column_kwargs={"server_default": text("0")})
    locked: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})

    guild: Guild = Relationship()
    author: User | None = Relationship()
    target: Optional["Snippet"] = Relationship(
        back_populates="aliases", sa_relationship_kwargs={"remote_side": "Snippet.id"}
    )
    aliases: list["Snippet"] = Relationship(back_populates="target", cascade_delete=True, passive_deletes=True)
    tags: list[Tag] = Relationship(back_populates="snippets", link_model=SnippetTag)
