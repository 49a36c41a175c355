"""Joules of tensor arithmetic, of bytes by where they come from, of messages, and of minions that wait.

Figures are of the board above idle with all minions at work (their waiting and their instructions included), at one operating point; `set_power`
scales them to the record's voltage and card and picks the operands' activity: 0 for zeros (and, on wires, anything constant), 1 for random
words, between them for contents that nobody set. Zero operands gate multiplier lanes: a constant other than 0 clocks them.
"""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import jit, part
from hwsim.targets.manycore import spec_energy as codes
from hwsim.targets.manycore.dvfs import minion_voltage, switching_scale
from hwsim.targets.manycore.energy_issue import blend, set_instructions


@part
def int8_mac_j(activity: float, idle: bool, p: Any) -> float:
    """Joules of an int8 MAC: ``(P_seq cycles + u-ops x bits x e_bit) / MACs``, plus the operands' switching.

    A full tile has tile_rows x tile_words u-ops of tile_cols int32 accumulators, clocked whatever the operands; a lane whose operand words are
    not zero clocks them too (one word each of A and B per accumulator). Random operands add a share of what they add to an fp32 MAC: an
    8 x 8 multiplier has 1/9 of the cells of a 24 x 24 one.
    """
    lanes = p.tile_rows * p.tile_words * p.tile_cols
    bits = 32.0 * lanes * (1.0 if idle else 3.0)
    sequencer = p.tensor_sequencer_w / p.energy_clock_hz * p.int8_tile_cycles
    switched = p.int8_random_share * (p.mac_fp32_random_j - p.mac_fp32_constant_j)
    return float((sequencer + bits * p.clocked_bit_j) / (4.0 * lanes) + activity * switched)


@part
def set_tensor(scale: float, p: Any) -> None:
    """Fill the joules per MAC of the three dtypes. fp16 runs the u-ops of fp32 on two elements a word: half of fp32's joules per MAC.

    L-Mul saves a share of what a MAC costs above one of zeros, whose multiplier lanes are gated; the rest is sequencing.
    """
    if p.data == codes.ZEROS:
        p.mac_fp32_j = p.mac_fp32_zeros_j
        p.mac_fp16_j = 0.5 * p.mac_fp32_zeros_j
        p.mac_int8_j = int8_mac_j(0.0, True, p)
    else:
        switched = p.activity * (p.mac_fp32_random_j - p.mac_fp32_constant_j)
        p.mac_fp32_j = p.mac_fp32_constant_j + switched
        p.mac_fp16_j = 0.5 * p.mac_fp32_constant_j + p.fp16_random_share * switched
        p.mac_int8_j = int8_mac_j(p.activity, False, p)
    p.mac_fp32_j -= p.saved_fp32 * (p.mac_fp32_j - p.mac_fp32_zeros_j)
    p.mac_fp16_j -= p.saved_fp16 * (p.mac_fp16_j - 0.5 * p.mac_fp32_zeros_j)
    p.mac_fp32_j *= scale
    p.mac_fp16_j *= scale
    p.mac_int8_j *= scale


@part
def set_bytes(p: Any) -> None:
    """Fill the joules per byte of each path with the record's operands, voltage and card."""
    a, core, shire = p.activity, p.scale_arithmetic, p.scale_scratchpad
    p.l1_load_j = core * blend(p.l1_load_zeros_j, p.l1_load_random_j, a)
    p.l1_store_j = core * blend(p.l1_store_zeros_j, p.l1_store_random_j, a)
    p.own_load_j = shire * blend(p.own_load_zeros_j, p.own_load_random_j, a)
    p.own_store_j = shire * blend(p.own_store_zeros_j, p.own_store_random_j, a)
    p.remote_base_j = p.scale_mesh * blend(p.remote_base_zeros_j, p.remote_base_random_j, a)
    p.remote_hop_j = p.scale_mesh * blend(p.remote_hop_zeros_j, p.remote_hop_random_j, a)
    p.dram_load_j = p.scale_dram * blend(p.dram_load_zeros_j, p.dram_load_random_j, a)
    p.dram_store_j = p.scale_dram * blend(p.dram_store_zeros_j, p.dram_store_random_j, a)


@part
def set_activity(activity: float, p: Any) -> None:
    """Fill the joules per MAC, byte and instruction for operands of this activity; `p.minion_voltage_v` and the scales are set."""
    p.activity = activity
    set_instructions(p)
    set_tensor(p.scale_arithmetic, p)
    set_bytes(p)


@part
def set_power(p: Any) -> None:
    """Fill every derived energy column of a record from its clock, card and data."""
    p.minion_voltage_v = minion_voltage(p.clock_hz, p)
    card = p.card_switching[int(p.card)]
    p.scale_arithmetic = card * switching_scale(p.rail_arithmetic_minion, p)
    p.scale_scratchpad = card * switching_scale(p.rail_scratchpad_minion, p)
    p.scale_mesh = card * switching_scale(p.rail_mesh_minion, p)
    p.scale_dram = card * switching_scale(p.rail_dram_minion, p)
    set_activity(1.0 if p.data == codes.RANDOM else p.unspecified_activity if p.data == codes.UNSPECIFIED else 0.0, p)


@jit
def prepare_activity(activity: float, p: Any) -> None:
    """`set_activity` as a function of its own, for primitives."""
    set_activity(activity, p)


@part
def tensor_j(macs: float, dtype: float, p: Any) -> float:
    """Joules of `macs` multiply-accumulates in full tiles of the tensor unit, operands in the L1 scratchpad or TenB."""
    if dtype == codes.TENSOR_INT8:
        return float(macs * p.mac_int8_j)
    return float(macs * (p.mac_fp32_j if dtype == codes.TENSOR_FP32 else p.mac_fp16_j))


