"""Issue of scalar and vector instructions: one slot per minion, shared by its harts."""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import part


@part
def instruction_cycles(rate_per_hart: float, harts: float, p: Any) -> float:
    """Minion-cycles per instruction of a unit that gives `rate_per_hart` to each of two harts: ``1 / (2 r)``, alone ``1 / min(2 r, r_alone)``."""
    both = 2.0 * rate_per_hart
    return 1.0 / both if harts > 1.0 else 1.0 / min(both, p.issue_one_hart)


@part
def waiting_cycles(rate_per_hart: float, harts: float) -> float:
    """Minion-cycles per instruction that each hart waits out alone (taken branches, bypassing loads, atomics)."""
    return 1.0 / (harts * rate_per_hart)


@part
def loop_instruction_cycles(rate_per_hart: float, p: Any) -> float:
    """The same in an unrolled loop, both harts: each pass of `loop_unroll` instructions adds a counter and a taken branch."""
    overhead = instruction_cycles(p.issue_alu, 2.0, p) + waiting_cycles(p.issue_branch, 2.0)
    return float(instruction_cycles(rate_per_hart, 2.0, p) + overhead / p.loop_unroll)
