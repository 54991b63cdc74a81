"""Snippets of text, their aliases and tags."""

from typing import Optional

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, Relationship

from models.base import Base, Stamped
from models.guild import Guild


class SnippetTag(Base, table=True):
    """That a snippet bears a tag."""

    snippet_id: int = Field(primary_key=True, foreign_key="snippets.id", ondelete="CASCADE")
    tag_id: int = Field(primary_key=True, foreign_key="tags.id", ondelete="CASCADE", index=True)


class Tag(Base, table=True):
    """A word to find snippets by."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True, max_length=50)

    snippets: list["Snippet"] = Relationship(back_populates="tags", link_model=SnippetTag)


class Snippet(Stamped, Base, table=True):
    """A text the bot repeats on demand; an alias has a target instead of a text of its own."""

    __table_args__ = (Index("uq_snippets_guild_id_lower_name", "guild_id", text("lower(name)"), unique=True),)

    id: int | None = Field(default=None, primary_key=True)
    guild_id: int = Field(foreign_key="guilds.id", ondelete="CASCADE", sa_type=BigInteger)
    name: str = Field(min_length=1, max_length=50)
    content: str | None = Field(default=None, max_length=2000)
    uses: int = Field(default=0, ge=0)
    locked: bool = False
    target_id: int | None = Field(default=None, foreign_key="snippets.id", ondelete="CASCADE", index=True)

    guild: Guild = Relationship()
    tags: list[Tag] = Relationship(back_populates="snippets", link_model=SnippetTag)
    target: Optional["Snippet"] = Relationship(
        back_populates="aliases", sa_relationship_kwargs={"remote_side": "Snippet.id"}
    )
    aliases: list["Snippet"] = Relationship(back_populates="target", passive_deletes=True)