@part
def dram_by_l1_j(p: Any) -> float:
    """Joules per byte stored to DRAM through L1, from components.

    The line is read first (DRAM load) and written back (DRAM store); on its way back it is written to L1 and L2, read from L2, and goes to its
    home in L3; the minions wait longer than the two streams alone would have them.
    """
    home = p.remote_base_j + p.home_hops * p.remote_hop_j
    waiting = 1.0 / p.dram_store_l1_bytes_per_s - 2.0 / p.dram_bytes_per_s
    fill = p.l1_store_j + fill_j(p)
    minions = p.shires * p.minions_per_shire
    return float(p.dram_load_j + p.dram_store_j + fill + p.own_store_j + p.own_load_j + home + max(0.0, waiting) * awake_w(minions, 0.0, p))


@part
def fill_j(p: Any) -> float:
    """Joules per byte of a line that goes from the own scratchpad into L1: a tensor load without the waiting of its minions."""
    waiting = p.stalled_minion_w * p.minions_per_shire / (p.shire_bytes_per_cycle * p.energy_clock_hz)
    return float(max(0.0, p.own_load_j - p.scale_arithmetic * waiting))


@part
def level_j(level: float, moved: float, hops: float, store: float, p: Any) -> float:
    """Joules of `moved` bytes loaded from a level into L1 scratchpad or registers, or stored there (`store` > 0).

    L2 and the own scratchpad are the same banks. An L3 access passes the own L2 and goes `hops` to its home (`p.home_hops` on average). A line that
    all minions of a shire read is read from the banks once: without their share, only its delivery is left. Stores by the tensor unit pass by L2.
    """
    if level == codes.FROM_DRAM:
        return float(moved * (p.dram_store_j if store > 0 else p.dram_load_j))
    if level == codes.FROM_L1:
        return float(moved * (p.l1_store_j if store > 0 else p.l1_load_j))
    if level == codes.FROM_L2 or level == codes.FROM_OWN_SCRATCHPAD:  # noqa: PLR1714  (jitted)
        return float(moved * (p.own_store_j if store > 0 else p.own_load_j))
    if level == codes.FROM_READ_BUFFER:
        return float(moved * p.own_load_j * (1.0 - p.rail_scratchpad_sram))
    if level == codes.FROM_DRAM_BY_L1:
        return float(moved * (dram_by_l1_j(p) if store > 0 else p.dram_load_j))
    remote = p.remote_base_j + hops * p.remote_hop_j
    if store > 0:
        return float(moved * (remote + p.own_store_j - p.own_load_j))
    return float(moved * (remote + (p.own_load_j if level == codes.FROM_L3 else 0.0)))


@part
def message_j(moved: float, hops: float, inside: float, p: Any) -> float:
    """Joules of `moved` bytes sent between registers: by tree edges (`inside` 2), elsewhere in a shire (1), or `hops` of mesh (0).

    Measured with random words; a mesh hop costs what it costs a line of a scratchpad.
    """
    if inside >= 2:
        return float(moved * p.send_pair_j * p.scale_arithmetic)
    if inside >= 1:
        return float(moved * p.send_shire_j * p.scale_arithmetic)
    return float(moved * (p.send_mesh_base_j * p.scale_mesh + hops * p.remote_hop_j))


@part
def atomic_j(waiting_cycles: float, p: Any) -> float:
    """Joules of one global atomic: the operation itself, a register each way over the mesh, and a minion that waits `waiting_cycles`.

    On a contended line every minion waits while one is served: that waiting is nearly all of its energy.
    """
    trip = p.register_bytes * (p.remote_base_j + p.home_hops * p.remote_hop_j)
    return float(p.atomic_local_j * p.scale_scratchpad + trip + waiting_cycles / p.clock_hz * awake_w(1.0, 0.0, p))


@part
def awake_w(minions: float, harts: float, p: Any) -> float:
    """Watts of minions that wait (`harts` 0: stalled on memory or a barrier) or spin on one or both harts; goes with ``f V^2``."""
    each = p.stalled_minion_w if harts < 1 else p.spin_one_hart_w if harts < 2 else p.spin_two_harts_w
    return float(minions * each * p.scale_arithmetic * p.clock_hz / p.energy_clock_hz)


@jit
def tensor_loop_j(macs: float, dtype: float, level: float, moved: float, p: Any) -> float:
    """Joules of one tensor operation of a loop: its MACs, and `moved` operand bytes from `level`."""
    return tensor_j(macs, dtype, p) + level_j(level, moved, 0.0, 0.0, p)


@jit
def transfer_j(level: float, moved: float, hops: float, store: float, p: Any) -> float:
    """`level_j` as a function of its own, for primitives."""
    return level_j(level, moved, hops, store, p)


@jit
def fill_line_j(moved: float, p: Any) -> float:
    """`fill_j` of `moved` bytes, for primitives."""
    return moved * fill_j(p)


@jit
def sent_j(moved: float, hops: float, inside: float, p: Any) -> float:
    """`message_j` as a function of its own, for primitives."""
    return message_j(moved, hops, inside, p)


@jit
def waiting_w(minions: float, harts: float, p: Any) -> float:
    """`awake_w` as a function of its own, for primitives."""
    return awake_w(minions, harts, p)


@jit
def one_atomic_j(waiting_cycles: float, p: Any) -> float:
    """`atomic_j` as a function of its own, for primitives."""
    return atomic_j(waiting_cycles, p)
