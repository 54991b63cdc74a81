"""Runs the benchmark: in each round, every operation by each contender in turn."""

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

TOO_SLOW: Final = 5_000_000.0  # microseconds; a contender whose call takes longer is not measured in further rounds

Measure: TypeAlias = Literal["time", "cpu"]
MEASURES: Final[tuple[Measure, ...]] = ("time", "cpu")


@dataclass(frozen=True, slots=True)
class Figure:
    """The time of one operation by one contender, in microseconds."""

    median: float
    low: float
    high: float
    samples: int

    @classmethod
    def from_samples(cls, samples: Sequence[float]) -> Figure:
        """Return median and quartiles."""
        low, _, high = quantiles(samples, n=4, method="inclusive") if len(samples) > 1 else (samples[0],) * 3
        return cls(median(samples), low, high, len(samples))

    @property
    def spread(self) -> float:
        """The distance between the quartiles."""
        return self.high - self.low


@dataclass(frozen=True, slots=True)
class Line:
    """One operation by one contender: the wall time, and the CPU time of the client."""

    time: Figure
    cpu: Figure

    def figure(self, measure: Measure) -> Figure:
        """Return the figure of a measure."""
        return self.time if measure == "time" else self.cpu


Lines: TypeAlias = Mapping[str, Mapping[str, Line]]  # by operation, then by contender


@dataclass(frozen=True, slots=True)
class Figures:
    """The results of a run, without a hook and, if requested, with the hook."""

    plain: Lines
    hooked: Lines | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The contenders and operations to run; with ``hook``, everything is run with a hook installed, too."""

    operations: Sequence[Operation]
    contenders: Mapping[str, Contender]
    rounds: int
    bulk: int
    hook: bool = False

    @property
    def steps(self) -> int:
        """The number of calls of ``tick``, including those of the warm-up."""
        return (self.rounds + 1) * len(self.operations) * len(self.contenders) * (1 + self.hook)


@dataclass(slots=True)
class _Samples:
    """The times of the calls of one operation by one contender, in microseconds."""

    time: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])

    def add(self, clock: Clock, operation: Operation) -> None:
        for samples, measured in ((self.time, clock.times), (self.cpu, clock.cpu)):
            samples.extend(nanoseconds / 1000 / operation.per for nanoseconds in measured[operation.lead :])

    def keep_last(self) -> None:
        del self.time[:-1], self.cpu[:-1]

    def line(self) -> Line:
        """Return the figures without the first sample, which is the warm-up, unless there is no other."""
        return Line(Figure.from_samples(self.time[1:] or self.time), Figure.from_samples(self.cpu[1:] or self.cpu))


class _Side:
    """One half of a run: all contenders without a hook, or all contenders with the hook."""

    def __init__(self, plan: Plan, hook: Hook | None) -> None:
        self._hook = hook
        self._contenders = {
            name: contender.hooked(hook) if hook else contender for name, contender in plan.contenders.items()
        }
        self.samples: dict[str, dict[str, _Samples]] = {operation.name: {} for operation in plan.operations}

    @contextmanager
    def contender(self, name: str) -> Generator[Contender, None, None]:
        """Yield a contender for one batch, and check afterwards that the hook, if any, saw its statements."""
        if self._hook is None:
            yield self._contenders[name]
            return
        before = self._hook.noted
        with self._hook.installed():
            yield self._contenders[name]
        assert self._hook.noted > before, f"the hook saw nothing of {name}"

    def is_measured_again(self, operation: Operation, name: str) -> bool:
        """Return whether a contender offers an operation, and was fast enough in the warm-up for further rounds."""
        samples = self.samples[operation.name].get(name)
        return samples is not None and samples.time[0] < TOO_SLOW

    def lines(self) -> Lines:
        return {
            operation: {name: samples.line() for name, samples in by_contender.items()}
            for operation, by_contender in self.samples.items()
        }


class Run:
    """One run on a server; ``tick`` is called with a description of each step before it starts."""

    def __init__(self, plan: Plan, server: Server, tick: Callable[[str], None]) -> None:
        self._plan, self._server, self._tick = plan, server, tick
        self._plain = _Side(plan, None)
        self._hooked = _Side(plan, Hook()) if plan.hook else None

    async def measure(self) -> Figures:
        """Run the warm-up, which also records the operations that a contender does not offer, and then the rounds."""
        await self._round(0)
        for side in self._sides(0):
            for by_contender in side.samples.values():
                for samples in by_contender.values():
                    samples.keep_last()  # the warm-up is not counted, unless it was too slow to repeat
        gc.freeze()  # so that collections do not traverse the objects of seven imported libraries
        for number in range(1, self._plan.rounds + 1):
            await self._round(number)
        gc.unfreeze()
        return Figures(self._plain.lines(), self._hooked.lines() if self._hooked else None)

    async def _round(self, number: int) -> None:
        for position, operation in enumerate(self._plan.operations):
            for name in _rotated([*self._plan.contenders], number + position):
                for side in self._sides(number):
                    self._tick(f"{operation.label}: {name}")
                    if number == 0 or side.is_measured_again(operation, name):
                        await self._batch(number, operation, name, side)

    def _sides(self, number: int) -> Sequence[_Side]:
        """Return the sides; their order alternates between rounds."""
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
