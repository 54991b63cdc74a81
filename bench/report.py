"""Renders the results of a run as Markdown tables and as JSON."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import version
from itertools import product
from typing import Final

from bench.contender import Contender
from bench.contenders import DISTRIBUTIONS
from bench.measure import MEASURES, Figure, Figures, Line, Lines, Measure
from bench.operations import Operation

BASE: Final = "asyncpg"
BARE: Final = "asyncpg-no-reset"
OURS: Final = "ctrlgen"
NONE: Final = "\N{EN DASH}"
TIMES: Final = "\N{MULTIPLICATION SIGN}"
MARKS: Final = "abcdefghijklmnopqrstuvwxyz"
MILLISECONDS_FROM: Final = 10_000


@dataclass(frozen=True)
class Report:
    """The figures of a run, with the versions and settings they were measured with."""

    operations: Sequence[Operation]
    contenders: Mapping[str, Contender]
    figures: Figures
    settings: Mapping[str, str]
    rounds: int
    bulk: int

    @cached_property
    def notes(self) -> dict[str, str]:
        """The footnotes about single figures, each with its mark."""
        notes = {
            note: None
            for contender in self.contenders.values()
            for operation in self.operations
            if (note := contender.notes.get(operation.name))
        }
        return dict(zip(notes, MARKS, strict=False))

    @cached_property
    def versions(self) -> dict[str, str]:
        """The contenders' versions."""
        return {name: version(DISTRIBUTIONS.get(name, name)) for name in self.contenders if name != BARE}

    def line(self, operation: str, name: str, *, hooked: bool = False) -> Line | None:
        """Return the figures of an operation by a contender, or None if it was not measured."""
        lines = self.figures.hooked if hooked else self.figures.plain
        return None if lines is None else lines.get(operation, {}).get(name)

    def ratio(
        self, operation: str, name: str, base: str = BASE, measure: Measure = "time", *, hooked: bool = False
    ) -> float | None:
        """Return the time of an operation by a contender as a ratio to that of ``base``."""
        ours, theirs = (self.line(operation, each, hooked=hooked) for each in (name, base))
        return quotient(ours, theirs, measure)

    def text(self) -> str:
        """Return all tables as Markdown."""
        tables = [self._table("time"), self._floor(), self._table("cpu"), self._peers(), self._hook()]
        return "\n".join([*self._heading(), "", *(line for lines in tables for line in lines), *self._footnotes(), ""])

    def json(self) -> str:
        """Return all figures as JSON."""
        operations = {
            operation.name: {
                name: self._figures(self.figures.plain, operation.name, name)
                | ({"hooked": self._figures(self.figures.hooked, operation.name, name)} if self.figures.hooked else {})
                | {"note": self._note(operation, name)}
                for name in self.figures.plain[operation.name]
            }
            for operation in self.operations
        }
        about = {"python": platform.python_version(), "versions": self.versions, "server": dict(self.settings)}
        run = {"rounds": self.rounds, "bulk": self.bulk, "unit": "microseconds, low and high are quartiles"}
        return json.dumps({**about, **run, "operations": operations}, indent=2) + "\n"

    def ratios(self) -> str:
        """Return the table of the README: each contender's time as a ratio to raw asyncpg with its pool."""
        names = [OURS, *(name for name in self.contenders if name not in {OURS, BASE})]
        heads = ["asyncpg, no reset" if name == BARE else name for name in names]
        lines = [f"| {TIMES} raw {BASE} | {' | '.join(heads)} |", f"|---|{'---:|' * len(names)}"]
        for operation in self.operations:
            ours, *peers = (times(self.ratio(operation.name, name)) for name in names)
            lines.append(f"| {operation.label} | **{ours}** | {' | '.join(peers)} |")
        return "\n".join(lines)

    def _figures(self, lines: Lines, operation: str, name: str) -> dict[str, object]:
        """Return the time with its ratio, and the CPU time in the same form."""
        line, base = lines[operation][name], lines[operation].get(BASE)
        cpu = {**asdict(line.cpu), "ratio": quotient(line, base, "cpu")}
        return {**asdict(line.time), "ratio": quotient(line, base, "time"), "cpu": cpu}

    def _heading(self) -> Iterator[str]:
        yield f"Python {platform.python_version()} on {sys.platform}, " + ", ".join(
            f"{name} {number}" for name, number in self.versions.items()
        )
        yield ", ".join(f"{name} {setting}" for name, setting in self.settings.items())
        yield f"{self.rounds} rounds, bulk of {self.bulk}; µs: median ± half the interquartile range ({TIMES} {BASE})"

    def _table(self, measure: Measure) -> list[str]:
        title = "Time of each call" if measure == "time" else "CPU time of the client for each call"
        rows = [
            [operation.label, *(self._cell(operation, name, measure) for name in self.contenders)]
            for operation in self.operations
        ]
        return table(title, ["", *self.contenders], rows)

    def _floor(self) -> list[str]:
        """Return a table of our ratios to both pools of raw asyncpg."""
        bases = [name for name in (BASE, BARE) if name in self.contenders]
        if OURS not in self.contenders or not bases:
            return []
        columns = list(product(MEASURES, bases))
        rows = [
            [operation.label, *(times(self.ratio(operation.name, OURS, base, measure)) for measure, base in columns)]
            for operation in self.operations
        ]
        heads = [f"{'CPU' if measure == 'cpu' else measure} {TIMES} {base}" for measure, base in columns]
        return table(
            f"{OURS} against raw asyncpg, with the default pool and with one that does not reset", ["", *heads], rows
        )

    def _peers(self) -> list[str]:
        """Return a table of each peer's time as a ratio to ours."""
        if OURS not in self.contenders:
            return []
        peers = [name for name in self.contenders if name != OURS]
        rows = [
            [operation.label, *(times(self.ratio(operation.name, name, OURS)) for name in peers)]
            for operation in self.operations
        ]
        return table(f"Time of each peer as a ratio to {OURS}: above 1, {OURS} is faster", ["", *peers], rows)

    def _hook(self) -> list[str]:
        """Return a table of our ratio with the hook, and of the cost of the hook for each contender."""
        if self.figures.hooked is None:
            return []
        rows = [
            [
                operation.label,
                times(self.ratio(operation.name, OURS, hooked=True)),
                *(times(self._cost(operation.name, name)) for name in self.contenders),
            ]
            for operation in self.operations
        ]
        heads = ["", f"{OURS} {TIMES} {BASE}, both with the hook", *self.contenders]
        return table(
            "With a hook like OpenTelemetry's or Sentry's: time as a ratio to the time without it", heads, rows
        )

    def _cost(self, operation: str, name: str) -> float | None:
        return quotient(self.line(operation, name, hooked=True), self.line(operation, name), "time")

    def _cell(self, operation: Operation, name: str, measure: Measure) -> str:
        mark = self.notes.get(self._note(operation, name), "")
        line = self.line(operation.name, name)
        if line is None:
            return f"{NONE} {mark}".strip()
        ratio = self.ratio(operation.name, name, measure=measure)
        return f"{_duration(line.figure(measure))}{'' if ratio is None else f' ({ratio:.2f})'} {mark}".strip()

    def _note(self, operation: Operation, name: str) -> str:
        return self.contenders[name].notes.get(operation.name, "")

    def _footnotes(self) -> list[str]:
        return [f"{mark}: {note}  " for note, mark in self.notes.items()]


