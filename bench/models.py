"""The two tables of the benchmark, ten columns each, as a user of ctrlgen would declare them."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, MetaData
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Relationship, SQLModel


def utc_now() -> datetime:
    """Return the present moment, aware of its time zone."""
    return datetime.now(UTC)


class Base(SQLModel):
    """Keeps the benchmark's tables apart from every other model's."""

    metadata = MetaData()


class Author(Base, table=True):
    """The table of nearly every operation: a primary key, a unique key, an index, and seven more columns."""

    __tablename__ = "bench_author"

    id: int | None = Field(default=None, primary_key=True)
    handle: str = Field(unique=True)
    group_id: int = Field(index=True)
    name: str
    score: int = 0
    active: bool = True
    joined_at: datetime = Field(default_factory=utc_now, sa_type=DateTime(timezone=True))
    rating: float = 0.0
    note: str | None = None
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)

    posts: list["Post"] = Relationship(back_populates="author")


class Post(Base, table=True):
    """The children of the relations' operation, five for each author that has any."""

    __tablename__ = "bench_post"

    id: int | None = Field(default=None, primary_key=True)
    author_id: int = Field(foreign_key="bench_author.id", index=True)
    title: str
    body: str
    position: int = 0
    published: bool = True
    created_at: datetime = Field(default_factory=utc_now, sa_type=DateTime(timezone=True))
    weight: float = 0.0
    summary: str | None = None
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)

    author: Author = Relationship(back_populates="posts")
