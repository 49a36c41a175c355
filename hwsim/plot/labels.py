"""Names beside marks: each where it covers neither another name nor a mark, further off with a line where it is crowded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hwsim.plot import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Box = tuple[float, float, float, float]  # left, bottom, right, top in points
LINE: Any = {"arrowstyle": "-", "color": style.GREY, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 0}
GAP = 0.5  # points between names
NEAR = 11.0  # points: a name further off gets a line
TURNS = (0, 1, -1, 2, -2, 3, -3, 4, 5, -5, 6, -6, 7, -7, 8)  # sixteenths of a circle, the right-hand side first


def name_marks(axes: Axes, marks: Sequence[tuple[str, float, float, float]], *, size: float = 5.5) -> int:
    """Write the names of `marks` (name, x, y in data units, radius in points); return how many found no room. Limits of the axes must be final."""
    per_point = axes.figure.dpi / 72.0
    at = [axes.transData.transform((x, y)) / per_point for _, x, y, _ in marks]
    (left, bottom), (right, top) = axes.transAxes.transform([(0, 0), (1, 1)]) / per_point
    taken: list[Box] = [(x - 0.7 * r, y - 0.7 * r, x + 0.7 * r, y + 0.7 * r) for (x, y), (_, _, _, r) in zip(at, marks, strict=True)]
    missing = 0
    for (x, y), (name, data_x, data_y, radius) in zip(at, marks, strict=True):
        wide, tall = _extent(axes, name, size)
        for dx, dy in _places(radius):
            low_x = x + dx - (0.0 if dx > 0.3 * abs(dy) else wide if dx < -0.3 * abs(dy) else wide / 2)
            box = (low_x, y + dy - tall / 2, low_x + wide, y + dy + tall / 2)
            if box[0] < left or box[2] > right or box[1] < bottom or box[3] > top or any(_meet(box, other) for other in taken):
                continue
            taken.append(box)
            side = "left" if dx > 0.3 * abs(dy) else "right" if dx < -0.3 * abs(dy) else "center"
            line = LINE if math.hypot(dx, dy) > radius + NEAR else None
            axes.annotate(name, (data_x, data_y), xytext=(dx, dy), textcoords="offset points", fontsize=size, ha=side, va="center", arrowprops=line)
            break
        else:
            missing += 1
    return missing


def _extent(axes: Axes, name: str, size: float) -> tuple[float, float]:
    """Width and height of a name in points."""
    text = axes.text(0.5, 0.5, name, fontsize=size, transform=axes.transAxes)
    box = text.get_window_extent()
    text.remove()
    per_point = axes.figure.dpi / 72.0
    return box.width / per_point + GAP, box.height / per_point + GAP


def _places(radius: float) -> Iterator[tuple[float, float]]:
    for distance in (2.5, 6.0, 12.0, 20.0, 30.0, 42.0, 56.0, 72.0, 90.0, 110.0, 135.0):
        for turn in TURNS:
            angle = turn * math.pi / 8
            yield (radius + distance) * math.cos(angle), (radius + distance) * math.sin(angle)


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