def quotient(line: Line | None, base: Line | None, measure: Measure) -> float | None:
    """Return the ratio of two medians, or None if one was not measured."""
    return None if line is None or base is None else line.figure(measure).median / base.figure(measure).median


def with_table(document: str, table: str) -> str:
    """Return the document with the table between its two benchmark markers replaced."""
    start, end = "<!-- --8<-- [start:benchmark] -->\n", "\n<!-- --8<-- [end:benchmark] -->"
    before, after = document.split(start)
    return f"{before}{start}{table}{end}{after.split(end)[1]}"


def times(ratio: float | None) -> str:
    """Format a ratio, or return a dash for None."""
    return NONE if ratio is None else f"{ratio:.2f}"


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table under a title, followed by an empty line."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [
        f"| {cells[0]:<{widths[0]}} | "
        + " | ".join(f"{cell:>{width}}" for cell, width in zip(cells[1:], widths[1:], strict=True))
        + " |"
        for cells in (heads, *rows)
    ]
    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])]) + "|"
    return [title, "", lines[0], rule, *lines[1:], ""]


def _duration(figure: Figure) -> str:
    if figure.median < MILLISECONDS_FROM:
        return f"{figure.median:.0f} ± {figure.spread / 2:.0f}"
    return f"{figure.median / 1000:.1f} ± {figure.spread / 2000:.1f} ms"
