"""Charts as SVG text: lines and dots over two axes, with names beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

Point = tuple[float, float]

COLORS = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#777777"),
    *("#882255", "#117733", "#332288", "#aa4499"),
)
"""Told apart by most color-blind people, too (Okabe and Ito, 2008; then Tol, 2021)."""

_WIDTH, _HEIGHT = 720, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 170, 40, 56  # margins; names stand in the right one
_LINE = 15  # pixels between two names
_TICKS = 6  # about as many are wanted
_FAINT = "#cccccc"
_PADDING = 0.04  # share of an axis left free at each end


@dataclass(frozen=True)
class Series:
    """Points that belong together.

    Attributes:
        name: The name beside the points.
        points: The points from left to right.
        joined: Whether a line joins the points; else they are dots.
    """

    name: str
    points: tuple[Point, ...]
    joined: bool = True


@dataclass(frozen=True)
class Axis:
    """An axis.

    Attributes:
        name: The name, with its unit.
        low: The value at the beginning.
        high: The value at the end.
        logarithmic: Whether equal steps are equal factors.
    """

    name: str
    low: float
    high: float
    logarithmic: bool = False

    @classmethod
    def around(cls, name: str, values: Sequence[float], *, logarithmic: bool = False) -> Axis:
        """Make an axis with room for these values."""
        low, high = min(values), max(values)
        if logarithmic:
            factor = (high / low) ** _PADDING if high > low else 2.0
            return cls(name, low / factor, high * factor, True)
        room = _PADDING * (high - low) or 1.0
        return cls(name, low - room, high + room)

    def place(self, value: float) -> float:
        """The place of a value, 0 at the beginning and 1 at the end."""
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Round values along the axis: 1, 2 or 5 times a power of ten, or whole powers of ten."""
        if self.logarithmic:
            powers = range(math.ceil(math.log10(self.low)), math.floor(math.log10(self.high)) + 1)
            return [10.0**power for power in powers]
        rough = (self.high - self.low) / _TICKS
        power = 10 ** math.floor(math.log10(rough))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
        first = math.ceil(self.low / step)
        return [step * number for number in range(first, math.floor(self.high / step) + 1)]


def chart(title: str, x: Axis, y: Axis, series: Sequence[Series]) -> str:
    """Draw a chart.

    Args:
        title: The title above the chart.
        x: The horizontal axis.
        y: The vertical axis.
        series: The series, each with at least one point.

    Returns:
        The chart as SVG.
    """
    names = _spread([_at(x, y, one.points[-1])[1] for one in series])
    parts = [*_frame(title, x, y)]
    for number, (one, name_at) in enumerate(zip(series, names, strict=True)):
        parts += _drawn(one, COLORS[number % len(COLORS)], x, y, name_at)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="12" role="img" aria-label="{escape(title)}">\n'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>\n{body}\n</svg>\n'
    )


def _at(x: Axis, y: Axis, point: Point) -> Point:
    """The place of a point on the sheet, in pixels."""
    wide, tall = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    return _LEFT + wide * x.place(point[0]), _TOP + tall * (1 - y.place(point[1]))


def _frame(title: str, x: Axis, y: Axis) -> list[str]:
    """Draw the title, the axes, and thin lines at their ticks."""
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = [_text(title, (_LEFT + right) / 2, _TOP - 16, "middle", 'font-weight="bold"')]
    for tick in x.ticks():
        across, _ = _at(x, y, (tick, y.low))
        parts += [_line(across, _TOP, across, bottom), _text(f"{tick:g}", across, bottom + 18)]
    for tick in y.ticks():
        _, down = _at(x, y, (x.low, tick))
        parts += [_line(_LEFT, down, right, down), _text(f"{tick:g}", _LEFT - 8, down + 4, "end")]
    upright = f'transform="rotate(-90 16 {(_TOP + bottom) / 2:.1f})"'
    parts.append(_text(x.name, (_LEFT + right) / 2, _HEIGHT - 14))
    parts.append(_text(y.name, 16, (_TOP + bottom) / 2, "middle", upright))
    return parts


def _drawn(one: Series, color: str, x: Axis, y: Axis, name_at: float) -> list[str]:
    """Draw a series and its name, which a thin line joins to the last point."""
    places = [_at(x, y, point) for point in one.points]
    parts = []
    if one.joined:
        path = " ".join(f"{across:.1f},{down:.1f}" for across, down in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
    crowded = not one.joined and len(places) > 1
    dot = 'r="2.5" fill-opacity="0.4"' if crowded else 'r="4"'
    parts += [
        f'<circle cx="{across:.1f}" cy="{down:.1f}" {dot} fill="{color}"/>'
        for across, down in places
    ]
    right = _WIDTH - _RIGHT + 12
    across, down = places[-1]
    parts.append(_line(across, down, right - 2, name_at, _FAINT))
    parts.append(_text(one.name, right, name_at + 4, "start", f'fill="{color}"'))
    return parts


def _spread(wanted: Sequence[float]) -> list[float]:
    """Find heights near the wanted ones at which names don't cover each other."""
    placed: list[float] = [0.0] * len(wanted)
    lowest = float(_TOP)
    for number in sorted(range(len(wanted)), key=lambda index: wanted[index]):
        placed[number] = lowest = max(wanted[number], lowest)
        lowest += _LINE
    over = lowest - _LINE - (_HEIGHT - _BOTTOM)
    return [height - max(0.0, over) for height in placed]


def _line(x1: float, y1: float, x2: float, y2: float, color: str = _FAINT) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{color}" stroke-width="0.7"/>'


def _text(text: str, x: float, y: float, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(text)}</text>'
