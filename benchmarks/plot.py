"""A line chart as plain SVG, in light and dark: rates over numbers of Services."""

from __future__ import annotations

import math
from html import escape

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 84, 200, 56, 56
COLOURS = ("#2563eb", "#d97706", "#059669", "#7c3aed", "#db2777", "#0891b2")
STYLE = """
text { font: 12px ui-sans-serif, system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2430 }
.title { font-size: 15px; font-weight: 600 } .soft { fill: #667085 } .page { fill: #ffffff }
.grid { stroke: #e4e7ec } .axis { stroke: #98a2b3 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6e9f0 } .soft { fill: #98a2b3 } .page { fill: #14171f } .grid { stroke: #2a2f3a } }
"""


def line_chart(title: str, x_label: str, series: dict[str, list[tuple[float, float]]]) -> str:
    """Series by name, each a list of (x, y); x on a logarithmic scale, y from zero."""
    points = [point for line in series.values() for point in line]
    low, high = (math.log10(f(x for x, _ in points)) for f in (min, max))
    step, most = _ticks(max(y for _, y in points))

    def place(x: float, y: float) -> tuple[float, float]:
        share = (math.log10(x) - low) / ((high - low) or 1)
        return (LEFT + share * (WIDTH - LEFT - RIGHT),
                HEIGHT - BOTTOM - y / most * (HEIGHT - TOP - BOTTOM))

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
             f'viewBox="0 0 {WIDTH} {HEIGHT}">', f"<title>{escape(title)}</title>",
             f"<style>{STYLE}</style>", '<rect class="page" width="100%" height="100%"/>',
             f'<text class="title" x="{LEFT}" y="30">{escape(title)}</text>',
             f'<text class="soft" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 14}" '
             f'text-anchor="middle">{escape(x_label)}</text>']
    for number in range(round(most / step) + 1):
        y = place(10 ** low, number * step)[1]
        parts += [f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>',
                  f'<text class="soft" x="{LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">'
                  f'{number * step:,.0f}</text>']
    for x in sorted({x for x, _ in points}):
        parts.append(f'<text class="soft" x="{place(x, 0)[0]:.1f}" y="{HEIGHT - BOTTOM + 20}" '
                     f'text-anchor="middle">{x:,.0f}</text>')
    parts.append(f'<path class="axis" d="M{LEFT} {HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>')
    placed = {name: [place(x, y) for x, y in line] for name, line in series.items()}
    labels = _apart({name: line[-1][1] for name, line in placed.items()})
    for colour, (name, line) in zip(COLOURS, placed.items(), strict=False):
        parts += _line(name, line, colour, labels[name])
    return "\n".join([*parts, "</svg>"]) + "\n"


def _apart(places: dict[str, float]) -> dict[str, float]:
    """The heights of labels, moved so that none hides another."""
    moved: dict[str, float] = {}
    lowest = HEIGHT - BOTTOM
    for name in sorted(places, key=lambda name: -places[name]):
        lowest = min(lowest - 16, places[name])
        moved[name] = lowest
    return moved


def _line(name: str, line: list[tuple[float, float]], colour: str, label: float) -> list[str]:
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in line)
    x = line[-1][0]
    return [f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>',
            *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in line),
            f'<text x="{x + 12:.1f}" y="{label + 4:.1f}" style="fill:{colour}">'
            f"{escape(name)}</text>"]


def _ticks(most: float) -> tuple[float, float]:
    """A round step, and the first multiple of it that is not less than `most`."""
    power = 10 ** math.floor(math.log10(most))
    step = next(s * power for s in (0.1, 0.2, 0.5, 1) if most / (s * power) <= 8)
    return step, math.ceil(most / step) * step
