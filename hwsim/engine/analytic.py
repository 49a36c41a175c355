"""The analytic engine: price each distinct operator by the target's closed forms, then add up or list-schedule."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.core.cost import Schedule, operator_cycles, weighted
from hwsim.core.program import Program, Table, slot_dtype
from hwsim.core.target import Price

Floats = NDArray[np.float64]


def price_rows(price: Price, program: Program, params: Table | None = None) -> Floats:
    """Call the jitted price function for every row of the operator table; returns (rows, slots).

    `params` is the parameter record to price with (default: the program's own).
    """
    out = np.zeros(len(program.rows), dtype=slot_dtype(program.slots))
    record = (program.params if params is None else params)[0]
    for i in range(len(out)):
        price(program.rows[i], record, out[i])
    return out.view(np.float64).reshape(len(out), len(program.slots))


def run(program: Program, values: Floats) -> Schedule:
    """Schedule a priced program: a serial one lasts as long as its parts together, another is list-scheduled."""
    if program.serial:
        cycles = float(weighted(program.counts, operator_cycles(values, program.stages)))
        busy = dict.fromkeys(program.resources, 0.0)
        for i, slot in enumerate(program.slots):
            if slot.quantity == "cycles":
                busy[slot.where] += float(program.counts @ values[:, i])
        return Schedule(cycles, busy)
    return list_schedule(program, values)


def list_schedule(program: Program, values: Floats) -> Schedule:
    """Give each task, in program order, the first free server of its resource once its predecessors have ended. O(tasks).

    Every resource serves its tasks in program order, as a hardware command queue does; the event engine keeps the same discipline, so the two
    agree to the cycle.
    """
    free = {name: [0.0] * servers for name, servers in program.resources.items()}
    busy = dict.fromkeys(program.resources, 0.0)
    starts: list[float] = []
    ends: list[float] = []
    for task in program.tasks(values):
        servers = free[task.resource]
        first = min(range(len(servers)), key=servers.__getitem__)
        start = max(servers[first], max((ends[t] for t in task.after), default=0.0))
        servers[first] = start + task.cycles
        busy[task.resource] += task.cycles
        starts.append(start)
        ends.append(start + task.cycles)
    return Schedule(max(ends, default=0.0), busy, np.array(starts), np.array(ends))
