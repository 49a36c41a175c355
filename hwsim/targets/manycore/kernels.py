"""`prepare` and `price`: cycles, joules and bytes of one operator from the work that its record states.

The busiest minion's tensor operations and instructions, the busiest shire's bytes through its port and over the mesh, and the chip's DRAM bytes run
at once; the first operands, the store of the last tiles, reductions and barriers come before and after. Cycles are of the minion clock.
"""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import jit, part
from hwsim.targets.manycore import layout as L
from hwsim.targets.manycore import spec_energy as codes
from hwsim.targets.manycore.energy import awake_w, level_j, message_j, set_power, tensor_j
from hwsim.targets.manycore.energy_issue import instruction_j
from hwsim.targets.manycore.memory import flight_rate, load_cycles, own_store_rate, set_latencies, set_network
from hwsim.targets.manycore.shire_map import mean_home_hops_from
from hwsim.targets.manycore.sync import ACROSS_MESH, IN_SHIRE, TREE_EDGE, message_registers, round_trip_cycles
from hwsim.targets.manycore.tensor import fma_in_loop


@jit
def prepare(p: Any) -> None:
    """Fill the derived columns of a record whose hops are known: latencies and bandwidths at its clock, voltage, joules per event."""
    set_latencies(p)
    set_power(p)
    p.scalar_float_j = instruction_j(1.0, codes.SCALAR_FMA, p)
    p.scalar_saved_j = p.saved_product * (p.scalar_float_j - instruction_j(1.0, codes.SCALAR_ADD, p))
    p.vector_saved_j = p.saved_product * (p.vector_j - instruction_j(1.0, codes.VECTOR_ADD, p))
    p.own_flight = flight_rate(1.0, p.outstanding_lines, p.load_round_trip_cycles, p)
    p.l3_flight = flight_rate(1.0, p.outstanding_lines, p.l3_cycles, p)
    p.remote_flight = flight_rate(1.0, p.outstanding_lines, p.remote_cycles, p)
    p.dram_flight = flight_rate(1.0, p.outstanding_lines, p.dram_cycles, p)
    p.link_bytes_per_cycle = p.mesh_link_bytes_per_noc_cycle * p.noc_clock_hz / p.clock_hz


@jit
def prepare_map(p: Any, shires: int) -> None:
    """`prepare` of a record fresh from a chip, of which the first `shires` shires take part: their hops too (they follow from structure alone)."""
    set_network(p)
    if shires < p.shires:
        hops = 0.0
        for shire in range(shires):
            hops += mean_home_hops_from(shire, p)
        p.home_hops = hops / shires
    prepare(p)


@part
def tensor_cycles(op: Any, p: Any) -> float:
    """The busiest minion's tensor operations, the waits of a loop without double buffering, and TensorQuant."""
    int8 = op.arithmetic == L.INT8
    cycles = op.full_steps * fma_in_loop(op.tile_rows, p.tile_words, int8, True, p) + op.quant_cycles
    if op.tail_steps > 0:
        cycles += op.tail_steps * fma_in_loop(op.tile_rows, op.tail_words, int8, True, p)
    if op.tail2_steps > 0:
        cycles += op.tail2_steps * fma_in_loop(op.tile_rows, op.tail2_words, int8, True, p)
    if op.waits > 0:
        cycles += op.waits * load_cycles(op.tile_rows, beyond_own(op.first_level, p), p)
    return float(cycles)


@part
def beyond_own(level: float, p: Any) -> float:
    """What a group of lines in flight takes at a level beyond its round trip in the own shire: in all, the level's latency."""
    if level == L.OWN:
        return 0.0
    far = p.remote_cycles if level == L.REMOTE else p.l3_cycles if level == L.L3 else p.dram_cycles
    return float(far - p.load_round_trip_cycles)


@part
def issue_cycles(op: Any, p: Any) -> float:
    """Cycles that the busiest hart's instructions take: both harts share one issue slot; alone a hart issues at most `issue_one_hart` a cycle."""
    if op.alone > 0:
        return float(
            op.simple / min(2.0 * p.issue_alu, p.issue_one_hart) + op.vector / min(2.0 * p.issue_vector, p.issue_one_hart)
            + op.exponential / (2.0 * p.issue_transcendental) + op.reciprocal / (2.0 * p.issue_reciprocal)
        )  # fmt: skip
    return float(
        op.simple / p.issue_alu + op.vector / p.issue_vector + op.exponential / p.issue_transcendental + op.reciprocal / p.issue_reciprocal
    )


@part
def miss_cycles(op: Any, p: Any) -> float:
    """Cycles that the busiest hart waits for lines: load-to-use latency of the level that has them; hart 1 waits a little longer."""
    extra = 0.0 if op.alone > 0 else p.hart1_extra_cycles
    return float(
        op.own_misses * (p.l2_latency_cycles + extra) + op.l3_misses * (p.l3_cycles + extra) + op.dram_misses * (p.dram_cycles + extra)
    )


@part
def scratchpad_cycles(op: Any, p: Any) -> float:
    """The busiest shire's lines: once through its port, delivered to every minion that waits for them, and stored."""
    cycles = 0.0
    if op.port_bytes > 0:
        alone = op.readers * p.load_units * p.own_flight
        cycles = op.port_bytes / min(alone, p.shire_bytes_per_cycle)
        if op.delivered_bytes > 0:
            cycles = max(cycles, op.delivered_bytes * op.readers / min(alone, p.read_buffer_bytes_per_cycle * p.read_buffer_share))
    if op.store_bytes > 0:
        cycles += op.store_bytes / own_store_rate(op.readers, p)
    return float(cycles)


