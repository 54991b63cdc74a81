"""Draws the ratios to raw asyncpg as grouped bars on a logarithmic axis, readable on light and dark backgrounds."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from math import log10
from typing import Final

from bench.report import BARE, BASE, NONE, OURS, TIMES, Report

LEFT, PLOT, TOP, BAR, GAP, RIGHT, FOOT = 190, 620, 64, 8, 12, 60, 24
FLOOR: Final = 0.5
TICKS: Final = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
OWN_COLOUR: Final = "#2f9e6e"
COLOURS: Final = ("#4c78c8", "#d9822b", "#b05ba8", "#8a8f98", "#c9a227", "#c8554b")
STYLE: Final = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .small { font-size: 10px } .title { font-weight: 600; font-size: 14px }
  .ours { font-weight: 700 } .grid { stroke: #8884; stroke-width: 1 } .base { stroke: #888; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } }
"""


def chart(report: Report) -> str:
    """Return the chart as an SVG document."""
    return "\n".join(_Chart(report).lines()) + "\n"


class _Chart:
    def __init__(self, report: Report) -> None:
        self._report = report
        self._names = [name for name in report.contenders if name not in {BASE, BARE}]
        others = [name for name in self._names if name != OURS]
        self._colours = dict(zip(others, COLOURS * len(others), strict=False)) | {OURS: OWN_COLOUR}
        self._group = BAR * len(self._names) + GAP
        self._height = TOP + self._group * len(report.operations)
        ratios = [report.ratio(operation.name, name) or 1 for operation in report.operations for name in self._names]
        highest = max([2.0, *ratios])
        self._ceiling = next((tick for tick in TICKS if tick >= highest), highest)

    def lines(self) -> Iterator[str]:
        width, height = LEFT + PLOT + RIGHT, self._height + FOOT
        yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">'
        yield f"<title>Time relative to raw {BASE}; shorter is better</title><style>{STYLE}</style>"
        yield _text(LEFT, 20, f"Time relative to raw {BASE} (log scale; shorter is better)", "title")
        yield from self._legend()
        yield from self._grid()
        for index in range(len(self._report.operations)):
            yield from self._bars(index)
        yield "</svg>"

    def _legend(self) -> Iterator[str]:
        x = LEFT
        for name in self._names:
            yield f'<rect x="{x}" y="34" width="10" height="10" fill="{self._colours[name]}"/>'
            yield _text(x + 14, 43, name, "ours" if name == OURS else "")
            x += 30 + 7 * len(name)

    def _grid(self) -> Iterator[str]:
        for tick in TICKS:
            if tick <= self._ceiling:
                x, kind = self._x(tick), "base" if tick == 1 else "grid"
                yield f'<line class="{kind}" x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{self._height}"/>'
                yield _text(x, self._height + 16, f"{tick:g}{TIMES}", "small", "middle")

    def _bars(self, index: int) -> Iterator[str]:
        operation = self._report.operations[index]
        top = TOP + self._group * index
        yield _text(LEFT - 8, top + (self._group - GAP) / 2 + 4, operation.label, "", "end")
        for row, name in enumerate(self._names):
            y = top + row * BAR
            ratio = self._report.ratio(operation.name, name)
            if ratio is None:
                yield _text(LEFT + 3, y + BAR - 1, NONE, "small")
                continue
            end = self._x(max(ratio, FLOOR))
            size = f'width="{end - LEFT:.1f}" height="{BAR - 1}"'
            tip = f"<title>{escape(name)}, {escape(operation.label)}: {ratio:.2f}{TIMES}</title>"
            yield f'<rect x="{LEFT}" y="{y}" {size} fill="{self._colours[name]}">{tip}</rect>'
            if name == OURS:
                yield _text(end + 4, y + BAR, f"{ratio:.2f}", "small ours")

    def _x(self, ratio: float) -> float:
        return LEFT + PLOT * log10(ratio / FLOOR) / log10(self._ceiling / FLOOR)


def _text(x: float, y: float, content: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'
