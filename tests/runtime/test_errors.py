"""Errors of the database: a class for each kind, with model, constraint and columns, and without values."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import pytest
import sqlalchemy as sa
from guild_db import (
    CheckViolation,
    ConstraintError,
    Database,
    DatabaseError,
    ForeignKeyViolation,
    InvalidValueError,
    NotNullViolation,
    TimedOutError,
    UniqueViolation,
    UnreachableError,
)
from guild_db.runtime.errors import translated
from sqlalchemy.exc import IntegrityError

from tests.runtime.models import Case, Guild, User

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
    assert str(error) == "User: unique key users_discord_id_key (discord_id) is violated"


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
    violation = await caught(db.user.update_by_id(1, name=sa.null()), NotNullViolation)
    assert violation.columns == ("name",)


async def test_messages_and_logs_contain_no_values(url: str, db: Database, caplog: pytest.LogCaptureFixture) -> None:
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
    assert str(SECRET) in str(error.value.orig.detail)  # type: ignore[union-attr]


async def test_value_out_of_range_names_its_column(db: Database) -> None:
    for _ in range(2):
        with pytest.raises(InvalidValueError, match="User: the value of discord_id does not fit its column") as caught:
            await db.user.find_one(discord_id=2**70)
        assert caught.value.column == "discord_id"


async def test_not_null_violation_takes_the_column_from_the_server_field(db: Database) -> None:
    with pytest.raises(NotNullViolation) as caught:
        async with db.session() as session:
            with translated(Guild):
                await session.exec(sa.insert(Guild).values(id=5, name=sa.null(), settings={"a": "(id)=("}))
    assert caught.value.columns == ("name",)


async def test_foreign_key_violation_names_the_referring_table(db: Database) -> None:
    await db.user.create(**values())
    with pytest.raises(ForeignKeyViolation, match="is violated: users still refers to it"):
        await db.guild.find_all().delete(all_rows=True)


@pytest.mark.parametrize(
    "address",
    ["postgresql://u:hunter2@127.0.0.1:1/x", "postgresql://u@/x?host=/nowhere", "postgresql://u@no.invalid/x"],
)
async def test_unreachable_error_contains_the_address(address: str) -> None:
    db = Database(address)
    for call in (db.connect(), db.ping(), db.user.get_by_id(1), db.user.create_many([values()])):
        with pytest.raises(UnreachableError, match=r"^cannot connect to postgresql://u.*: .") as caught:
            await call
        assert "hunter2" not in str(caught.value)
    with pytest.raises(UnreachableError):
        async with db.transaction():
            await db.user.get_by_id(1)


async def test_missing_database_raises_unreachable_error(url: str) -> None:
    nowhere = sa.make_url(url).set(database="nowhere").render_as_string(hide_password=False)
    with pytest.raises(UnreachableError, match='database "nowhere" does not exist'):
        await Database(nowhere).connect()


async def test_slow_statement_raises_timed_out_error(url: str) -> None:
    async with Database(url, statement_timeout=0.05) as db:
        slow = db.user.find_all(sa.func.pg_sleep(5).is_not(None)).exists()
        await db.user.upsert_by_discord_id(**values())
        with pytest.raises(TimedOutError, match="took too long") as caught:
            await slow
        assert isinstance(caught.value, TimeoutError)
