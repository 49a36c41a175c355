"""Price a piece of work that is no operator: what primitives of kernels use."""

from __future__ import annotations

import numpy as np

from hwsim.core.program import Table, slot_dtype
from hwsim.targets.cluster import layout as L
from hwsim.targets.cluster.kernel import Work, record
from hwsim.targets.cluster.machine import Machine
from hwsim.targets.cluster.price import price

CORE_SLOTS = ("fork", "compute", "imbalance", "tcdm_stall", "fpu_stall", "icache_stall", "sequential", "barrier")


def priced(work: Work, m: Machine, params: Table) -> dict[str, float]:
    """Return the slots of `work` by name, with ``cycles`` (of the cores) and ``busy`` (the same without instruction-cache stalls)."""
    fields = record(work, m)
    row = np.zeros(1, dtype=L.OP_DTYPE)
    for name, value in fields.items():
        row[name][0] = value
    out = np.zeros(1, dtype=slot_dtype(L.SLOTS))
    price(row[0], params[0], out[0])
    slots = {name: float(out[name][0]) for name in out.dtype.names or ()}
    cycles = sum(slots[name] for name in CORE_SLOTS)
    return {**slots, "cycles": cycles, "busy": cycles - slots["icache_stall"]}
