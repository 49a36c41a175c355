"""Intervals: the ranges of a chip's constants, sampled together and pushed through the same jitted price function."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.core.cost import operator_cycles
from hwsim.core.program import Program, slot_dtype
from hwsim.core.target import Target
from hwsim.engine.analytic import list_schedule

SAMPLES = 64
SEED = 20240915
CENTRAL = (5.0, 95.0)


def sampled_params(program: Program, samples: int, seed: int) -> NDArray[np.void]:
    """Return (samples,) parameter records: each ranged constant drawn from its low..high by Latin hypercube (uniform), the rest as they are."""
    stated, columns = program.chip.params, program.params.dtype.names or ()
    ranged = [n for n in program.used_params if n in stated and n in columns and stated[n].has_range]
    table = np.repeat(program.params, samples)
    rng = np.random.default_rng(seed)
    for name in ranged:
        param = program.chip.params[name]
        low, high = float(param.low or 0.0), float(param.high or 0.0)
        strata = (rng.permutation(samples) + rng.random(samples)) / samples
        table[name] = low + (high - low) * strata
    return table


def intervals(target: Target, program: Program, samples: int = SAMPLES, seed: int = SEED) -> dict[str, tuple[float, float]]:
    """Return the central 90 % of cycles, latency_s, energy_j, power_w and area_mm2, widened where needed to hold the program's own figure.

    (A clock stated at the top of its range is such a case.) Deterministic: the seed is fixed. O(samples x distinct operators) price calls.
    """
    table = np.concatenate([program.params, sampled_params(program, samples, seed)])
    samples += 1
    out = np.zeros((samples, len(program.rows)), dtype=slot_dtype(program.slots))
    for s in range(samples):
        record = table[s]
        if target.prepare is not None:
            target.prepare(record)
        for i in range(len(program.rows)):
            target.price(program.rows[i], record, out[s, i])
    values = out.view(np.float64).reshape(samples, len(program.rows), len(program.slots))
    if program.serial:
        cycles = operator_cycles(values, program.stages) @ program.counts
    else:
        cycles = np.array([list_schedule(program, v).cycles for v in values])
    joules = [i for i, s in enumerate(program.slots) if s.quantity == "joules"]
    power, area = target.surroundings(program, table)
    clock = table["clock_hz"] if "clock_hz" in (table.dtype.names or ()) else np.full(samples, program.clock_hz)
    latency = cycles / clock
    energy = values[:, :, joules].sum(axis=2) @ program.counts + latency * sum(power.values())
    power_w = np.divide(energy, latency, out=np.zeros(samples), where=latency > 0)
    found = {
        "cycles": cycles, "latency_s": latency, "energy_j": energy, "power_w": power_w,
        "area_mm2": sum(area.values()) + np.zeros(samples),
    }  # fmt: skip
    return {name: _central(v[1:], v[0]) for name, v in found.items() if name not in program.unstated}


def _central(samples: NDArray[np.float64], own: float) -> tuple[float, float]:
    low, high = np.percentile(samples, CENTRAL)
    return float(min(low, own)), float(max(high, own))
