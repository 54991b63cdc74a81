"""Shows how PostgreSQL runs the queries of a test: how many there are, and the index each is served by."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from typing import TypedDict

from sqlalchemy import event, text

from generated import Database

Plan = TypedDict("Plan", {"Index Name": str, "Plans": list["Plan"]}, total=False)
"""A node of a plan: the index it reads, and the nodes below it."""


@asynccontextmanager
async def explained(db: Database) -> AsyncGenerator[list[set[str]], None]:
    """Collect, for each SELECT of the block, the indexes it uses where scanning tables is the last resort."""
    seen: list[tuple[str, tuple[object, ...]]] = []
    plans: list[set[str]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: tuple[object, ...], *_: object) -> None:
        if statement.startswith("SELECT"):
            seen.append((statement, parameters))

    engine = db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield plans
    finally:
        event.remove(engine, "before_cursor_execute", note)
    async with db.session() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        connection = await session.connection()
        for statement, parameters in seen:
            result = await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
            plans.append(set(indexes_in(result.scalar_one()[0]["Plan"])))


def indexes_in(plan: Plan) -> Iterator[str]:
    """Yield the name of every index in a plan."""
    if "Index Name" in plan:
        yield plan["Index Name"]
    for part in plan.get("Plans", []):
        yield from indexes_in(part)
