"""Invalid values are refused before any SQL; errors name the field and never contain the value."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from guild_db import Database, InvalidValueError, ValidationError

from tests.runtime.conftest import statements

GOOD: Any = {"discord_id": 1, "guild_id": 1, "name": "ada"}
SECRET = "hunter2"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"points": SECRET}, "points: Input should be a valid integer"),
        ({"points": -1}, "points: Input should be greater than or equal to 0"),
        ({"name": SECRET * 20}, "name: String should have at most 20 characters"),
        ({"name": "  "}, "name is refused by its validator, whose message is in `details`$"),
        ({"colour": SECRET}, "colour is unknown"),
        ({"name": None}, "name must not be None"),
        ({"id": None}, "id must not be None"),
        ({"token": SECRET}, "token: Input should be a valid UUID$"),
        ({"shout": "X"}, "shout cannot be set"),
        ({"banned_at": datetime(2024, 1, 1)}, "banned_at needs a time zone"),  # noqa: DTZ001
        ({"preferences": {"colour": 5}}, "preferences: Input should be a valid string"),
    ],
)
async def test_create_refuses_before_any_sql(db: Database, wrong: dict[str, object], message: str) -> None:
    with statements(db) as sent, pytest.raises(ValidationError, match=f"^User: {message}") as caught:
        await db.user.create(**{**GOOD, **wrong})
    assert sent == []
    assert caught.value.fields == tuple(wrong)
    assert isinstance(caught.value, ValueError)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)


async def test_every_wrong_field_is_named(db: Database) -> None:
    with pytest.raises(ValidationError) as caught:
        await db.user.create(name="", points=-1, colour="red")  # type: ignore[call-arg]
    assert set(caught.value.fields) == {"discord_id", "guild_id", "name", "points", "colour"}


async def test_validator_messages_are_in_details(db: Database) -> None:
    with pytest.raises(ValidationError) as caught:
        await db.user.create(**{**GOOD, "name": "  "})
    assert "'  ' is empty" in caught.value.details["name"]


async def test_update_refuses_before_any_sql(db: Database) -> None:
    await db.user.create(**GOOD)
    for wrong in ({"points": -1}, {"id": 5}, {"colour": 1}, {"points": None}, {"shout": "x"}):
        with statements(db) as sent, pytest.raises(ValidationError):
            await db.user.update_by_id(1, **wrong)  # type: ignore[arg-type]
        assert sent == []
    with pytest.raises(ValidationError):
        await db.user.update_where(all_rows=True, points=-1)
    with pytest.raises(ValidationError):
        await db.user.find_all(id=1).update({"points": -1})


async def test_every_write_path_validates(db: Database) -> None:
    bad: Any = {**GOOD, "points": -1}
    for write in (
        db.user.create_many([bad]),
        db.user.upsert_many([bad]),
        db.user.upsert_by_discord_id(**bad),
        db.user.get_or_create_by_discord_id(**bad),
        db.user.bulk_update([{"id": 1, "points": -1}]),
    ):
        with statements(db) as sent, pytest.raises(ValidationError):
            await write
        assert sent == []


async def test_models_own_field_validators_run(db: Database) -> None:
    assert (await db.user.create(**{**GOOD, "name": " ada "})).name == "ada"


async def test_values_are_converted_as_by_the_model(db: Database) -> None:
    values: Any = {**GOOD, "points": "5", "banned_at": "2024-01-01T00:00:00+00:00"}
    user = await db.user.create(**values)
    assert user.points == 5
    assert user.banned_at == datetime(2024, 1, 1, tzinfo=UTC)


async def test_sql_expressions_are_not_validated(db: Database) -> None:
    values: Any = {**GOOD, "points": sa.func.length("four"), "name": sa.func.lower("ADA")}
    user = await db.user.create(**values)
    assert (user.points, user.name) == (4, "ada")


async def test_database_errors_do_not_contain_values(db: Database) -> None:
    too_big = 123456789012345678901234
    with pytest.raises(InvalidValueError, match="does not fit") as caught:
        await db.user.create(**{**GOOD, "discord_id": too_big})
    assert str(too_big) not in str(caught.value) + repr(caught.value)
    with pytest.raises(InvalidValueError):
        await db.user.get_by_id(SECRET)  # type: ignore[arg-type]
    with pytest.raises(InvalidValueError):
        await db.user.find_all(points=SECRET)  # type: ignore[arg-type]
