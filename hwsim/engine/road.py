"""The fast road: the same jitted price function mapped over an operator table and a table of design points, in parallel.

One loop serves every target. For each point it prices each distinct operator once and keeps weighted sums per slot and the cycles of the whole;
a sweep and a loop of `simulate(fidelity="analytic")` give identical numbers, because nothing is computed twice in two ways.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from hwsim.core.cost import weighted
from hwsim.core.errors import CostError
from hwsim.core.program import Program, Table, slot_dtype
from hwsim.core.rates import over
from hwsim.core.target import Target
from hwsim.engine.analytic import list_schedule, price_rows
from hwsim.engine.jit import stamped
from hwsim.engine.kinds import for_record, nothing

Floats = NDArray[np.float64]
LINES = 8  # records of scratch per thread, so that two threads never share a cache line


@dataclass(frozen=True)
class Priced:
    """Figures of n design points: `sums` (n, slots) over all operators and executions, `cycles` (n,) of the whole program."""

    sums: Floats
    cycles: Floats


_LOOPS: dict[tuple[Any, Any], Callable[..., None]] = {}
price: Any = nothing  # stand-ins: each target's (or kind's) loop is compiled with its own functions under these names
prepare: Any = nothing


def _loop(
    ops: Any, counts: Any, params: Any, scratch: Any, values: Any, stage_of: Any, longest: Any, sums: Any, cycles: Any, threads: int
) -> None:
    """Every thread takes a stretch of the points; `scratch` and `values` are the same memory, as records and as plain numbers."""
    points, slots, stages = len(params), values.shape[1], longest.shape[1]
    for thread in numba.prange(threads):
        at = thread * LINES
        for point in range(thread * points // threads, (thread + 1) * points // threads):
            prepare(params[point])
            total = 0.0
            for op in range(len(ops)):
                values[at, :] = 0.0
                price(ops[op], params[point], scratch[at])
                longest[at, :] = 0.0
                for slot in range(slots):
                    value = values[at, slot]
                    sums[point, slot] += counts[op] * value
                    if stage_of[slot] >= 0 and value > longest[at, stage_of[slot]]:
                        longest[at, stage_of[slot]] = value
                whole = 0.0
                for stage in range(stages):
                    whole += longest[at, stage]
                total += counts[op] * whole
            cycles[point] = total


def _loop_of(target: Target, p: Any) -> Callable[..., None]:
    """Compile the loop over the functions that price records such as `p`, or take it from the disk cache.

    The functions enter as globals: a closure's dispatchers would give the cache another key in every process.
    """
    own: Any = for_record(target.price, p)
    first: Any = nothing if target.prepare is None else for_record(target.prepare, p)
    if (own, first) not in _LOOPS:
        function = FunctionType(_loop.__code__, {**globals(), "price": own, "prepare": first}, f"loop_{target.name}_{own.__name__}")
        function.__qualname__ = function.__name__
        dispatcher: Any = numba.njit(cache=True, parallel=True, error_model="numpy")(function)
        _LOOPS[own, first] = stamped(dispatcher, Path(own.py_func.__code__.co_filename))
    return _LOOPS[own, first]


def price_points(target: Target, program: Program, params: Table) -> Priced:
    """Price every record of `params` (n,) on the program's operator table. Raises `CostError` for a figure that is no cost.

    `params` is changed in place: derived fields are filled. O(n x distinct operators), in parallel; a program that is not serial is scheduled
    point by point.
    """
    if not program.serial:
        return _scheduled(target, program, params)
    threads = max(1, min(numba.get_num_threads(), len(params)))
    scratch = np.zeros(threads * LINES, dtype=slot_dtype(program.slots))
    values = scratch.view(np.float64).reshape(len(scratch), len(program.slots))
    stage_of = np.full(len(program.slots), -1, dtype=np.int64)
    for stage, members in enumerate(program.stages):
        stage_of[list(members)] = stage
    sums, cycles = np.zeros((len(params), len(program.slots))), np.zeros(len(params))
    longest = np.zeros((len(scratch), len(program.stages)))
    _loop_of(target, params[0])(program.rows, program.counts, params, scratch, values, stage_of, longest, sums, cycles, threads)
    return _checked(Priced(sums, cycles))


def _scheduled(target: Target, program: Program, params: Table) -> Priced:
    sums, cycles = np.zeros((len(params), len(program.slots))), np.zeros(len(params))
    for i in range(len(params)):
        if target.prepare is not None:
            target.prepare(params[i])
        values = price_rows(target.price, program, params[i : i + 1])
        sums[i] = weighted(program.counts, values)
        cycles[i] = list_schedule(program, values).cycles
    return _checked(Priced(sums, cycles))


def _checked(priced: Priced) -> Priced:
    bad = ~np.isfinite(priced.cycles) | (priced.cycles < 0) | ~np.isfinite(priced.sums).all(axis=1) | (priced.sums < 0).any(axis=1)
    if bad.any():
        raise CostError(f"{int(bad.sum())} of {len(bad)} design points have figures that are no costs (first: point {int(np.argmax(bad))})")
    return priced


def metrics_of(target: Target, program: Program, params: Table, priced: Priced) -> dict[str, Floats]:
    """Return cycles, latency_s, energy_j, power_w, area_mm2, and the rates that follow from them, as arrays (n,), as `Report` defines them."""
    names = params.dtype.names or ()
    clock = params["clock_hz"] if "clock_hz" in names else np.full(len(params), program.clock_hz)
    power, area = target.surroundings(program, params)
    latency = priced.cycles / clock
    dynamic = priced.sums[:, [i for i, s in enumerate(program.slots) if s.quantity == "joules"]].sum(axis=1)
    static = np.zeros(len(params))
    for watts in power.values():
        static = static + watts
    whole_area = np.zeros(len(params))
    for mm2 in area.values():
        whole_area = whole_area + mm2
    energy = dynamic + static * latency
    found = {"cycles": priced.cycles, "latency_s": latency, "energy_j": energy, "power_w": over(energy, latency), "area_mm2": whole_area}
    return {name: np.full(len(params), np.nan) if name in program.unstated else values for name, values in found.items()}
