"""The query plans of a test: the number of its queries, and how PostgreSQL reads the tables of each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import TypedDict

from sqlalchemy import text

from generated import Database

Plan = TypedDict("Plan", {"Node Type": str, "Plans": list["Plan"]}, total=False)
"""A node of a plan: its type, and its child nodes."""


@asynccontextmanager
async def explained(db: Database) -> AsyncGenerator[list[set[str]], None]:
    """Collect the node types of the plan of each SELECT in the block, with sequential scans as a last resort.

    `"Seq Scan"` is among them only if no index can answer the query.
    """
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
            plans.append(set(nodes_of(result.scalar_one()[0]["Plan"])))


def nodes_of(plan: Plan) -> Iterator[str]:
    """Yield the type of every node of a plan."""
    if "Node Type" in plan:
        yield plan["Node Type"]
    for part in plan.get("Plans", []):
        yield from nodes_of(part)
