"""The run: every contender in turn, in every round, for every operation."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Final, TypeAlias

from bench.contender import Contender, NotOfferedError
from bench.operations import Clock, Inputs, Operation
from bench.server import Server

TOO_SLOW: Final = 5_000_000.0  # microseconds of one call after which further rounds go without it


@dataclass(frozen=True, slots=True)
class Figure:
    """The times of one operation by one contender, in microseconds."""

    median: float
    low: float
    high: float
    samples: int

    @classmethod
    def of(cls, times: Sequence[float]) -> Figure:
        """Return median and quartiles."""
        low, _, high = quantiles(times, n=4, method="inclusive") if len(times) > 1 else (times[0],) * 3
        return cls(median(times), low, high, len(times))

    @property
    def spread(self) -> float:
        """The distance between the quartiles."""
        return self.high - self.low


Figures: TypeAlias = Mapping[str, Mapping[str, Figure]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run."""

    operations: Sequence[Operation]
    contenders: Mapping[str, Contender]
    rounds: int
    bulk: int

    @property
    def steps(self) -> int:
        """How often ``tick`` is called: each round, and the warm-up."""
        return (self.rounds + 1) * len(self.operations) * len(self.contenders)


class Run:
    """One run over a server; ``tick`` is told what comes next."""

    def __init__(self, plan: Plan, server: Server, tick: Callable[[str], None]) -> None:
        self._plan, self._server, self._tick = plan, server, tick
        self._times: dict[str, dict[str, list[float]]] = {operation.name: {} for operation in plan.operations}

    async def measure(self) -> Figures:
        """Warm up, which also finds out what is not offered, and then do the rounds."""
        await self._round(0)
        for times in self._times.values():
            for taken in times.values():
                del taken[:-1]  # the warm-up counts for nothing, unless it was too slow to repeat
        gc.freeze()  # a process that imports seven libraries is no reason to collect slowly
        for number in range(1, self._plan.rounds + 1):
            await self._round(number)
        gc.unfreeze()
        return {
            operation: {contender: Figure.of(taken[1:] or taken) for contender, taken in times.items()}
            for operation, times in self._times.items()
        }

    async def _round(self, number: int) -> None:
        for position, operation in enumerate(self._plan.operations):
            for name in _rotated([*self._plan.contenders], number + position):
                self._tick(f"{operation.label}: {name}")
                times = self._times[operation.name]
                if number == 0 or (name in times and times[name][0] < TOO_SLOW):
                    await self._batch(number, operation, name)

    async def _batch(self, number: int, operation: Operation, name: str) -> None:
        inputs, clock = Inputs(f"{operation.name} {number}", self._plan.bulk), Clock()
        gc.collect()
        try:
            await operation.batch(self._plan.contenders[name], inputs, clock, operation.lead + operation.calls)
        except NotOfferedError:
            return
        except Exception as error:
            error.add_note(f"{operation.label} by {name}")
            raise
        finally:
            if operation.writes:
                await self._server.restore()
        taken = [nanoseconds / 1000 / operation.per for nanoseconds in clock.times[operation.lead :]]
        self._times[operation.name].setdefault(name, []).extend(taken)


def _rotated(names: Sequence[str], by: int) -> list[str]:
    start = by % len(names)
    return [*names[start:], *names[:start]]
