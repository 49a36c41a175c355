"""The tensor unit: cycles of one TensorFMA from its shape, and of a loop of them with its operand loads.

C (m x 16) += A (m x words) B (words x 16), in 32-bit words of k: one fp32, two fp16 or four int8 each. The unit walks k, then m, then the two halves
of 8 columns, so fewer columns than 16 save nothing. Per k it takes the u-ops, with reads of A and B that share the scratchpad's port, but at least
the time until the accumulators can be added to again; the pipeline fills once. Read off the RTL, vpu_tensorfma.sv of openhwgroup/core-et @c72b6a2.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part


@part
def fma_uops(m: float, int8: bool) -> float:
    """u-ops per word of k: an int8 one covers all 16 columns, a floating-point one 8."""
    return m if int8 else 2.0 * m


@part
def fma_from_l1(m: float, words: float, int8: bool, p: Any) -> float:
    """Busy cycles with B in the L1 scratchpad: ``fill + (words - 1) max(u-ops + port, hazard) + u-ops``.

    int8: the second word's reads start under the fill; rows leave in pairs, an odd last one early.

    An operation of two u-ops of a single row ends early.
    """
    early = p.fma_pair_early_cycles if m == 1.0 and fma_uops(words, int8) == 2.0 else 0.0
    if int8:
        per_word = m + (p.fma_port_int8 if m > 1.0 else p.fma_port_int8_one_row)
        hidden = p.fma_fill_hidden_int8_cycles if words > 1.0 or m % 2.0 == 1.0 else 0.0
        return float(math.floor(p.fma_fill_l1_int8_cycles - hidden + (words - 1.0) * per_word + m) - early)
    per_word = max(2.0 * m + p.fma_port_fp, p.fma_hazard_cycles)
    return float(p.fma_fill_l1_fp_cycles + (words - 1.0) * per_word + 2.0 * m - early)


@part
def fma_from_tenb(m: float, words: float, int8: bool, line_interval: float, p: Any) -> float:
    """Busy cycles with B streamed through TenB, one line of 16 columns every `line_interval` cycles, in two halves.

    The longer of the u-ops (the first line's second half comes late), and the arrival of the last half line plus the u-ops that wait for it.
    """
    half = line_interval / 2.0
    arrival = (2.0 * words - 1.0) * half
    last = fma_uops(m, int8) if m > 1.0 else 0.0
    if int8:
        per_word = m if m > 1.0 else p.fma_hazard_int8_cycles
        late = half if line_interval > p.fma_line_slack_cycles else 0.0
        return float(max(p.fma_fill_tenb_int8_cycles + (words - 1.0) * per_word + m + late, arrival + p.fma_tail_int8_cycles + last))
    per_word = max(2.0 * m, p.fma_hazard_cycles)
    late = max(0.0, half - p.fma_line_slack_cycles)
    return float(max(p.fma_fill_tenb_fp_cycles + (words - 1.0) * per_word + 2.0 * m + late, arrival + p.fma_tail_fp_cycles + last))


@part
def fma_busy(m: float, words: float, int8: bool, tenb: bool, line_interval: float, p: Any) -> float:
    """Busy cycles of one TensorFMA, first pass, results left in registers."""
    if tenb:
        return fma_from_tenb(m, words, int8, line_interval, p)
    return fma_from_l1(m, words, int8, p)


@part
def fma_in_loop(m: float, words: float, int8: bool, tenb: bool, p: Any) -> float:
    """Cycles per operation of an endless loop whose operands are in place: lines of B are fetched ahead, and each operation is issued anew."""
    return float(fma_busy(m, words, int8, tenb, p.fma_line_slack_cycles, p) + p.tensor_issue_cycles)


@part
def operand_lines(m: float, words: float, a_loaded: bool, b_loaded: bool) -> float:
    """Lines that one operation loads: a row of A and a word row of B are a line each."""
    return (m if a_loaded else 0.0) + (words if b_loaded else 0.0)


@part
def operand_cycles(m: float, words: float, a_loaded: bool, b_loaded: bool, minion_bytes_per_cycle: float, p: Any) -> float:
    """Cycles until the operands of one operation have come: at the rate of the reader set, and of each load unit's lines in flight."""
    shared = operand_lines(m, words, a_loaded, b_loaded) * p.line_bytes / minion_bytes_per_cycle
    lines = max(m if a_loaded else 0.0, words if b_loaded else 0.0)
    return float(max(shared, lines / p.outstanding_lines * p.load_round_trip_cycles))
