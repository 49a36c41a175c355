"""Required times and slacks: how late each pin may switch for a target period."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.jit import jit
from hwsim.targets.stdcell.lookup import surface_at
from hwsim.targets.stdcell.sta import UNTIMED, Timing, WireLoad, path_ends
from hwsim.tech.cell_library import THROUGH

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
FREE = 1e30  # required time of a pin that no path passes


def slacks(timing: Timing, wires: WireLoad, period_s: float) -> Floats:
    """Slack of each pin [pins], s, the worse of both edges: required time for `period_s` less arrival; `FREE` where no path passes."""
    graph, arrivals = timing.graph, timing.arrivals
    n, a = graph.netlist, graph.library.arrays
    required = np.full((2, n.pins), FREE)
    ends = path_ends(graph, arrivals)
    np.minimum.at(required, (ends.end % 2, ends.end // 2), period_s - (ends.need_s - ends.arrival_s))
    _require(
        graph.order, graph.cell, graph.slot_start, graph.slot_pin, n.net_start, n.pin_net, graph.sequential, wires.load_f, wires.delay_s,
        arrivals.slew_s, required, a.pin_start, a.arc_start, a.arc_from, a.arc_to, a.arc_sense, a.arc_type, a.arc_tables, a.tables, a.numbers,
    )  # fmt: skip
    passed = (arrivals.arrival_s > UNTIMED) & (required < FREE)
    found: Floats = np.where(passed, required - arrivals.arrival_s, FREE).min(axis=0)
    return found


@jit
def _require(
    order: Ints, cell: Ints, slot_start: Ints, slot_pin: Ints, net_start: Ints, pin_net: Ints, sequential: NDArray[np.bool_], load_f: Floats,
    wire_s: Floats, slew: Floats, required: Floats, pin_start: Ints, arc_start: Ints, arc_from: Ints, arc_to: Ints, arc_sense: Ints, arc_type: Ints,
    arc_tables: Ints, tables: Ints, numbers: Floats,
) -> None:  # fmt: skip
    for at in range(len(order) - 1, -1, -1):
        c = order[at]
        kind = cell[c]
        for slot in range(slot_start[c], slot_start[c + 1]):
            out = slot_pin[slot]
            if out < 0 or net_start[pin_net[out]] != out:
                continue
            for p in range(out + 1, net_start[pin_net[out] + 1]):
                for edge in range(2):
                    required[edge, out] = min(required[edge, out], required[edge, p] - wire_s[p])
        if sequential[c]:
            continue
        for k in range(arc_start[kind], arc_start[kind + 1]):
            out = slot_pin[slot_start[c] + arc_to[k] - pin_start[kind]]
            source = slot_pin[slot_start[c] + arc_from[k] - pin_start[kind]]
            if out < 0 or source < 0 or arc_type[k] != THROUGH:
                continue
            for edge in range(2):
                if arc_tables[k, edge] < 0 or required[edge, out] >= FREE:
                    continue
                for cause in range(2):
                    if (arc_sense[k] > 0 and cause != edge) or (arc_sense[k] < 0 and cause == edge):
                        continue
                    delay = surface_at(tables, numbers, arc_tables[k, edge], slew[cause, source], load_f[pin_net[out]])
                    required[cause, source] = min(required[cause, source], required[edge, out] - delay)
