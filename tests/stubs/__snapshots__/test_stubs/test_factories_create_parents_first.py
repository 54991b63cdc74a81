"""Valid rows for tests: for each model the values of a new row, and a function that inserts it.

Rows that a row must refer to are created first. The fields of the models accepted the values when this was written;
change values here that the database refuses.
"""

from __future__ import annotations

from itertools import count
from typing import TypeVar

from db import Database
from db.post import PostCreate
from db.tag import TagCreate
from models import Post, Tag

T = TypeVar("T")

numbers = count(1)


def present(value: T | None) -> T:
    """Return a value, which must not be None."""
    assert value is not None
    return value


async def post_values(db: Database) -> PostCreate:
    """Return the values of a new `Post`."""
    tag = await new_tag(db)
    return {
        "tag_id": present(tag.id),
        "title": f"title {next(numbers)}",
    }


async def new_post(db: Database) -> Post:
    """Insert a valid row of `Post`."""
    return await db.post.create(**await post_values(db))


async def tag_values(db: Database) -> TagCreate:
    """Return the values of a new `Tag`."""
    return {
        "name": f"name {next(numbers)}",
    }


async def new_tag(db: Database) -> Tag:
    """Insert a valid row of `Tag`."""
    return await db.tag.create(**await tag_values(db))
