"""Plots request times by percentile as SVG; its colours follow the reader's light or dark theme."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 190, 48, 52  # margins

# The horizontal axis is stretched towards its end, where requests wait: 50, 90, 99 and 99.9 % are equally far apart.
TICKS = (0.0, 0.9, 0.99, 0.999)
SHOWN_END = 0.9995
MILLISECONDS = (1, 3, 10, 30, 100, 300, 1000)
# Colours that people with colour blindness can distinguish, on both backgrounds.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#888888")

_STYLE = """<style>text { fill: #333 } line { stroke: #ddd } .page { fill: #fff }
@media (prefers-color-scheme: dark) { text { fill: #ccc } line { stroke: #444 } .page { fill: #131416 } }</style>"""


class Curve(NamedTuple):
    """One line of the plot.

    Attributes:
        name: As in the legend.
        milliseconds: The time at each permille, 0 to 1000.
    """

    name: str
    milliseconds: Sequence[float]


def plot(curves: Sequence[Curve], *, title: str) -> str:
    """The whole file."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="12" role="img">',
        f"<title>{escape(title)}</title>",
        _STYLE,
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>',
        f'<text x="{LEFT}" y="26" font-size="14">{escape(title)}</text>',
        *_axes(),
    ]
    for index, curve in enumerate(curves):
        colour = COLOURS[index % len(COLOURS)]
        points = " ".join(
            f"{_x(permille / 1000):.1f},{_y(value):.1f}" for permille, value in enumerate(curve.milliseconds)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        y = TOP + 14 + 20 * index
        x = WIDTH - RIGHT + 16
        parts.append(
            f'<line x1="{x}" y1="{y - 4}" x2="{x + 18}" y2="{y - 4}" style="stroke: {colour}" stroke-width="3"/>'
        )
        parts.append(f'<text x="{x + 24}" y="{y}">{escape(curve.name)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _axes() -> list[str]:
    bottom, end = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = []
    for milliseconds in MILLISECONDS:
        y = _y(milliseconds)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{end}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{milliseconds} ms</text>')
    for share in TICKS:
        x = _x(share)
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}"/>')
        label = f"{share * 100:g} %" if share else "fastest"
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{label}</text>')
    middle = (LEFT + end) / 2
    label = "requests that took no longer"
    parts.append(f'<text x="{middle:.0f}" y="{bottom + 38}" text-anchor="middle">{label}</text>')
    return parts


def _x(share: float) -> float:
    position = log10(1 - min(share, SHOWN_END)) / log10(1 - SHOWN_END)
    return LEFT + position * (WIDTH - LEFT - RIGHT)


def _y(milliseconds: float) -> float:
    low, high = log10(MILLISECONDS[0]), log10(MILLISECONDS[-1])
    position = (log10(min(max(milliseconds, MILLISECONDS[0]), MILLISECONDS[-1])) - low) / (high - low)
    return HEIGHT - BOTTOM - position * (HEIGHT - BOTTOM - TOP)
