"""The command: ``python -m bench``, from the root of the project."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.chart import chart
from bench.contender import Contender
from bench.contenders import CONTENDERS, load_contenders
from bench.measure import Plan, Run
from bench.operations import OPERATIONS, select_operations
from bench.report import Report, with_table
from bench.server import AUTHORS, Address, Server
from bench.targets import compared
from bot.embedded import database_url


class Options(argparse.Namespace):
    """The options of the command line."""

    rounds: int
    bulk: int
    only: list[str]
    peers: list[str]
    json: Path | None
    svg: Path | None
    readme: Path | None
    pin: bool
    hook: bool
    targets: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark, print its tables, and write the requested files."""
    parser = _parser()
    options = parser.parse_args(arguments, Options())
    logging.getLogger("bench_generated").setLevel(logging.ERROR)
    try:
        plan = Plan(
            select_operations(options.only), load_contenders(options.peers), options.rounds, options.bulk, options.hook
        )
    except ValueError as error:
        parser.error(str(error))
    report = asyncio.run(_run(plan, Address.parse(database_url()), pin=options.pin))
    sys.stdout.write(report.text())
    if options.targets:
        sys.stdout.write(f"\n{compared(report)}")
    if options.json:
        options.json.write_text(report.json(), encoding="utf-8")
    if options.svg:
        options.svg.write_text(chart(report), encoding="utf-8")
    if options.readme:
        document = options.readme.read_text(encoding="utf-8")
        options.readme.write_text(with_table(document, report.ratios()), encoding="utf-8")
    return 0


async def _run(plan: Plan, address: Address, *, pin: bool) -> Report:
    async with _opened(address, pin=pin) as server, _ready(plan.contenders, address):
        with _progress() as progress:
            task = progress.add_task("", total=plan.steps)
            run = Run(plan, server, lambda what: progress.update(task, advance=1, description=what))
            figures = await run.measure()
        settings = await server.settings()
    return Report(plan.operations, plan.contenders, figures, settings, plan.rounds, plan.bulk)


@asynccontextmanager
async def _opened(address: Address, *, pin: bool) -> AsyncGenerator[Server, None]:
    server = await Server.open(address)
    try:
        if pin:
            server.pin()
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def _ready(contenders: Mapping[str, Contender], address: Address) -> AsyncGenerator[None, None]:
    started: list[Contender] = []
    try:
        for contender in contenders.values():
            await contender.setup(address)
            started.append(contender)
        yield
    finally:
        for contender in started:
            await contender.teardown()


def _progress() -> Progress:
    columns = (TextColumn("{task.description:<45}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench", description="Time the same work through every contender.")
    parser.add_argument("--rounds", type=_positive, default=10, help="number of rounds (default 10)")
    parser.add_argument("--bulk", type=_bulk, default=AUTHORS, help=f"rows of a bulk operation (default {AUTHORS})")
    operations = ",".join(operation.name for operation in OPERATIONS)
    parser.add_argument("--only", type=_names, default=[], metavar="OPERATIONS", help=f"of {operations}")
    parser.add_argument("--peers", type=_names, default=[], metavar="CONTENDERS", help=f"of {','.join(CONTENDERS)}")
    parser.add_argument("--pin", action="store_true", help="pin client and server to a core each, if possible")
    parser.add_argument("--hook", action="store_true", help="measure everything with a tracing hook, too")
    parser.add_argument("--targets", action="store_true", help="compare ctrlgen's ratios with its targets")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the ratios there")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="replace the table of ratios in this document")
    return parser


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


def _bulk(text: str) -> int:
    return min(_positive(text), AUTHORS)


if __name__ == "__main__":
    sys.exit(main())
