"""``python -m bot.soak``: prepares a database, starts the processes, and checks their reports."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa

from bot.embedded import PROJECT, database_url
from bot.migrate import migrate
from bot.soak.population import Scale, populated, store
from bot.soak.report import Report
from bot.soak.sums import differences
from generated import Database


def main() -> int:
    """Run the soak; return 1 if a check failed."""
    arguments: Any = Scale.parser().parse_args()
    return asyncio.run(soak(Scale.from_arguments(arguments)))


async def soak(scale: Scale) -> int:
    """Let all processes work on one database, and print the results."""
    async with scratch_database(database_url()) as url, Database(url) as db:
        await migrate(db, url)
        await store(db, populated(scale, 0))
        print(f"{scale.processes} processes, {scale.guilds} guilds, {scale.members} members, {scale.seconds:g} seconds")
        report = Report(await asyncio.gather(*(process(scale, number, url) for number in range(scale.processes))))
        failures = [*report.failures(), *await differences(db, report.tally, report.reminded)]
    for line in (
        *report.table(),
        "",
        *report.resources(),
        *report.caches(),
        "",
        *(f"FAILED: {failure}" for failure in failures),
    ):
        print(line)
    print("a check failed" if failures else "everything adds up, and memory did not grow")
    return 1 if failures else 0


async def process(scale: Scale, number: int, url: str) -> dict[str, Any]:
    """Run a worker, and return its report."""
    command = [sys.executable, "-m", "bot.soak.worker", *scale.flags, f"--process={number}", f"--url={url}"]
    worker = await asyncio.create_subprocess_exec(*command, cwd=PROJECT, stdout=asyncio.subprocess.PIPE)
    output, _ = await worker.communicate()
    if worker.returncode:
        raise RuntimeError(f"process {number} died, see above")
    result: dict[str, Any] = json.loads(output)
    return result


@asynccontextmanager
async def scratch_database(server: str) -> AsyncGenerator[str]:
    """Create a database on a server, and drop it afterwards."""
    name = f"soak_{os.getpid()}"
    await execute(server, f'CREATE DATABASE "{name}"')
    try:
        yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        await execute(server, f'DROP DATABASE "{name}" WITH (FORCE)')


async def execute(url: str, statement: str) -> None:
    """Run a statement that cannot run inside a transaction."""
    async with Database(url) as db:
        engine = db.engine.execution_options(isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(sa.text(statement))


if __name__ == "__main__":
    sys.exit(main())
