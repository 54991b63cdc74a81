"""Shows how PostgreSQL runs the queries of a test: how many there are, and the index each is served by."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import TypedDict

from sqlalchemy import text

from generated import Database

Plan = TypedDict("Plan", {"Index Name": str, "Plans": list["Plan"]}, total=False)
"""A node of a plan: the index it reads, and the nodes below it."""


@asynccontextmanager
async def explained(db: Database) -> AsyncGenerator[list[set[str]], None]:
    """Collect, for each SELECT of the block, the indexes it uses where scanning tables is the last resort."""
    seen: list[tuple[str, tuple[object, ...]]] = []
    plans: list[set[str]] = []

    def note(statement: str, arguments: Sequence[object]) -> None:
        if statement.startswith("SELECT"):
            seen.append((statement, tuple(arguments)))

    with db.watched(note):
        yield plans
    async with db.session() as session:
        connection = await session.connection()
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        for statement, arguments in seen:
            result = await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", arguments)
            plans.append(set(indexes_in(result.scalar_one()[0]["Plan"])))


def indexes_in(plan: Plan) -> Iterator[str]:
    """Yield the name of every index in a plan."""
    if "Index Name" in plan:
        yield plan["Index Name"]
    for part in plan.get("Plans", []):
        yield from indexes_in(part)
