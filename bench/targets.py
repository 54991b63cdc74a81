"""Compares a run with the targets for the generated controllers. This is not a test, because machines differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bench.report import BASE, NONE, OURS, TIMES, Report, quotient, table, times

BEHIND: Final = ("tortoise", "piccolo")  # the fastest peers; they should take longer on every line


@dataclass(frozen=True, slots=True)
class Target:
    """The largest acceptable ratio of an operation to raw asyncpg, or to another operation of ours."""

    operation: str
    most: float
    other: str | None = None

    def measured(self, report: Report, *, hooked: bool) -> float | None:
        """Return the measured ratio."""
        if self.other is None:
            return report.ratio(self.operation, OURS, hooked=hooked)
        ours, other = (report.line(operation, OURS, hooked=hooked) for operation in (self.operation, self.other))
        return quotient(ours, other, "time")


TARGETS: Final = (
    Target("get", 0.70),
    Target("unique", 0.70),
    Target("exists", 0.70),
    Target("count", 0.92),
    Target("create", 0.92),
    Target("update", 0.92),
    Target("upsert", 0.92),
    Target("update_expression", 1.5, other="update"),
    Target("list", 1.45),
    Target("relations", 2.2),
    Target("page", 1.45),
    Target("bulk_create", 1.2),
    Target("bulk_update", 1.7),
    Target("concurrent", 0.8),
    Target("transaction", 1.6),
)


def compared(report: Report) -> str:
    """Return a table of the targets and the measured ratios, also with the hook if the run had one."""
    sides = [False] if report.figures.hooked is None else [False, True]
    heads = ["", "target", *(head for hooked in sides for head in ("with the hook" if hooked else "measured", "ok"))]
    rows = [*_ratios(report, sides), *_leads(report, sides)]
    return "\n".join(table(f"Targets of {OURS}", heads, rows))


def _ratios(report: Report, sides: list[bool]) -> Iterator[list[str]]:
    labels = {operation.name: operation.label for operation in report.operations}
    for target in TARGETS:
        if target.operation in labels:
            base = BASE if target.other is None else f"its {labels.get(target.other, target.other)}"
            row = [labels[target.operation], f"at most {target.most:.2f} {TIMES} {base}"]
            for hooked in sides:
                measured = target.measured(report, hooked=hooked)
                row += [times(measured), _ok(measured is None or measured <= target.most, measured)]
            yield row


def _leads(report: Report, sides: list[bool]) -> Iterator[list[str]]:
    """Yield a row for each peer that should always be slower: the operation where it comes closest to ctrlgen."""
    for peer in BEHIND:
        if peer in report.contenders:
            row = [f"{peer}, on its best line", f"more than 1 {TIMES} {OURS}"]
            for hooked in sides:
                measured, label = _least(report, peer, hooked=hooked)
                row += [
                    f"{times(measured)} ({label})" if label else NONE,
                    _ok(measured is None or measured > 1, measured),
                ]
            yield row


def _least(report: Report, peer: str, *, hooked: bool) -> tuple[float | None, str]:
    ratios = [
        (ratio, operation.label)
        for operation in report.operations
        if (ratio := report.ratio(operation.name, peer, OURS, hooked=hooked)) is not None
    ]
    return min(ratios, default=(None, ""))


def _ok(reached: bool, measured: float | None) -> str:
    return NONE if measured is None else "yes" if reached else "no"
