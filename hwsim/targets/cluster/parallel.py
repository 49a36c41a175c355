"""Parallel regions: forks by runtime, barriers.

T_N = T_fork + T_sequential + max_i T_i + barriers T_barrier, with shares in whole units of the kernel's block (ceil). An event-unit barrier costs the
same for any team (GVSoC); SPMD teams run already; the PULP runtime and the GAP SDK start one per region (fitted and measured, fork and final barrier
together).
"""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.cluster import layout as L


@part
def set_fork(p: Any) -> None:
    """Fill `fork_cycles`: one team start of the record's runtime."""
    if p.runtime == L.GAP_SDK:
        p.fork_cycles = p.fork_gap_sdk_cycles
    elif p.runtime == L.PULP_RUNTIME:
        p.fork_cycles = p.fork_pulp_runtime_cycles
    else:
        p.fork_cycles = p.fork_spmd_cycles
