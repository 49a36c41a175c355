"""Delay of one path through cells, slew propagated from stage to stage, and the setup time at its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hwsim.core.errors import InvalidTrace
from hwsim.tech.cell_library import SENSES, Arc, Cell, Library
from hwsim.tech.fan_out import ASYNCHRONOUS

RISE, FALL = 0, 1
EDGES = {"rise": RISE, "fall": FALL}
CLOCKED = ("rising_edge", "falling_edge")


@dataclass(frozen=True)
class Stage:
    """One cell on a path: from its input pin to its output pin, whose `edge` (RISE or FALL) drives `load_f`."""

    cell: str
    input: str
    output: str
    edge: int
    load_f: float


@dataclass(frozen=True)
class PathDelay:
    """Arrival at the end of a path in seconds, with slew and edge there."""

    arrival_s: float
    slew_s: float
    edge: int


def path_delay(library: Library, stages: Iterable[Stage], slew_s: float = 0.0) -> PathDelay:
    """Walk the stages; the first starts from a clock pin with input slew `slew_s`. Raises `InvalidTrace` where a cell has no such arc.

    The slew passed on is the worst of all arcs that merge at the output, other inputs being as slow as the path's own: timing analysers keep one
    slew per pin and edge, the worst, so that a path of theirs is slower than its own arcs.
    """
    arrival, edge = 0.0, -1
    for stage in stages:
        delay, slew_s = worst_of(library.cell(stage.cell), stage, edge, slew_s)
        arrival, edge = arrival + delay, stage.edge
    return PathDelay(arrival, slew_s, edge)


def worst_of(cell: Cell, stage: Stage, input_edge: int, slew_s: float) -> tuple[float, float]:
    """(delay, output slew): the slowest arc that this input edge (-1: any) can take to the stage's output edge, the worst slew merging there."""
    cell.pin(stage.input), cell.pin(stage.output)
    delays, slews = [], []
    for arc in cell.arcs:
        delay, slew = arc.surfaces[stage.edge], arc.surfaces[2 + stage.edge]
        if arc.pin != stage.output or arc.type in ASYNCHRONOUS or delay is None or slew is None:
            continue
        slews.append(slew.at(slew_s, stage.load_f))
        if arc.related == stage.input and causes(arc, input_edge, stage.edge):
            delays.append(delay.at(slew_s, stage.load_f))
    if not delays:
        raise InvalidTrace(f"cell '{cell.name}' has no arc from {stage.input} to {stage.output} for this edge")
    return max(delays), max(slews)


def causes(arc: Arc, input_edge: int, output_edge: int) -> bool:
    """True when the arc turns this input edge (-1: any) into this output edge."""
    sense = SENSES[arc.sense]
    return input_edge < 0 or sense == 0 or arc.type in CLOCKED or (sense > 0) == (input_edge == output_edge)


def setup_s(library: Library, cell: str, pin: str, edge: int, data_slew_s: float, clock_slew_s: float = 0.0) -> float:
    """Setup time of a data edge at a flip-flop or latch. Raises `InvalidTrace` for a pin without one."""
    found = []
    for check in library.cell(cell).checks:
        surface = (check.rise, check.fall)[edge]
        if check.pin == pin and check.type.startswith("setup") and surface is not None:
            found.append(surface.at(data_slew_s, clock_slew_s))
    if not found:
        raise InvalidTrace(f"cell '{cell}' has no setup time at pin '{pin}'")
    return max(found)
