"""One process of the soak: a bot, and members that keep it busy. It prints its report as JSON."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import discord

from bot.client import Bot
from bot.cogs.levels import LevelsCog
from bot.cogs.reminders import RemindersCog
from bot.pager import Pager
from bot.soak.costs import MOST_STATEMENTS
from bot.soak.load import Crowd
from bot.soak.population import Scale, populated
from bot.standin import Discord
from generated import Database

CONNECTIONS = 10
SAMPLES_A_SECOND = 4


@dataclass
class Result:
    """The report of a process; times are in milliseconds, memory in megabytes."""

    seconds: float = 0
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statements: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    tally: dict[str, int] = field(default_factory=dict[str, int])
    reminded: list[str] = field(default_factory=list[str])
    memory: list[float] = field(default_factory=list[float])
    connections: list[int] = field(default_factory=list[int])
    errors: list[str] = field(default_factory=list[str])
    caches: dict[str, tuple[int, int, int]] = field(default_factory=dict[str, tuple[int, int, int]])


async def work(scale: Scale, process: int, url: str) -> Result:
    """Keep a bot busy for the duration of the soak."""
    LevelsCog.cooldown = timedelta()  # no cooldown, so that the total is known
    Pager.patience = 5  # otherwise views accumulate for two minutes
    result, world = Result(), populated(scale, process)
    async with (
        Database(url, application_name=f"soak {process}", pool_size=CONNECTIONS, max_overflow=0) as db,
        Discord.serving(
            Bot(db, guild_ready_timeout=0.05),
            world,
            on_background_post=lambda text: result.reminded.append(text.split()[-1]),
        ) as served,
    ):
        crowd = Crowd(served, random.Random(process), process)  # noqa: S311 - it only chooses the actions
        listen(served, crowd)
        began = time.perf_counter()
        watching = asyncio.create_task(watch(db, result))
        await asyncio.gather(*(busy(crowd, result, began + scale.seconds) for _ in range(scale.tasks)))
        result.seconds = time.perf_counter() - began
        watching.cancel()
        await finish_reminders(served, db)
        result.caches = {name: (info.hits, info.misses, info.size) for name, info in db.cache_info().items()}
    result.tally = dict(crowd.tally)
    return result


async def busy(crowd: Crowd, result: Result, until: float) -> None:
    """Perform one action after another, as fast as the bot answers."""
    while (began := time.perf_counter()) < until:
        try:
            name, exchange = await crowd.act()
        except Exception as error:  # noqa: BLE001 - any error is a failure of the soak, which reports it
            result.errors.append(f"{type(error).__name__}: {error}")
            return
        result.times[name].append((time.perf_counter() - began) * 1000)
        result.statements[name][len(exchange.statements)] += 1
        if len(exchange.statements) > MOST_STATEMENTS[name]:
            result.errors.append(f"{name} sent {len(exchange.statements)} statements: {exchange.statements}")
            return


def listen(served: Discord, crowd: Crowd) -> None:
    """Count the experience that the bot reports."""

    async def on_experience(_member: discord.Member, experience: int) -> None:
        crowd.tally["experience"] += experience

    served.bot.add_listener(on_experience)


async def watch(db: Database, result: Result) -> None:
    """Sample the memory and the number of connections repeatedly."""
    while True:
        status = db.pool_status()
        result.memory.append(resident_megabytes())
        result.connections.append(status["idle"] + status["in_use"])
        await asyncio.sleep(1 / SAMPLES_A_SECOND)


async def finish_reminders(served: Discord, db: Database) -> None:
    """Send the reminders that are still due, except those that the other process claimed."""
    worker = cast("RemindersCog", served.bot.get_cog("Reminders"))
    async with asyncio.timeout(60):
        while await db.reminder.exists(sent=False):
            await worker.send_all()
            await asyncio.sleep(0.2)


def resident_megabytes() -> float:
    """Return the memory of this process, or 0 if the system does not report it."""
    statm = Path("/proc/self/statm")
    pages = int(statm.read_text().split()[1]) if statm.exists() else 0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Run a worker with the command line arguments."""
    parser = Scale.parser()
    parser.add_argument("--process", type=int, required=True)
    parser.add_argument("--url", required=True)
    arguments: Any = parser.parse_args()
    result = asyncio.run(work(Scale.from_arguments(arguments), arguments.process, arguments.url))
    json.dump(vars(result), sys.stdout)


if __name__ == "__main__":
    main()
