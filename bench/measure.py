"""The run: every contender in turn, in every round, for every operation."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Final, Literal, TypeAlias

from bench.contender import Contender, NotOfferedError
from bench.hook import Hook
from bench.operations import Clock, Inputs, Operation
from bench.server import Server

TOO_SLOW: Final = 5_000_000.0  # microseconds of one call after which further rounds go without it

Measure: TypeAlias = Literal["time", "cpu"]
MEASURES: Final[tuple[Measure, ...]] = ("time", "cpu")


@dataclass(frozen=True, slots=True)
class Figure:
    """What one operation took one contender, in microseconds."""

    median: float
    low: float
    high: float
    samples: int

    @classmethod
    def of(cls, taken: Sequence[float]) -> Figure:
        """Return median and quartiles."""
        low, _, high = quantiles(taken, n=4, method="inclusive") if len(taken) > 1 else (taken[0],) * 3
        return cls(median(taken), low, high, len(taken))

    @property
    def spread(self) -> float:
        """The distance between the quartiles."""
        return self.high - self.low


@dataclass(frozen=True, slots=True)
class Line:
    """One line of one contender: its time as a clock on the wall shows it, and the client's CPU time."""

    time: Figure
    cpu: Figure

    def figure(self, measure: Measure) -> Figure:
        """Return one of the two."""
        return self.time if measure == "time" else self.cpu


Lines: TypeAlias = Mapping[str, Mapping[str, Line]]  # by operation, then by contender


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run found, without a hook and, if that was asked for, with one."""

    plain: Lines
    hooked: Lines | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run; with ``hook``, everything also with a hook installed."""

    operations: Sequence[Operation]
    contenders: Mapping[str, Contender]
    rounds: int
    bulk: int
    hook: bool = False

    @property
    def steps(self) -> int:
        """How often ``tick`` is called: each round, and the warm-up."""
        return (self.rounds + 1) * len(self.operations) * len(self.contenders) * (1 + self.hook)


@dataclass(slots=True)
class _Samples:
    """What the calls of one line took, in microseconds."""

    time: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])

    def add(self, clock: Clock, operation: Operation) -> None:
        for taken, measured in ((self.time, clock.times), (self.cpu, clock.cpu)):
            taken.extend(nanoseconds / 1000 / operation.per for nanoseconds in measured[operation.lead :])

    def keep_last(self) -> None:
        del self.time[:-1], self.cpu[:-1]

    def line(self) -> Line:
        """Return the figures of all but the first sample, which is the warm-up's, unless it is the only one."""
        return Line(Figure.of(self.time[1:] or self.time), Figure.of(self.cpu[1:] or self.cpu))


class _Side:
    """One of the two sides of a run: the contenders as they are, or those that a hook listens to."""

    def __init__(self, plan: Plan, hook: Hook | None) -> None:
        self._hook = hook
        self._contenders = {
            name: contender.hooked(hook) if hook else contender for name, contender in plan.contenders.items()
        }
        self.samples: dict[str, dict[str, _Samples]] = {operation.name: {} for operation in plan.operations}

    @contextmanager
    def contender(self, name: str) -> Generator[Contender, None, None]:
        """Give a contender for one batch, and prove that a hook which should see its statements does."""
        if self._hook is None:
            yield self._contenders[name]
            return
        before = self._hook.noted
        with self._hook.installed():
            yield self._contenders[name]
        assert self._hook.noted > before, f"the hook saw nothing of {name}"

    def goes_on(self, operation: Operation, name: str) -> bool:
        """Tell whether a contender offers an operation, and is fast enough at it for more than the warm-up."""
        samples = self.samples[operation.name].get(name)
        return samples is not None and samples.time[0] < TOO_SLOW

    def lines(self) -> Lines:
        return {
            operation: {name: samples.line() for name, samples in found.items()}
            for operation, found in self.samples.items()
        }


class Run:
    """One run over a server; ``tick`` is told what comes next."""

    def __init__(self, plan: Plan, server: Server, tick: Callable[[str], None]) -> None:
        self._plan, self._server, self._tick = plan, server, tick
        self._plain = _Side(plan, None)
        self._hooked = _Side(plan, Hook()) if plan.hook else None

    async def measure(self) -> Figures:
        """Warm up, which also finds out what is not offered, and then do the rounds."""
        await self._round(0)
        for side in self._sides(0):
            for samples in side.samples.values():
                for taken in samples.values():
                    taken.keep_last()  # the warm-up counts for nothing, unless it was too slow to repeat
        gc.freeze()  # a process that imports seven libraries is no reason to collect slowly
        for number in range(1, self._plan.rounds + 1):
            await self._round(number)
        gc.unfreeze()
        return Figures(self._plain.lines(), self._hooked.lines() if self._hooked else None)

    async def _round(self, number: int) -> None:
        for position, operation in enumerate(self._plan.operations):
            for name in _rotated([*self._plan.contenders], number + position):
                for side in self._sides(number):
                    self._tick(f"{operation.label}: {name}")
                    if number == 0 or side.goes_on(operation, name):
                        await self._batch(number, operation, name, side)

    def _sides(self, number: int) -> Sequence[_Side]:
        """Return the sides, the other one first in every second round."""
        sides = [self._plain, *filter(None, [self._hooked])]
        return sides[::-1] if number % 2 else sides

    async def _batch(self, number: int, operation: Operation, name: str, side: _Side) -> None:
        inputs, clock = Inputs(f"{operation.name} {number}", self._plan.bulk), Clock()
        gc.collect()
        try:
            with side.contender(name) as contender:
                await operation.batch(contender, inputs, clock, operation.lead + operation.calls)
        except NotOfferedError:
            return
        except Exception as error:
            error.add_note(f"{operation.label} by {name}")
            raise
        finally:
            if operation.writes:
                await self._server.restore()
        side.samples[operation.name].setdefault(name, _Samples()).add(clock, operation)


def _rotated(names: Sequence[str], by: int) -> list[str]:
    start = by % len(names)
    return [*names[start:], *names[:start]]
