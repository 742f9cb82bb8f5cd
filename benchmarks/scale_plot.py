"""Cost against the number of memories, from lines of ``scale.py``'s results, as SVG: both axes logarithmic, processor time.

python benchmarks/scale_plot.py RESULTS OUT.svg
"""

from __future__ import annotations

import json
import math
from pathlib import Path

CURVES = (
    ("import and push", "#1b6ca8", lambda one: one["import_cpu_s"] + one["push_cpu_s"]),
    ("restore to first recall", "#2a9d5c", lambda one: one["restore_cpu_s"] + one["first_recall_cpu_s"]),
    ("push of one memory", "#c8553d", lambda one: one["push_one_cpu_s"]),
    ("pull of one memory", "#8d6cab", lambda one: one["pull_one_cpu_s"]),
)
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 760, 440, 70, 30, 170, 50


def write_plot(results: Path, out: Path) -> None:
    rows = {one["memories"]: one for one in map(json.loads, results.read_text().splitlines())}
    sizes = sorted(rows)
    seconds = [curve(rows[size]) for _, _, curve in CURVES for size in sizes]
    x0, x1 = math.log10(sizes[0]), math.log10(max(sizes[-1], sizes[0] + 1))
    y0, y1 = math.floor(math.log10(min(seconds))), math.ceil(math.log10(max(seconds)))

    def at(size: float, second: float) -> tuple[float, float]:
        x = LEFT + (math.log10(size) - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT)
        return x, HEIGHT - BOTTOM - (math.log10(second) - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM)

    drawn: list[str] = [_text(LEFT, 18, "processor time of a vault's verbs, seconds, by memories kept")]
    for size in sizes:
        x, y = at(size, 10**y0)
        drawn += [_line([(x, y), at(size, 10**y1)], "#e4e4e4", 1), _text(x, y + 20, f"{size:,}", "middle")]
    for power in range(y0, y1 + 1):
        x, y = at(sizes[0], 10**power)
        drawn += [_line([(x, y), at(sizes[-1], 10**power)], "#e4e4e4", 1)]
        drawn += [_text(x - 8, y + 4, f"{10**power:g}", "end")]
    for name, colour, curve in CURVES:
        points = [at(size, curve(rows[size])) for size in sizes]
        drawn.append(_line(points, colour, 2))
        drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points]
        drawn.append(_text(points[-1][0] + 10, points[-1][1] + 4, name, colour=colour))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">'
    paper = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
    out.write_text("\n".join([head, paper, *drawn, "</svg>"]) + "\n")


def _line(points: list[tuple[float, float]], colour: str, width: int) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _text(x: float, y: float, words: str, anchor: str = "start", colour: str = "#333333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{words}</text>'
