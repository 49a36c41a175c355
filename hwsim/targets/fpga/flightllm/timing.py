"""What an instruction takes: the timing of LD, ST and compute instructions (FlightLLM/flightllm_test_demo, profile), and the board's refinement.

All cycles are those of the design's clock for the whole design: an instruction of one core's program covers the work of all cores, and its time is
divided by ``cores x core efficiency``.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part


@part
def prepare_flightllm(p: Any) -> None:
    """Fill the derived columns.

    ``authors_simulator``: 0.70 of a channel's peak, 0.35 across channels, nothing else. ``board``: the device's stream efficiency, a gap per LD
    and ST (first access, not hidden by the queue), pipeline fills, and a core efficiency of its own.
    """
    channel = p.fl_hbm_bytes_per_s / p.hbm_channels if p.fl_hbm_bytes_per_s > 0 else p.hbm_channel_bytes_per_s
    board = p.fl_board > 0
    same = p.hbm_stream_efficiency if board else p.simulator_hbm_efficiency
    if p.fl_hbm_efficiency > 0:
        same = p.fl_hbm_efficiency
    whole = p.core_efficiency if board else p.simulator_core_efficiency
    if p.fl_core_efficiency > 0:
        whole = p.fl_core_efficiency
    p.fl_scale = 1.0 / (p.cores * whole)
    p.fl_byte = p.clock_hz / (channel * same) * p.fl_scale
    p.fl_cross = p.clock_hz / (channel * min(same, p.simulator_cross_efficiency)) * p.fl_scale
    p.fl_gap = p.ld_gap_s * p.clock_hz * p.fl_scale if board else 0.0
    p.fl_zero = p.fl_scale / (p.a_channel_bytes_per_cycle * p.a_channels)
    p.fl_fill = p.fill_cycles if board else 0.0
    p.fl_sfu = p.sfu_latency_cycles if board else 0.0


@part
def load_all(size_bytes: float, p: Any) -> float:
    """Cycles of one of the LDs that together use all A channels: each is timed as if all channels served it."""
    return float((size_bytes * p.fl_byte + p.fl_gap) / p.a_channels)


@part
def load_one(size_bytes: float, p: Any) -> float:
    """Cycles of a LD or ST on one channel."""
    return float(size_bytes * p.fl_byte + p.fl_gap)


@part
def load_across(size_bytes: float, p: Any) -> float:
    """Cycles of a LD that reads channels of other groups."""
    return float(size_bytes * p.fl_cross + p.fl_gap)


@part
def mv_cycles(k: float, density: float, p: Any) -> float:
    """Cycles of one core for one MV instruction: `mv_granule_n` columns x k."""
    return float(p.mv_granule_n * k * density / (p.mv_n * p.mv_k))


@part
def mm_cycles(k: float, density: float, p: Any) -> float:
    """Cycles of one core for one MM instruction: `mm_granule_m` rows x `mm_granule_n` columns x k."""
    return float(p.mm_granule_m * p.mm_granule_n * k * density / (p.mm_n * p.mm_k * p.mm_m))


@part
def misc_cycles(elements: float, passes: float, p: Any) -> float:
    """Cycles of one core for a special function over `elements`."""
    return float(passes * elements / p.sfu_elements_per_cycle)


@part
def pieces(k: float, depth: float, block: float) -> tuple[float, float, float, float]:
    """How the compiler cuts a reduction of k: (blocks in all, blocks of a piece, whole pieces, blocks of the remainder piece; 0 = none).

    ``ceil(depth rows of all blocks / half the buffer)`` pieces, so that two tiles fit the buffer; what the division leaves makes a further piece.
    """
    blocks = math.ceil(k / block)
    size = math.floor(blocks / math.ceil(depth * blocks))
    whole = math.floor(blocks / size)
    return blocks, size, whole, blocks - size * whole
