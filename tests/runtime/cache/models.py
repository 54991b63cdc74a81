"""Cached models, and models that affect them through foreign keys."""

import enum
from datetime import time
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel


class Base(SQLModel, registry=registry()):
    metadata = sa.MetaData()


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


class Guild(Base, table=True):
    """Not cached. Deleting a guild deletes its configurations, and sets the guild of its members to NULL."""

    id: int = Field(primary_key=True, sa_type=sa.BigInteger)
    code: str = Field(unique=True)
    name: str = "home"


class Config(Base, table=True):
    """Cached, and deleted with its guild."""

    guild_id: int = Field(foreign_key="guild.id", primary_key=True, ondelete="CASCADE", sa_type=sa.BigInteger)
    prefix: str = "!"
    words: list[str] = Field(default_factory=list, sa_type=sa.ARRAY(sa.Text))
    data: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)


class Setting(Base, table=True):
    """Cached, and deleted with its configuration: two levels below the guild."""

    guild_id: int = Field(foreign_key="config.guild_id", primary_key=True, ondelete="CASCADE", sa_type=sa.BigInteger)
    name: str = Field(primary_key=True)
    value: int = 0


class MemberTag(Base, table=True):
    """The links between members and tags, cached by their finders."""

    member_id: int = Field(foreign_key="member.id", primary_key=True, ondelete="CASCADE")
    tag_id: int = Field(foreign_key="tag.id", primary_key=True, ondelete="CASCADE")


class Tag(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str


class Member(Base, table=True):
    """Cached by four keys and its finders. Deleting the guild sets it to NULL; changing its code cascades."""

    __table_args__ = (
        sa.Index("ix_member_lower_name", sa.text("lower(name)"), unique=True),
        sa.ForeignKeyConstraint(["code"], ["guild.code"], onupdate="CASCADE", ondelete="SET NULL"),
    )

    id: int = Field(default=None, primary_key=True)
    discord_id: int = Field(unique=True, sa_type=sa.BigInteger)
    token: UUID = Field(default_factory=uuid4, unique=True)
    name: str
    mood: Mood = Field(default=Mood.GOOD, index=True)
    points: int = 0
    guild_id: int | None = Field(default=None, foreign_key="guild.id", index=True, ondelete="SET NULL")
    code: str | None = None
    tags: list[Tag] = Relationship(sa_relationship_kwargs={"secondary": "membertag", "order_by": "Tag.id"})


class Room(Base, table=True):
    """Not cached; the column that doors refer to is computed from the code."""

    id: int = Field(primary_key=True)
    code: str
    sign: str = Field(
        default=None, sa_column=sa.Column(sa.Text, sa.Computed("upper(code)", persisted=True), unique=True)
    )


class Door(Base, table=True):
    """Cached, and updated when the code of its room changes."""

    id: int = Field(primary_key=True)
    sign: str | None = Field(default=None, sa_type=sa.Text)
    key_0: int = 0  # names that are like the labels of a written row's keys
    number: int = 0
    opens: time | None = Field(default=None, sa_type=sa.Time(timezone=True), unique=True)  # type: ignore[call-overload]
    label: Any = Field(default=None, nullable=True, sa_type=JSONB, unique=True)

    __table_args__ = (sa.ForeignKeyConstraint(["sign"], ["room.sign"], onupdate="CASCADE"),)


note_label = sa.Table(
    "note_label",
    Base.metadata,
    sa.Column("note_id", sa.ForeignKey("note.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("tag_id", sa.ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True),
)


class Note(Base, table=True):
    """Cached, and deleted with its parent note; the links to its labels are not cached."""

    id: int = Field(default=None, primary_key=True)
    parent_id: int | None = Field(default=None, foreign_key="note.id", index=True, ondelete="CASCADE")
    text: str = ""
    labels: list[Tag] = Relationship(sa_relationship_kwargs={"secondary": note_label})


class Place(Base, table=True):
    """Cached by a key whose equality Python cannot decide."""

    name: str = Field(primary_key=True, sa_type=sa.CHAR(10))
    visits: int = 0
