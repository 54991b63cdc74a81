"""``tenant_strict``: every emitted method is given its tenant, and reaches exactly one partition of each table."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from ctrlgen.pipeline import generate
from ctrlgen.settings import Config, Options
from tests.conftest import NewDatabase, make_tables
from tests.runtime.tenant_models import PARTITIONS, TABLES, TenantBase

if TYPE_CHECKING:
    from tenant_db import Database

Call = Callable[["Database"], Awaitable[object]]

ROW: Any = {"league_id": 3, "id": 5, "name": "b", "city": "x"}
LOCKED = f"""
    SELECT DISTINCT relation::regclass::text FROM pg_locks
    WHERE pid = pg_backend_pid() AND relation::regclass::text ~ '^({"|".join(TABLES)})_[0-9]$'
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The package ``tenant_db``, emitted and importable."""
    project, folder = Path(__file__).resolve().parent.parent.parent, tmp_path_factory.mktemp("tenant")
    options = Options(tenant="league_id", tenant_strict=True)
    config = Config(project, ("tests.runtime.tenant_models",), folder / "tenant_db", "tenant_db", None, options)
    for path, text in generate(config).files.items():
        (folder / "tenant_db" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "tenant_db" / path).write_text(text)
    sys.path.append(str(folder))


@pytest.fixture(scope="module")
async def address(package: None, new_database: NewDatabase) -> AsyncIterator[str]:
    from tenant_db import Database

    _ = package
    async with new_database() as url:
        async with Database(url) as db:
            await make_tables(db.engine, TenantBase.metadata, *PARTITIONS)
            await db.league.create_many([{"id": n} for n in range(1, 9)])
            for n in range(1, 9):
                rows: Any = [{"league_id": n, "id": k, "name": f"t{k}", "city": f"c{k}"} for k in (1, 2, 3)]
                await db.team.create_many([{**row, "best": row["id"] == 1} for row in rows])
                await db.game.create_many([{"league_id": n, "id": k, "team_id": 1 + k % 3} for k in range(9)])
                await db.tag.create(league_id=n, id=1, name="old")
                await db.team_tag.create(league_id=n, team_id=1, tag_id=1)
        yield url


@pytest.fixture
async def db(address: str) -> AsyncIterator[Database]:
    from tenant_db import Database

    async with Database(address) as db:
        yield db


async def page_of(db: Database) -> None:
    first = await db.team.find_all(league_id=3).page(size=2)
    await db.team.find_all(league_id=3).page(size=2, after=first.next)


async def stream_of(db: Database) -> None:
    assert len([team async for team in db.team.find_by_league_id(3)]) == 3


CALLS: dict[str, Call] = {
    "create": lambda db: db.team.create(**ROW),
    "create_many": lambda db: db.team.create_many([ROW]),
    "upsert_many": lambda db: db.team.upsert_many([ROW], key=["league_id", "name"]),
    "update_many": lambda db: db.team.update_many([((3, 1), {"points": 1}), ((3, 2), {"points": 1})]),
    "bulk_update": lambda db: db.team.bulk_update([{"league_id": 3, "id": 1, "points": 2}]),
    "delete_many": lambda db: db.team.delete_many([(3, 1), (3, 2)]),
    "find_all": lambda db: db.team.find_all(league_id=3, points=0),
    "find_one": lambda db: db.team.find_one(league_id=3),
    "count": lambda db: db.team.count(league_id=3),
    "exists": lambda db: db.team.exists(league_id=3),
    "update_where": lambda db: db.team.update_where(db.team.c.points == 0, league_id=3, points=1),
    "find_by_league_id": lambda db: db.team.find_by_league_id(3, city="c1"),
    "find_old_by_league_id": lambda db: db.team.find_old_by_league_id(3),
    "find_best_by_league_id": lambda db: db.team.find_best_by_league_id(3),
    "get_by_league_id_and_id": lambda db: db.team.get_by_league_id_and_id(3, 1, load=["games", "tags"]),
    "get_one_by_league_id_and_id": lambda db: db.team.get_one_by_league_id_and_id(3, 1),
    "update_by_league_id_and_id": lambda db: db.team.update_by_league_id_and_id(3, 1, points=1),
    "update_one_by_league_id_and_id": lambda db: db.team.update_one_by_league_id_and_id(3, 1, points=1),
    "delete_by_league_id_and_id": lambda db: db.team.delete_by_league_id_and_id(3, 1),
    "get_or_create_by_league_id_and_id": lambda db: db.team.get_or_create_by_league_id_and_id(**ROW),
    "upsert_by_league_id_and_id": lambda db: db.team.upsert_by_league_id_and_id(**ROW),
    "create_or_update_by_league_id_and_id": lambda db: db.team.create_or_update_by_league_id_and_id(ROW, {"points": 1}),
    "get_by_league_id_and_name": lambda db: db.team.get_by_league_id_and_name(3, "t1"),
    "get_one_by_league_id_and_name": lambda db: db.team.get_one_by_league_id_and_name(3, "t1"),
    "update_by_league_id_and_name": lambda db: db.team.update_by_league_id_and_name(3, "t1", points=1),
    "update_one_by_league_id_and_name": lambda db: db.team.update_one_by_league_id_and_name(3, "t1", points=1),
    "delete_by_league_id_and_name": lambda db: db.team.delete_by_league_id_and_name(3, "t1"),
    "get_or_create_by_league_id_and_name": lambda db: db.team.get_or_create_by_league_id_and_name(**ROW),
    "upsert_by_league_id_and_name": lambda db: db.team.upsert_by_league_id_and_name(**ROW),
    "create_or_update_by_league_id_and_name": lambda db: db.team.create_or_update_by_league_id_and_name(
        ROW, {"points": 1}
    ),
    "get_best_by_league_id_and_city": lambda db: db.team.get_best_by_league_id_and_city(3, "c1"),
    "get_one_best_by_league_id_and_city": lambda db: db.team.get_one_best_by_league_id_and_city(3, "c1"),
    "update_one_best_by_league_id_and_city": lambda db: db.team.update_one_best_by_league_id_and_city(
        3, "c1", points=1
    ),
    "update_best_by_league_id_and_city": lambda db: db.team.update_best_by_league_id_and_city(3, "c1", points=1),
    "delete_best_by_league_id_and_city": lambda db: db.team.delete_best_by_league_id_and_city(3, "c1"),
    "get_or_create_best_by_league_id_and_city": lambda db: db.team.get_or_create_best_by_league_id_and_city(**ROW),
    "upsert_best_by_league_id_and_city": lambda db: db.team.upsert_best_by_league_id_and_city(**ROW),
    "create_or_update_best_by_league_id_and_city": lambda db: db.team.create_or_update_best_by_league_id_and_city(
        ROW, {"points": 1}
    ),
}
SELECTIONS: dict[str, Call] = {
    "page": page_of,
    "stream": stream_of,
    "first": lambda db: db.team.find_all(league_id=3).order_by(db.team.c.points).first(),
    "sum": lambda db: db.team.find_all(league_id=3).sum(db.team.c.points),
    "values": lambda db: db.team.find_by_league_id(3).values(db.team.c.name),
    "count_by": lambda db: db.team.find_all(league_id=3).count_by(db.team.c.city),
    "update": lambda db: db.team.find_all(league_id=3).update({"points": 1}),
    "update of some": lambda db: db.team.find_all(league_id=3).limit(2).update({"points": 1}),
    "delete": lambda db: db.team.find_by_league_id(3, points=0).delete(),
    "delete of some": lambda db: db.team.find_by_league_id(3).order_by(db.team.c.id).limit(1).delete(),
    "for update": lambda db: db.team.find_all(league_id=3).limit(1).for_update(),
    "load of a parent": lambda db: db.game.find_by_league_id(3).load("team", "team.tags"),
    "load of children": lambda db: db.team.find_by_league_id(3).load("games"),
    "load of linked rows": lambda db: db.team.find_by_league_id(3).load("tags"),
    "load of the tenant": lambda db: db.league.find_all(id=3).load("teams", "teams.games"),
}


class Undo(Exception):  # not an error
    """Rolls a transaction back."""


OF_SEVERAL_TENANTS = {"load of the tenant"}
"""Calls that compare an array of tenants, whose partitions only a custom plan knows."""


def literal(value: object) -> str:
    """Return an argument in SQL."""
    if isinstance(value, list):
        return f"ARRAY[{', '.join(map(literal, value))}]"
    return f"'{value}'" if isinstance(value, str) else str(value)


async def reached(db: Database, name: str, call: Call) -> set[str]:
    """Return the partitions that a call locks; the plans of its statements, custom and generic, have no others."""
    statements: list[tuple[str, Sequence[object]]] = []
    locked = set[str]()
    with suppress(Undo):
        async with db.transaction() as session:
            with db.watched(lambda statement, arguments: statements.append((statement, tuple(arguments)))):
                await call(db)
            locked = set((await session.execute(sa.text(LOCKED))).scalars())
            raise Undo
    async with db.session() as session:
        connection = await session.connection()
        await connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
        for number, (statement, arguments) in enumerate(statements):
            plan = await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", tuple(arguments))
            assert partitions_of(plan.scalar_one()) <= locked
            await connection.exec_driver_sql(f"PREPARE generic_{number} AS {statement}")
            execution = f"EXECUTE generic_{number} ({', '.join(map(literal, arguments))})" if arguments else ""
            if execution and name not in OF_SEVERAL_TENANTS:
                plan = await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {execution}")
                assert partitions_of(plan.scalar_one()) <= locked
    return locked


def partitions_of(plan: Any) -> set[str]:
    """Return the partitions in a plan."""
    if isinstance(plan, list):
        return {name for part in plan for name in partitions_of(part)}
    if not isinstance(plan, dict):
        return set()
    own = {plan["Relation Name"]} if "Relation Name" in plan else set()
    return {name for name in own if name[-1].isdigit()} | partitions_of(list(plan.values()))


@pytest.mark.parametrize("name", CALLS)
async def test_method_reaches_the_partition_of_its_tenant(db: Database, name: str) -> None:
    assert await reached(db, name, CALLS[name]) - {"game_3", "tag_3", "teamtag_3"} == {"team_3"}


@pytest.mark.parametrize("name", SELECTIONS)
async def test_selection_reaches_the_partition_of_its_tenant(db: Database, name: str) -> None:
    partitions = await reached(db, name, SELECTIONS[name])
    assert partitions
    assert {partition[-1] for partition in partitions} == {"3"}


async def test_no_emitted_method_is_forgotten(db: Database) -> None:
    emitted = {name for name in vars(type(db.team)) if not name.startswith("_")} - {"model", "c", "db"}
    assert emitted - {"load_games", "load_tags"} <= CALLS.keys()
    assert emitted == {*CALLS, "load_games", "load_tags"} - {"create_many", "upsert_many", "update_many"} - {
        "bulk_update",
        "delete_many",
    }


async def test_methods_of_other_keys_are_left_out_and_say_why(db: Database) -> None:
    with pytest.raises(AttributeError, match=r"find_by_points: its key does not contain the tenant, `league_id`"):
        _ = db.team.find_by_points  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match=r"load_namesakes: the relationship is not joined by the tenant"):
        _ = db.team.load_namesakes  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="has no relationship 'namesakes'"):
        await db.team.find_by_league_id(3).load("namesakes")  # type: ignore[arg-type]


WITH_AN_EXPRESSION: dict[str, Callable[[Database, Any], object]] = {
    "find_all": lambda db, tenant: db.team.find_all(league_id=tenant),
    "find_one": lambda db, tenant: db.team.find_one(league_id=tenant),
    "count": lambda db, tenant: db.team.count(league_id=tenant),
    "exists": lambda db, tenant: db.team.exists(league_id=tenant),
    "update_where": lambda db, tenant: db.team.update_where(db.team.c.points == 0, league_id=tenant, points=1),
    "find_by": lambda db, tenant: db.team.find_by_league_id(tenant),
    "find_by, of a partial index": lambda db, tenant: db.team.find_best_by_league_id(tenant),
    "get_by": lambda db, tenant: db.team.get_by_league_id_and_name(tenant, "t1"),
    "get_one_by": lambda db, tenant: db.team.get_one_by_league_id_and_id(tenant, 1),
    "update_by": lambda db, tenant: db.team.update_by_league_id_and_id(tenant, 1, points=1),
    "update_one_by": lambda db, tenant: db.team.update_one_by_league_id_and_id(tenant, 1, points=1),
    "delete_by": lambda db, tenant: db.team.delete_by_league_id_and_id(tenant, 1),
    "bulk_update": lambda db, tenant: db.team.bulk_update([{"league_id": tenant, "id": 1, "points": 1}]),
    "update_many": lambda db, tenant: db.team.update_many([((tenant, 1), {"points": 1})]),
    "delete_many": lambda db, tenant: db.team.delete_many([(tenant, 1)]),
}


@pytest.mark.parametrize("method", WITH_AN_EXPRESSION)
async def test_expression_is_no_tenant(db: Database, method: str) -> None:
    for tenant in (db.team.c.league_id, db.team.c.league_id + 0, sa.literal(3), sa.select(sa.literal(3))):
        with pytest.raises((TypeError, ValueError)) as caught:
            await WITH_AN_EXPRESSION[method](db, tenant)  # type: ignore[misc]
        assert "league_id" in str(caught.value)


async def test_call_without_a_tenant_is_an_error(db: Database) -> None:
    missing = "reaches one league_id: use find_all(league_id=...) with a single value"
    for call in (
        lambda: db.team.paginate(),
        lambda: db.team.delete_where(db.team.c.points > 5),
        lambda: db.team.find_all(league_id=None),  # type: ignore[arg-type]
    ):
        with pytest.raises(TypeError) as caught:
            await call()
        assert missing in str(caught.value)
    with pytest.raises(TypeError, match="league_id"):
        db.team.find_all()  # type: ignore[call-arg]
    row: Any = {"id": 5, "name": "b", "city": "x"}
    with pytest.raises(ValueError, match="league_id is required"):
        await db.team.create(**row)
