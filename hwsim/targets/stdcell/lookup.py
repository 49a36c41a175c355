"""Timing surfaces read in compiled loops: bilinear inside, extrapolated with the slope of the edge outside (`hwsim.tech.cell_library.Surface`)."""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import jit, part


@part
def _below(numbers: Any, start: int, length: int, value: float) -> int:
    """Index of the axis interval that `value` lies in; the first or last one outside. O(length): axes are short."""
    low = 0
    while low < length - 2 and numbers[start + low + 1] <= value:
        low += 1
    return low


@part
def surface_at(tables: Any, numbers: Any, table: int, x: float, y: float) -> float:
    """Value of a surface at input slew `x` and load `y` (s, F). `tables` and `numbers` are those of `Arrays`; `table` must not be NO_TABLE."""
    x_start, x_length = tables[table, 0], tables[table, 1]
    y_start, y_length = tables[table, 2], tables[table, 3]
    values = tables[table, 4]
    i, u = 0, 0.0
    if x_length > 1:
        i = _below(numbers, x_start, x_length, x)
        u = (x - numbers[x_start + i]) / (numbers[x_start + i + 1] - numbers[x_start + i])
    j, v = 0, 0.0
    if y_length > 1:
        j = _below(numbers, y_start, y_length, y)
        v = (y - numbers[y_start + j]) / (numbers[y_start + j + 1] - numbers[y_start + j])
    down = y_length if x_length > 1 else 0
    right = 1 if y_length > 1 else 0
    at = values + i * y_length + j
    low = numbers[at] * (1.0 - v) + numbers[at + right] * v
    high = numbers[at + down] * (1.0 - v) + numbers[at + down + right] * v
    value: float = low * (1.0 - u) + high * u
    return value


@jit
def surface_value(tables: Any, numbers: Any, table: int, x: float, y: float) -> float:
    """As `surface_at`, callable from Python."""
    value: float = surface_at(tables, numbers, table, x, y)
    return value
