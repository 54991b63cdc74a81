"""The combined report of all processes: the table, and the checks of memory, connections and costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from statistics import median, median_low, quantiles
from typing import Any

from bot.soak.costs import MOST_STATEMENTS, USUAL_STATEMENTS
from bot.soak.worker import CONNECTIONS

GROWTH = 1.10
"""The largest ratio of the memory in the last quarter of the time to that in the second."""
TIMES = 500
"""How often an action must have happened before its usual cost is checked: caches must be filled first."""
ENOUGH = 80
"""The number of memory samples below which a run is too short to judge."""


class Report:
    """The results of all processes, parsed from JSON."""

    def __init__(self, results: list[dict[str, Any]]) -> None:
        self.results = results
        self.seconds = max((float(result["seconds"]) for result in results), default=0)

    @property
    def tally(self) -> Counter[str]:
        """The total of the processes' tallies."""
        tally = Counter[str]()
        for result in self.results:
            tally.update(result["tally"])
        return tally

    @property
    def reminded(self) -> list[str]:
        """The reminders that were sent."""
        return [key for result in self.results for key in result["reminded"]]

    def times(self, name: str) -> list[float]:
        """Return the milliseconds of each occurrence of an action."""
        return [time for result in self.results for time in result["times"].get(name, [])]

    def table(self) -> Iterable[str]:
        """Yield the lines of a Markdown table."""
        yield "| what | times | a second | p50 ms | p99 ms | statements | usually | allowed |"
        yield "|---|---:|---:|---:|---:|---:|---:|---:|"
        every: list[float] = []
        for name, allowed in MOST_STATEMENTS.items():
            if times := self.times(name):
                every += times
                yield self._row(name, times, f"{self._statements(name)} | {self._usually(name)} | {allowed}")
        yield self._row("all", every, " |  | ")

    def _row(self, name: str, times: list[float], rest: str) -> str:
        p99 = quantiles(times, n=100)[98] if len(times) > 1 else times[0]
        rate = len(times) / self.seconds
        return f"| {name} | {len(times)} | {rate:.1f} | {median(times):.1f} | {p99:.1f} | {rest} |"

    def _statements(self, name: str) -> str:
        counts = self._counts(name)
        return f"{min(counts)}" if len(counts) == 1 else f"{min(counts)}-{max(counts)}"

    def _usually(self, name: str) -> int:
        """Return the median number of statements of an action."""
        return int(median_low(self._counts(name).elements()))

    def _counts(self, name: str) -> Counter[int]:
        """Return how often an action sent each number of statements."""
        counts = Counter[int]()
        for result in self.results:
            counts.update({int(n): times for n, times in result["statements"].get(name, {}).items()})
        return counts

    def caches(self) -> Iterable[str]:
        """Yield a line for each cached model of each process: its share of reads that were answered from memory."""
        for number, result in enumerate(self.results):
            for name, (hits, misses, size) in result.get("caches", {}).items():
                rate = hits / max(1, hits + misses)
                yield f"process {number}: {name}: {rate:.1%} of {hits + misses} reads from memory, {size} rows there"

    def resources(self) -> Iterable[str]:
        """Yield a line for each process."""
        for number, result in enumerate(self.results):
            early, late = self._memory(result)
            most = max(result["connections"], default=0)
            yield f"process {number}: {early:.0f} → {late:.0f} MB, at most {most} of {CONNECTIONS} connections"

    def failures(self) -> Iterable[str]:
        """Yield the errors of the processes, growing memory or connections, and actions that usually cost too much."""
        for name, usual in USUAL_STATEMENTS.items():
            if self._counts(name).total() >= TIMES and self._usually(name) > usual:
                yield f"{name} usually sends {self._usually(name)} statements, which should be {usual}"
        for number, result in enumerate(self.results):
            for error in result["errors"]:
                yield f"process {number}: {error}"
            early, late = self._memory(result)
            if len(result["memory"]) >= ENOUGH and late > early * GROWTH:
                yield f"process {number}: memory grows from {early:.0f} to {late:.0f} MB"
            if max(result["connections"], default=0) > CONNECTIONS:
                yield f"process {number}: more connections than the pool may have"

    @staticmethod
    def _memory(result: dict[str, Any]) -> tuple[float, float]:
        """Return the memory in the second quarter of the time, and in the last."""
        samples: list[float] = result["memory"] or [0.0]
        quarter = max(1, len(samples) // 4)
        return median(samples[quarter : 2 * quarter] or samples), median(samples[-quarter:])
