"""Emitted calls that type-check also work, for every type and default."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from guild_db import (
    AnyOf,
    Database,
    DatabaseError,
)
from sqlalchemy.dialects.postgresql import Range

from tests.runtime.fault_models import Conf, Mood, Rights

# 10: calls that type-check work


SOUGHT: dict[str, tuple[Any, Any]] = {
    "variant": ({"a": {"b": [1, None]}}, {"a": 1}),
    "typed": (Conf(depth=3), Conf(depth=4)),
    "several": ([Conf(depth=3), Conf()], []),
    "words": (["a", "b"], ["a"]),
    "emb": ([1.0, 2.5], [1.0]),
    "folded": ("Name", "other"),
    "guid": (UUID(int=5), UUID(int=6)),
    "bits": (asyncpg.BitString("1010"), asyncpg.BitString("0101")),
    "loose": (asyncpg.BitString("101"), asyncpg.BitString("1")),
    "rights": (Rights.READ | Rights.WRITE, Rights.READ),
    "cents": (Decimal("1.25"), Decimal("1.26")),
    "during": (Range(1, 5), Range(2, 5)),
    "moods": ([Mood.GOOD, Mood.BAD], [Mood.BAD]),
    "raw": (b"\x00\xff", b""),
}


@pytest.mark.parametrize("name", SOUGHT)
async def test_value_of_every_type_finds_only_its_row(db: Database, name: str) -> None:
    sought: Any = db.sought
    right, wrong = SOUGHT[name]
    created = await sought.create(**{name: right})
    await sought.create(**{name: wrong})
    await sought.create()
    for _ in range(2):  # the second time from the statement cache
        assert [row.id for row in await sought.find_all(**{name: right})] == [created.id]
        assert await sought.count(**{name: AnyOf([right])}) == 1
        assert await sought.count(**{name: AnyOf([right, wrong])}) == 2
        assert await sought.count(**{name: AnyOf([right, None])}) == 2
        assert await sought.count(**{name: AnyOf([])}) == 0
        assert await sought.count(**{name: None}) == 1
        assert (await getattr(sought, f"get_one_by_{name}")(right)).id == created.id
        assert (await getattr(sought, f"update_by_{name}")(right, note="seen")).note == "seen"
    many = await sought.upsert_many([{name: right, "note": "x"}, {name: right, "note": "y"}], key=[name])
    assert ({row.id for row in many}, many[-1].note) == ({created.id}, "y")
    assert await sought.bulk_update([{"id": created.id, name: None}]) == 1
    assert await sought.bulk_update([{"id": created.id, name: right}]) == 1
    assert await getattr(sought, f"delete_by_{name}")(right) is True
    assert await sought.count() == 2


@pytest.mark.parametrize("name", SOUGHT)
async def test_value_of_every_type_round_trips(db: Database, name: str) -> None:
    sought: Any = db.sought
    right = SOUGHT[name][0]
    created = await sought.create(**{name: right})

    def plain(value: Any) -> Any:
        if name == "several":
            return [dict(item) for item in value]
        return dict(value) if name == "typed" else bits(value) if name in {"bits", "loose"} else value

    assert plain(getattr(created, name)) == plain(right)
    assert plain(getattr(await sought.get_one_by_id(created.id), name)) == plain(right)
    assert [plain(getattr(row, name)) async for row in sought.find_all()] == [plain(right)]


def bits(value: Any) -> str:
    """Return the digits of a bit string, for which SQLAlchemy 2.1 has its own class."""
    return (value.as_string() if isinstance(value, asyncpg.BitString) else str(value)).replace(" ", "")


async def test_json_value_is_found_by_its_python_value(db: Database) -> None:
    """The value may contain times, models, UUIDs and enums, which are stored as pydantic serializes them."""
    value = {"at": datetime(2020, 1, 1, tzinfo=UTC), "id": UUID(int=5), "conf": Conf(depth=2), "mood": Mood.BAD}
    created = await db.sought.create(variant=value)
    assert (await db.sought.get_one_by_variant(value)).id == created.id
    assert await db.sought.count(variant=value) == 1
    assert await db.sought.count(variant=AnyOf([value])) == 1
    await db.filed.upsert_many([{"doc": value}])
    assert await db.filed.bulk_update([{"doc": value, "v": 3}]) == 1
    assert await db.filed.delete_many([value]) == 1


async def test_custom_comparator_applies_to_expressions_only(db: Database) -> None:
    await db.sought.create(folded="Name")
    assert await db.sought.count(db.sought.c.folded == "NAME") == 1
    assert await db.sought.count(folded="Name") == 1
    assert await db.sought.count(folded=AnyOf(["Name"])) == 1
    assert await db.sought.count(folded=AnyOf(["NAME"])) == await db.sought.count(folded="NAME")


async def test_network_addresses_are_values(db: Database) -> None:
    import ipaddress

    address = ipaddress.ip_address("10.0.0.1")
    await db.sought.create(net="10.0.0.1")
    assert await db.sought.count(net="10.0.0.1") == 1
    assert await db.sought.count(net=AnyOf(["10.0.0.1", "10.0.0.2"])) == 1
    assert (await db.sought.upsert_many([{"net": "10.0.0.1", "note": "x"}], key=["net"]))[0].note == "x"
    assert str((await db.sought.find_all().one()).net).startswith(str(address))


# 11: defaults that read other columns


async def test_default_sees_the_values_of_every_call(db: Database) -> None:
    def right(row: Any) -> bool:
        return row.slug == f"{row.name}-{row.lot}"

    assert right(await db.defaulted.create(name="a", lot=1))
    assert all(map(right, await db.defaulted.create_many([{"name": "b", "lot": 2}, {"name": "c", "lot": 3}])))
    assert all(map(right, await db.defaulted.upsert_many([{"name": "d", "lot": 4}], key=["name"])))
    assert right(await db.defaulted.upsert_by_name(name="e", lot=5))
    assert right((await db.defaulted.get_or_create_by_name(name="f", lot=6))[0])
    assert (await db.defaulted.create(name="g", lot=6, slug="own")).slug == "own"
    assert await db.defaulted.count() == 7


async def test_default_sees_defaults_of_earlier_columns(db: Database) -> None:
    assert (await db.defaulted.create(name="a")).slug == "a-7"
    assert [row.slug for row in await db.defaulted.create_many([{"name": "b"}, {"name": "c", "lot": 1}])] == [
        "b-7",
        "c-1",
    ]


async def test_default_is_not_called_for_an_existing_row(db: Database) -> None:
    await db.defaulted.create(name="a", lot=1)
    assert (await db.defaulted.upsert_by_name(name="a", v=5)).slug == "a-1"
    assert (await db.defaulted.get_or_create_by_name(name="a", lot=3))[0].slug == "a-1"


# 18: keys that the database generates


async def test_generated_key_can_be_omitted_or_passed(db: Database) -> None:
    assert (await db.counted.create()).id == 1
    assert (await db.counted.create(n=1)).id == 2
    assert [row.id for row in await db.counted.create_many([{}, {"id": 50, "n": 1}, {"n": 2}])] == [3, 50, 4]
    assert [row.id for row in await db.counted.upsert_many([{"n": 5}, {"id": 1, "n": 6}])] == [5, 1]
    assert (await db.counted.get_one_by_id(1)).n == 6
    with pytest.raises(DatabaseError, match="id is required"):
        await db.counted.bulk_update([{"n": 5}])
