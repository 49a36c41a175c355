"""Several cores on one DDR: the share of it that the others draw, from a fixed point."""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import jit
from hwsim.targets.fpga.dpu.price import ddr_bytes_per_cycle, layer_cycles

STEPS = 60  # halvings: the share is exact to a double's last bits


@jit
def ddr_load(rows: Any, counts: Any, p: Any, cores: float) -> float:
    """Share of DDR that ``cores - 1`` other cores draw while all run the same network: ``load = (cores - 1) bytes / (T(load) x DDR rate)``.

    A frame's cycles T grow with the load (`hwsim.targets.fpga.dpu.price.port_bytes_per_cycle`), so the equation has one root; found by bisection.
    """
    moved = 0.0
    for i in range(len(rows)):
        if rows[i].beside == 0:
            moved += counts[i] * (rows[i].ddr_read + rows[i].ddr_write)
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        load = (low + high) / 2
        cycles = 0.0
        for i in range(len(rows)):
            if rows[i].dpu_part > 0 and rows[i].beside == 0:
                cycles += counts[i] * layer_cycles(rows[i], load, p)
        if (cores - 1) * moved > load * cycles * ddr_bytes_per_cycle(p):
            low = load
        else:
            high = load
    return low
