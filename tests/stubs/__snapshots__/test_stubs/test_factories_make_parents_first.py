"""Valid rows for tests: for each model what a new row takes, and a function that inserts one.

Rows that a row must refer to are made first. Values were tried against the fields of the models when this was
written; what the database refuses for a reason of its own, change here.
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
    """Return a value that is there."""
    assert value is not None
    return value


async def post_values(db: Database) -> PostCreate:
    """Return what a new `Post` takes."""
    tag = await new_tag(db)
    return {
        "tag_id": present(tag.id),
        "title": f"title {next(numbers)}",
    }


async def new_post(db: Database) -> Post:
    """Insert one `Post`."""
    return await db.post.create(**await post_values(db))


async def tag_values(db: Database) -> TagCreate:
    """Return what a new `Tag` takes."""
    return {
        "name": f"name {next(numbers)}",
    }


async def new_tag(db: Database) -> Tag:
    """Insert one `Tag`."""
    return await db.tag.create(**await tag_values(db))
