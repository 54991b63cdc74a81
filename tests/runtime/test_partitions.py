"""Controllers of partitioned tables: every method works, and errors have the names that the model declares."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from guild_db import (
    CheckViolation,
    ConstraintError,
    Database,
    ExclusionViolation,
    ForeignKeyViolation,
    NotNullViolation,
    PartitionViolation,
    Span,
    UniqueViolation,
)
from guild_db.player import PlayerValues

from tests.conftest import NewDatabase, make_tables
from tests.runtime.partition_models import JANUARY, MARCH, PARTITIONS, PartitionedBase, Player, Reading


@pytest.fixture(scope="module")
async def address(new_database: NewDatabase) -> AsyncIterator[str]:
    async with new_database() as url:
        async with Database(url) as db:
            await make_tables(db.engine, PartitionedBase.metadata, *PARTITIONS)
        yield url


@pytest.fixture
async def db(address: str) -> AsyncIterator[Database]:
    """Servers 1 to 9, of which the first three have a partition for their players, and two players."""
    async with Database(address) as db:
        async with db.engine.begin() as connection:
            await connection.exec_driver_sql("TRUNCATE server, player, game, reading, ballot")
        await db.server.create_many([{"id": number} for number in range(1, 10)])
        await db.player.create(server_id=1, id=1, name="ada", email="Ada@x.org", points=5)
        await db.player.create(server_id=2, id=1, name="bob")
        yield db


async def caught(work: Awaitable[object], kind: type[ConstraintError]) -> tuple[str | None, tuple[str, ...], str]:
    """Return the constraint, the columns and the message of the error."""
    with pytest.raises(kind) as caught:
        await work
    assert type(caught.value) is kind
    return caught.value.constraint, caught.value.columns, str(caught.value)


async def stored_in(db: Database, table: str) -> int:
    """Return how many rows a partition has."""
    async with db.session() as session:
        return (await session.execute(sa.text(f'SELECT count(*) FROM "{table}"'))).scalar_one()


async def test_rows_are_found_changed_and_deleted_by_their_keys(db: Database) -> None:
    ada = await db.player.get_one_by_server_id_and_id(1, 1)
    assert ada.name == "ada"
    assert await db.player.get_by_server_id_and_name(2, "bob")
    assert await db.player.get_by_server_id_and_lower_email(1, "ada@x.org") == ada
    changed = await db.player.update_one_by_server_id_and_id(1, 1, points=db.player.c.points + 1)
    assert changed.points == 6
    assert await db.player.update_by_server_id_and_name(1, "nobody", points=1) is None
    assert await db.player.delete_by_server_id_and_id(2, 1)
    assert await db.player.count() == 1


async def test_rows_are_stored_once_by_every_kind_of_key(db: Database) -> None:
    for _ in range(7):  # more than the executions after which PostgreSQL may use a generic plan
        eve, _ = await db.player.get_or_create_by_server_id_and_name(server_id=3, id=1, name="eve")
        await db.player.upsert_by_server_id_and_id(server_id=3, id=1, name="eve", points=2)
        await db.player.create_or_update_by_server_id_and_name(
            {"server_id": 3, "id": 1, "name": "eve"}, {"points": db.player.c.points + 1}
        )
        await db.game.upsert_final_by_server_id_and_player_id(server_id=3, id=1, player_id=1, score=4)
    assert (eve.id, await stored_in(db, "player_3"), await db.game.count()) == (1, 1, 1)
    assert (await db.player.get_one_by_server_id_and_id(3, 1)).points == 3


async def test_many_rows_of_several_partitions_are_written_at_once(db: Database) -> None:
    rows: list[Any] = [{"server_id": 1 + n % 3, "id": 10 + n, "name": f"p{n}"} for n in range(30)]
    assert [player.id for player in await db.player.create_many(rows)] == [row["id"] for row in rows]
    again = await db.player.upsert_many([{**row, "points": 7} for row in rows])
    assert {player.points for player in again} == {7}
    keys = [(row["server_id"], row["id"]) for row in rows]
    assert await db.player.update_many([(key, {"points": 8}) for key in keys]) == 30
    assert await db.player.count(points=8) == 30
    assert await stored_in(db, "player_2") == 11
    assert await db.player.delete_many(keys) == 30


async def test_selections_reach_one_partition_or_all(db: Database) -> None:
    await db.player.create_many([{"server_id": 1, "id": n, "name": f"p{n}", "points": n} for n in range(10, 20)])
    assert await db.player.find_by_server_id(1, points=Span(ge=15)).count() == 5
    assert [player.id async for player in db.player.find_all(order_by=db.player.c.id).limit(3)] == [1, 1, 10]
    assert await db.player.find_by_points(Span(ge=15)).update({"rank": 1}) == 5
    assert await db.player.find_by_server_id(1).order_by(db.player.c.points.desc()).limit(2).update({"rank": 2}) == 2
    assert await db.player.find_all(rank=2).delete() == 2
    async with db.transaction():
        locked = await db.player.find_by_server_id(1).order_by(db.player.c.id).for_update()
    assert len(locked) == 9


async def test_pages_go_through_all_partitions(db: Database) -> None:
    await db.reading.create_many(
        [{"sensor": n % 3, "at": JANUARY + timedelta(days=n), "value": n % 4} for n in range(59)]
    )
    seen: list[Reading] = []
    cursor: str | None = None
    while cursor or not seen:
        page = await db.reading.find_all(order_by=db.reading.c.value).page(size=10, after=cursor)
        seen, cursor = [*seen, *page.items], page.next
    keys = [(row.value, row.sensor, row.at) for row in seen]
    assert (len(keys), keys) == (59, sorted(keys))
    numbered = await db.reading.paginate(page=6, per_page=10)
    assert (len(numbered.items), numbered.total) == (9, 59)


async def test_relationships_between_partitioned_tables_are_loaded(db: Database) -> None:
    await db.game.create_many([{"server_id": n, "id": 10 * n + k, "player_id": 1} for n in (1, 2) for k in (1, 2, 3)])
    players = await db.player.find_all(order_by=db.player.c.server_id).load("games", "server")
    assert [[game.id for game in player.games] for player in players] == [[11, 12, 13], [21, 22, 23]]
    games = await db.game.find_by_server_id(2).load("player", "player.server")
    assert {game.player.server.id for game in games} == {2}
    servers = await db.server.find_all(db.server.c.players.any(Player.name == "bob")).load("players")
    assert [player.name for server in servers for player in server.players] == ["bob"]


async def test_row_moves_to_the_partition_of_its_new_value(db: Database) -> None:
    await db.ballot.create(id=1, state="open", code="a")
    assert (await db.ballot.update_one_by_id(1, state="closed")).state == "closed"
    assert (await stored_in(db, "ballot_open"), await stored_in(db, "ballot_closed")) == (0, 1)
    assert await db.ballot.find_all(id=1).update({"state": "open"}) == 1
    error = await caught(db.ballot.update_by_id(1, state="lost"), PartitionViolation)
    assert error == (None, ("state",), "Ballot: table ballot has no partition for the row's state")


async def test_upsert_cannot_move_a_row(db: Database) -> None:
    await db.ballot.create(id=1, state="open", code="a")
    create = db.ballot.create_or_update_by_state_and_code({"id": 2, "state": "open", "code": "a"}, {"state": "closed"})
    _, _, message = await caught(create, PartitionViolation)
    assert message == "Ballot: an upsert cannot move a row to another partition: update the row"


async def test_row_that_no_partition_accepts_names_the_table_and_the_columns(db: Database) -> None:
    message = "Player: table player has no partition for the row's server_id"
    for call in (
        db.player.create(server_id=9, id=1, name="eve"),
        db.player.create_many([{"server_id": 1, "id": 7, "name": "in"}, {"server_id": 9, "id": 1, "name": "out"}]),
        db.player.upsert_by_server_id_and_id(server_id=9, id=1, name="eve"),
        db.player.get_or_create_by_server_id_and_name(server_id=9, id=1, name="eve"),
    ):
        assert await caught(call, PartitionViolation) == (None, ("server_id",), message)
    assert await db.player.count(name="in") == 0
    error = await caught(db.reading.create(sensor=1, at=MARCH), PartitionViolation)
    assert error == (None, ("at",), "Reading: table reading has no partition for the row's at")


@pytest.mark.parametrize(
    ("values", "constraint", "columns"),
    [
        ({"id": 1}, "player_pkey", ("server_id", "id")),
        ({"name": "ada"}, "uq_player_name", ("server_id", "name")),
        ({"serial": 1}, "player_server_id_serial_key", ("server_id", "serial")),
        ({"email": "ADA@x.org"}, "uq_player_email", ("server_id", "email")),
        ({"leads": True, "rank": 1}, "uq_player_leader", ("server_id", "rank")),
    ],
)
async def test_unique_violation_has_the_name_that_the_model_declares(
    db: Database, values: dict[str, Any], constraint: str, columns: tuple[str, ...]
) -> None:
    """PostgreSQL reports the index of the partition: ``player_1_server_id_name_key``."""
    await db.player.update_by_server_id_and_id(1, 1, serial=1, leads=True, rank=1)
    row: Any = {"server_id": 1, "id": 2, "name": "eve", **values}
    error = await caught(db.player.create(**row), UniqueViolation)
    message = f"Player: unique key {constraint} ({', '.join(columns)}) is violated"
    assert error == (constraint, columns, message)


async def test_other_violations_have_the_name_that_the_model_declares(db: Database) -> None:
    await db.player.update_by_server_id_and_id(1, 1, seat=4)
    row: PlayerValues = {"name": "eve"}
    taken = db.player.create(server_id=1, id=2, **row, seat=4)
    assert (await caught(taken, ExclusionViolation))[:2] == ("ex_player_seat", ("server_id", "seat"))
    below = db.player.create(server_id=1, id=2, **row, points=-1)
    assert (await caught(below, CheckViolation))[:2] == ("ck_player_points", ())
    nameless = db.player.update_by_server_id_and_id(1, 1, name=sa.null())
    assert (await caught(nameless, NotNullViolation))[1] == ("name",)


async def test_foreign_key_violation_has_the_name_that_the_model_declares(db: Database) -> None:
    async with db.session() as session:
        await session.execute(sa.text("ALTER TABLE player_3 RENAME CONSTRAINT player_server_id_chief_id_fkey TO own"))
    missing = db.player.create(server_id=3, id=2, name="eve", chief_id=77)
    name, columns = "player_server_id_chief_id_fkey", ("server_id", "chief_id")
    message = f"Player: foreign key {name} (server_id, chief_id) is violated"
    assert await caught(missing, ForeignKeyViolation) == (name, columns, message)
    await db.server.delete_by_id(3)
    homeless = db.player.create(server_id=3, id=2, name="eve")
    message = "Player: foreign key player_server_id_fkey (server_id) is violated"
    assert await caught(homeless, ForeignKeyViolation) == ("player_server_id_fkey", ("server_id",), message)
    lost = db.game.create(server_id=1, id=1, player_id=77)
    assert (await caught(lost, ForeignKeyViolation))[:2] == ("fk_game_player", ("server_id", "player_id"))


async def test_row_of_a_partition_that_is_still_referenced_says_by_which_table(db: Database) -> None:
    """PostgreSQL reports a separate constraint for each partition: ``fk_game_player_1``."""
    await db.game.create(server_id=1, id=1, player_id=1)
    error = await caught(db.player.delete_by_server_id_and_id(1, 1), ForeignKeyViolation)
    message = "Player: foreign key fk_game_player (server_id, id) is violated: game still refers to it"
    assert error == ("fk_game_player", ("server_id", "id"), message)
    await db.player.create(server_id=2, id=2, name="eve", chief_id=1)
    error = await caught(db.player.delete_many([(2, 1)]), ForeignKeyViolation)
    name = "player_server_id_chief_id_fkey"
    message = f"Player: foreign key {name} (server_id, id) is violated: player still refers to it"
    assert error == (name, ("server_id", "id"), message)
