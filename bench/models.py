"""The two tables of the benchmark, eleven and ten columns, as a user of ctrlgen would declare them."""

from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Relationship, SQLModel

KIND_TYPE: Final = "bench_kind"


def utc_now() -> datetime:
    """Return the current time in UTC, with its time zone."""
    return datetime.now(UTC)


class Kind(Enum):
    """A native enum of PostgreSQL. Names equal values, because some libraries store names and others values."""

    PERSON = "PERSON"
    TEAM = "TEAM"
    BOT = "BOT"


class Base(SQLModel):
    """Base with its own metadata, which keeps the benchmark's tables apart from other models."""

    metadata = sa.MetaData()


class Author(Base, table=True):
    """The table of nearly every operation: a primary key, a unique key, an index, and eight more columns."""

    __tablename__ = "bench_author"

    id: int | None = Field(default=None, primary_key=True)
    handle: str = Field(unique=True)
    group_id: int = Field(index=True)
    name: str
    kind: Kind = Field(default=Kind.PERSON, sa_type=sa.Enum(Kind, name=KIND_TYPE))
    score: int = 0
    active: bool = True
    joined_at: datetime = Field(default_factory=utc_now, sa_type=sa.DateTime(timezone=True))
    rating: float = 0.0
    note: str | None = None
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)

    posts: list["Post"] = Relationship(back_populates="author")


class Post(Base, table=True):
    """The children in the operation ``relations``: five for each author that has posts."""

    __tablename__ = "bench_post"

    id: int | None = Field(default=None, primary_key=True)
    author_id: int = Field(foreign_key="bench_author.id", index=True)
    title: str
    body: str
    position: int = 0
    published: bool = True
    created_at: datetime = Field(default_factory=utc_now, sa_type=sa.DateTime(timezone=True))
    weight: float = 0.0
    summary: str | None = None
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)

    author: Author = Relationship(back_populates="posts")
