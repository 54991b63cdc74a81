"""What the database refuses: one class each, with model, constraint and columns, and without values."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import pytest
from runtime import (
    CheckViolation,
    ConstraintError,
    DatabaseError,
    ForeignKeyViolation,
    NotNullViolation,
    UniqueViolation,
)
from sqlalchemy.exc import IntegrityError

from tests.runtime.guild import Case, Database, Guild, User

SECRET = 777888999


def values(n: int = 1, **more: Any) -> Any:
    return {"discord_id": n, "guild_id": 1, "name": f"u{n}", **more}


async def caught(work: Any, kind: type[ConstraintError]) -> ConstraintError:
    with pytest.raises(kind) as error:
        await work
    assert isinstance(error.value, IntegrityError)
    assert isinstance(error.value, DatabaseError)
    return error.value


async def test_unique_violation(db: Database) -> None:
    await db.user.create(**values(SECRET))
    error = await caught(db.user.create(**values(SECRET, name="other")), UniqueViolation)
    assert (error.model, error.constraint, error.columns) == (User, "users_discord_id_key", ("discord_id",))
    assert str(error) == "User: unique constraint users_discord_id_key (discord_id) is violated"


async def test_named_unique_violation_of_two_columns(db: Database) -> None:
    await db.user.create(**values())
    await db.case.create(guild_id=1, number=1, user_id=1)
    error = await caught(db.case.create(guild_id=1, number=1, user_id=1), UniqueViolation)
    assert (error.model, error.columns) == (Case, ("guild_id", "number"))


async def test_foreign_key_violation_of_both_sides(db: Database) -> None:
    error = await caught(db.user.create(**values(guild_id=SECRET)), ForeignKeyViolation)
    assert (error.constraint, error.columns) == ("users_guild_id_fkey", ("guild_id",))
    await db.user.create(**values())
    error = await caught(db.guild.find_all(id=1).delete(), ForeignKeyViolation)
    assert (error.model, error.columns) == (Guild, ("id",))


async def test_check_violation(db: Database) -> None:
    error = await caught(db.user.create(**values(points=5_000_000)), CheckViolation)
    assert error.constraint == "ck_users_points"


async def test_not_null_violation(db: Database) -> None:
    await db.user.create(**values())
    error = (
        await caught(db.user.update_by_id(1, name=db.user.c.updated_at.op("::")(db.user.c.name)), DatabaseError)
        if 0
        else None
    )
    assert error is None
    from sqlalchemy import null

    violation = await caught(db.user.update_by_id(1, name=null()), NotNullViolation)
    assert violation.columns == ("name",)


async def test_nothing_that_is_printed_or_logged_carries_a_value(
    url: str, db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with Database(url, echo=True) as loud:
        await loud.user.create(**values(SECRET))
        with pytest.raises(UniqueViolation) as error:
            await loud.user.create(**values(SECRET))
        await loud.user.find_all(discord_id=SECRET)
    printed = "".join(traceback.format_exception(error.value))
    assert str(SECRET) not in printed
    assert str(SECRET) not in repr(error.value)
    assert "INSERT" in caplog.text
    assert str(SECRET) not in caplog.text
    assert str(SECRET) in str(error.value.orig.__cause__.detail)  # type: ignore[union-attr]
