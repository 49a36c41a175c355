"""The jitted price: joules of operations and memories, cycles of an event core.

An event core takes, for E events in S timesteps, ``S (hops + router + event) + E_total max(router, (event + words) reached / used)`` cycles: the
events stream through a broadcast tree into every core that holds targets; a token ends each timestep. Neurons are updated behind it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hwsim.engine.jit import jit, part
from hwsim.targets.spiking.spec import SIZES, WORD_BITS


@part
def sram_bit_j(size_bytes: float, p: Any) -> float:
    """Joules of one bit of an SRAM access: a straight line in logarithms between the sizes of the table, and beyond them."""
    at = 1
    while at < SIZES - 1 and p.sram_access_bytes[at] < size_bytes:
        at += 1
    slope = np.log(p.sram_access_j[at] / p.sram_access_j[at - 1]) / np.log(p.sram_access_bytes[at] / p.sram_access_bytes[at - 1])
    joules = p.sram_access_j[at] * (size_bytes / p.sram_access_bytes[at]) ** slope
    return float(joules / WORD_BITS)


@part
def add_j(code: float, p: Any) -> float:
    """Joules of one accumulation in the format `code`."""
    return float(p.add_fp32_j if code == 0 else p.add_fp16_j if code == 1 else p.add_int16_j)


@part
def mac_j(code: float, p: Any) -> float:
    """Joules of one multiplication and its accumulation in the format `code`."""
    return float((p.mul_fp32_j if code == 0 else p.mul_fp16_j if code == 1 else p.mul_int8_j) + add_j(code, p))


@part
def event_cycles(events: float, steps: float, words: float, reached: float, used: float, p: Any) -> float:
    """Cycles of the events of an operator on an event core."""
    token = p.mesh_hops * p.hop_cycles + p.router_cycles + p.event_cycles
    return float(steps * token + events * max(p.router_cycles, (p.event_cycles + words) * reached / used))


@part
def memory_joules(op: Any, p: Any, out: Any) -> None:
    """Weight reads, membrane potentials, neuron updates and activations of any implementation that keeps them in SRAM."""
    weight_j, state_j = sram_bit_j(p.weight_memory_bytes, p), sram_bit_j(p.state_memory_bytes, p)
    out.weight_read = op.weight_reads / p.weight_uses_per_read * op.weight_bits * weight_j
    out.membrane = op.state_accesses * op.state_bits * state_j
    out.neuron_update = op.elementary * add_j(op.format, p)
    out.activation = op.activation_bits * sram_bit_j(p.spike_memory_bytes, p)


@part
def core_costs(op: Any, p: Any, out: Any) -> None:
    """Cycles and joules of an event core. Padding sends no events, so its work is ``events x targets``, less than the convention counts.

    Potentials are read and written at every accumulation, beside once a timestep by the neurons; every event is queued in each core that it reaches.
    """
    if op.used > 0:
        work = op.events * op.targets
        state_j, queue_j = sram_bit_j(p.state_memory_bytes, p), sram_bit_j(p.spike_memory_bytes, p)
        out.accumulate = 0.0 if op.mac_ops > 0 else work * add_j(op.format, p)
        out.multiply_accumulate = work * mac_j(op.format, p) if op.mac_ops > 0 else 0.0
        out.weight_read = work / p.weight_uses_per_read * op.weight_bits * sram_bit_j(p.weight_memory_bytes, p) if op.weight_reads > 0 else 0.0
        out.membrane += 2.0 * work * op.state_bits * state_j
        out.activation = 2.0 * op.events * op.reached * p.event_bits * queue_j
        out.routing = op.events * op.reached * p.hop_j
        out.route = (op.events + op.steps) * p.router_cycles
        out.synapse = event_cycles(op.events, op.steps, op.words, op.reached, op.used, p)
    elif op.elementary > 0:
        out.neuron = op.steps * np.ceil(np.ceil(op.elementary / op.steps / p.cores) / p.update_lanes)


@jit
def price(op: Any, p: Any, out: Any) -> None:
    """Fill the slots of one operator, all timesteps together."""
    out.dense_ops, out.dense_ops_attention, out.mac_ops = op.dense_ops, op.dense_ops_attention, op.mac_ops
    out.ac_ops_layers, out.ac_ops_attention, out.neuron_updates = op.ac_ops_layers, op.ac_ops_attention, op.neuron_updates
    out.accumulate = (op.ac_ops_layers + op.ac_ops_attention) * add_j(op.format, p)
    out.multiply_accumulate = op.mac_ops * mac_j(op.format, p)
    if p.honest > 0:
        memory_joules(op, p, out)
    if p.event_core > 0:
        core_costs(op, p, out)
