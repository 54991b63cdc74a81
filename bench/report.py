"""What a run found, as a table to read and as JSON."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Final

from bench.contender import Contender
from bench.contenders import DISTRIBUTIONS
from bench.measure import Figure, Figures
from bench.operations import Operation

BASE: Final = "asyncpg"
OURS: Final = "ctrlgen"
NONE: Final = "\N{EN DASH}"
TIMES: Final = "\N{MULTIPLICATION SIGN}"
MARKS: Final = "abcdefghijklmnopqrstuvwxyz"
MILLISECONDS_FROM: Final = 10_000


@dataclass(frozen=True)
class Report:
    """A run's figures, and what is needed to judge them."""

    operations: Sequence[Operation]
    contenders: Mapping[str, Contender]
    figures: Figures
    settings: Mapping[str, str]
    rounds: int
    bulk: int

    @cached_property
    def notes(self) -> dict[str, str]:
        """What is to be said about single figures, each with its mark."""
        said = {
            note: None
            for contender in self.contenders.values()
            for operation in self.operations
            if (note := contender.notes.get(operation.name))
        }
        return dict(zip(said, MARKS, strict=False))

    @cached_property
    def versions(self) -> dict[str, str]:
        """The contenders' versions."""
        return {name: version(DISTRIBUTIONS.get(name, name)) for name in self.contenders}

    def ratio(self, operation: str, name: str, to: str = BASE) -> float | None:
        """Return how many times as long as ``to`` an operation takes a contender."""
        figures = self.figures[operation]
        return figures[name].median / figures[to].median if {name, to} <= figures.keys() else None

    def text(self) -> str:
        """Return everything as Markdown."""
        return "\n".join([*self._heading(), "", *self._times(), "", *self._peers(), *self._footnotes(), ""])

    def json(self) -> str:
        """Return everything for a program."""
        found = {
            operation.name: {
                name: asdict(figure) | {"ratio": self.ratio(operation.name, name), "note": self._note(operation, name)}
                for name, figure in self.figures[operation.name].items()
            }
            for operation in self.operations
        }
        about = {"python": platform.python_version(), "versions": self.versions, "server": dict(self.settings)}
        run = {"rounds": self.rounds, "bulk": self.bulk, "unit": "microseconds, low and high are quartiles"}
        return json.dumps({**about, **run, "operations": found}, indent=2) + "\n"

    def _heading(self) -> Iterator[str]:
        yield f"Python {platform.python_version()} on {sys.platform}, " + ", ".join(
            f"{name} {number}" for name, number in self.versions.items()
        )
        yield ", ".join(f"{name} {setting}" for name, setting in self.settings.items())
        yield f"{self.rounds} rounds, bulk of {self.bulk}; µs: median ± half the interquartile range ({TIMES} {BASE})"

    def _times(self) -> list[str]:
        rows = [
            [operation.label, *(self._cell(operation, name) for name in self.contenders)]
            for operation in self.operations
        ]
        return _table(["", *self.contenders], rows)

    def _peers(self) -> list[str]:
        """Return a table of how many times as long as ours every peer takes."""
        if OURS not in self.contenders:
            return []
        peers = [name for name in self.contenders if name != OURS]
        rows = [
            [operation.label, *(_times_of(self.ratio(operation.name, name, OURS)) for name in peers)]
            for operation in self.operations
        ]
        return [f"Time of each peer in that of {OURS}: above 1, {OURS} is ahead", "", *_table(["", *peers], rows), ""]

    def _cell(self, operation: Operation, name: str) -> str:
        mark = self.notes.get(self._note(operation, name), "")
        figure = self.figures[operation.name].get(name)
        if figure is None:
            return f"{NONE} {mark}".strip()
        ratio = self.ratio(operation.name, name)
        return f"{_duration(figure)}{'' if ratio is None else f' ({ratio:.2f})'} {mark}".strip()

    def _note(self, operation: Operation, name: str) -> str:
        return self.contenders[name].notes.get(operation.name, "")

    def _footnotes(self) -> list[str]:
        return [f"{mark}: {note}  " for note, mark in self.notes.items()]


def _duration(figure: Figure) -> str:
    if figure.median < MILLISECONDS_FROM:
        return f"{figure.median:.0f} ± {figure.spread / 2:.0f}"
    return f"{figure.median / 1000:.1f} ± {figure.spread / 2000:.1f} ms"


def _times_of(ratio: float | None) -> str:
    return NONE if ratio is None else f"{ratio:.2f}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [
        f"| {cells[0]:<{widths[0]}} | "
        + " | ".join(f"{cell:>{width}}" for cell, width in zip(cells[1:], widths[1:], strict=True))
        + " |"
        for cells in (heads, *rows)
    ]
    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])]) + "|"
    return [lines[0], rule, *lines[1:]]