@part
def mesh_cycles(op: Any, p: Any) -> float:
    """The busiest shire's lines from other shires: lines in flight over latency, at most its mesh link."""
    cycles = 0.0
    if op.l3_bytes > 0:
        cycles += op.l3_bytes / min(p.link_bytes_per_cycle, op.fetchers * p.l3_flight)
    if op.remote_bytes > 0:
        cycles += op.remote_bytes / min(p.link_bytes_per_cycle, op.fetchers * p.remote_flight)
    return float(cycles)


@part
def dram_cycles(op: Any, p: Any) -> float:
    """The chip's DRAM lines: what the channels sustain, or what the readers have in flight."""
    cycles = 0.0
    if op.dram_load_bytes > 0:
        cycles = op.dram_load_bytes / min(p.dram_bytes_per_cycle, op.all_fetchers * p.dram_flight)
    if op.dram_store_bytes > 0:
        cycles += op.dram_store_bytes / p.dram_bytes_per_cycle
    return float(cycles)


@part
def reduce_cycles(op: Any, p: Any) -> float:
    """Levels of all trees one after another, half a round trip each (`sync.tree_cycles` over the levels that the record counts)."""
    cycles = 0.0
    if op.tree_edges > 0:
        cycles += op.tree_edges * round_trip_cycles(TREE_EDGE, 0.0, op.tree_bytes, p)
    if op.tree_levels > 0:
        cycles += op.tree_levels * round_trip_cycles(IN_SHIRE, 0.0, op.tree_bytes, p)
    if op.tree_mesh_levels > 0:
        far = op.tree_far_hops * (message_registers(op.tree_bytes, p) - 1.0) * p.send_far_hop_s
        cycles += op.tree_mesh_levels * round_trip_cycles(ACROSS_MESH, 0.0, op.tree_bytes, p)
        cycles += (op.tree_hops * p.hop_round_trip_s + far) * p.clock_hz
    return float(cycles / 2.0)


@part
def charge(op: Any, p: Any, waited: float, out: Any) -> None:
    """Bytes and joules of the chip. Joules of an event hold the minions' waiting for it; `waited` cycles go beyond (misses, trees, barriers)."""
    out.dram_bytes = op.dram_load_bytes + op.dram_store_bytes
    out.mesh_bytes = op.all_l3 + op.all_remote
    out.scratchpad_bytes = op.all_own_load + op.all_own_store + op.all_shared
    out.l1_bytes = op.all_l1_bytes
    if op.tensor_macs > 0:
        out.tensor_j = tensor_j(op.tensor_macs, op.arithmetic, p)
    if op.all_scalar > 0:
        float_j, saved_j = (p.scalar_float_j, p.scalar_saved_j) if op.unit == L.SCALAR else (p.vector_j, p.vector_saved_j)
        out.instructions_j = (
            op.all_scalar * p.scalar_j + op.all_vector * float_j + op.all_exponential * p.exponential_j + op.all_reciprocal * p.reciprocal_j
            - op.all_products * saved_j
        )
        out.l1_j = op.all_l1_load * p.l1_load_j + op.all_l1_store * p.l1_store_j
    out.scratchpad_j = (
        op.all_own_load * p.own_load_j + op.all_own_store * p.own_store_j + level_j(codes.FROM_READ_BUFFER, op.all_shared, 0.0, 0.0, p)
    )
    out.mesh_j = level_j(codes.FROM_L3, op.all_l3, p.home_hops, 0.0, p) + level_j(codes.FROM_REMOTE_SCRATCHPAD, op.all_remote, p.home_hops, 0.0, p)
    if op.tree_bytes > 0:
        out.mesh_j += message_j(op.all_sent_edges, 0.0, 2.0, p) + message_j(op.all_sent_shire, 0.0, 1.0, p)
        out.mesh_j += message_j(op.all_sent_mesh, op.tree_hops / max(1.0, op.tree_mesh_levels), 0.0, p)
    out.dram_j = op.dram_load_bytes * p.dram_load_j + op.dram_store_bytes * p.dram_store_j
    if waited > 0:
        out.awake_j = awake_w(p.workers, 0.0, p) * waited / p.clock_hz


@jit
def price(op: Any, p: Any, out: Any) -> None:
    """Fill the slots of one operator (one execution); one that has no model only gets its compulsory bytes."""
    if op.modelled == 0:
        out.dram_bytes = op.compulsory_bytes
        return
    if op.launches + op.sync_launches > 0:
        out.launch = (op.launches * (p.launch_queued_s + p.kernel_extra_s) + op.sync_launches * p.launch_sync_s) * p.clock_hz
    tensor = tensor_cycles(op, p) if op.arithmetic > 0 else 0.0
    loop = issue = 0.0
    if op.simple > 0:
        issue, misses = issue_cycles(op, p), miss_cycles(op, p)
        loop = max(issue, misses) if op.hidden > 0 else issue + misses
    out.scratchpad, out.mesh, out.dram = scratchpad_cycles(op, p), mesh_cycles(op, p), dram_cycles(op, p)
    loop += op.credits * p.credit_shire_cycles
    if op.streamed > 0:  # a loop that waits for the stream at first and then runs on what it has
        loop += max(0.0, out.dram - op.streamed * loop)
    out.compute = tensor + loop
    if op.first_lines > 0:
        out.exposed = load_cycles(op.first_lines, beyond_own(op.first_level, p), p)
    if op.tail_store_bytes > 0:
        out.exposed += op.tail_store_bytes / own_store_rate(op.readers, p)
    if op.tree_bytes > 0:
        out.reduce = reduce_cycles(op, p)
    out.barrier = op.barriers * p.barrier_chip_cycles
    charge(op, p, loop - issue + out.reduce + out.barrier, out)
    out.roofline, out.unit, out.k_split, out.tile_rows = op.roofline, op.unit, op.k_split, op.tile_rows
