"""Mechanisms in isolation: joules of operations and memory accesses, one event, the rate at which spikes stop paying."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hwsim.core.arguments import number, whole, word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.core.target import Mapped, Primitive
from hwsim.targets.spiking import spec
from hwsim.targets.spiking.fanout import mesh_hops
from hwsim.targets.spiking.kernels import add_j, event_cycles, mac_j, sram_bit_j
from hwsim.targets.spiking.mapping import parse_options

NEURON_OPERATIONS = 4  # of a leaky integrate-and-fire neuron a timestep, as its kind of operator declares


def record(chip: Chip) -> Any:
    """The chip's parameter record, fields by attribute."""
    core = chip.text("kind") == spec.EVENT_CORE
    numbers = {"event_core": core, "honest": 1, "mesh_hops": mesh_hops(int(chip.number("cores"))) if core else 0}
    return spec.PARAMETERS.record(chip, numbers).view(np.recarray)[0]


def synaptic_energy(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """``E = AC ops x E_AC + MAC ops x E_MAC`` (FP32 on 45 nm: 0.9 pJ and 4.6 pJ; Horowitz, ISSCC 2014)."""
    code, _ = spec.FORMATS[word(arguments, "dtype", spec.FORMATS)]
    p = record(chip)
    return {"energy_j": number(arguments, "ac_ops") * add_j(code, p) + number(arguments, "mac_ops") * mac_j(code, p)}


def memory_access(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Joules of `bits` read from or written to an SRAM of `size_bytes`."""
    return {"energy_j": number(arguments, "bits") * sram_bit_j(number(arguments, "size_bytes", least=1), record(chip))}


def break_even_rate(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """The rate at which a spiking layer takes as many joules as its dense counterpart in one pass; above 1 spikes always pay, 0: never.

    ``r = (E_MAC + w + b x - T (x + m)) / (T (E_AC + w))`` per synapse: w the read of a weight, x one bit of an input shared by `fan_out` synapses, b
    the bits of a dense input, m a neuron's potential (read, written, updated) shared by `fan_in` synapses. Published convention: w = x = m = 0.
    """
    dtype_name = word(arguments, "dtype", spec.FORMATS)
    code, state_bits = spec.FORMATS[dtype_name]
    steps, fan_in, fan_out = whole(arguments, "timesteps"), whole(arguments, "fan_in"), whole(arguments, "fan_out")
    p, honest = record(chip), parse_options(mapping).honest(chip)
    bits = {"fp32": 32, "fp16": 16, "int8": 8}[dtype_name]
    weight = sram_bit_j(p.weight_memory_bytes, p) * bits / p.weight_uses_per_read if honest else 0.0
    value = sram_bit_j(p.spike_memory_bytes, p) / fan_out if honest else 0.0
    potential = (2 * state_bits * sram_bit_j(p.state_memory_bytes, p) + NEURON_OPERATIONS * add_j(code, p)) / fan_in if honest else 0.0
    dense = mac_j(code, p) + weight + bits * value
    standing = steps * (value + potential)
    return {"count": max(0.0, (dense - standing) / (steps * (add_j(code, p) + weight)))}


def synaptic_event(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """One spike that meets `fan_out` weights spread over `cores` of an event core. Raises `InvalidTrace` for a chip without a machine."""
    if chip.text("kind") != spec.EVENT_CORE:
        raise InvalidTrace(f"chip '{chip.name}' has no machine: synaptic_event is a primitive of chips of kind {spec.EVENT_CORE}")
    p = record(chip)
    targets, cores = whole(arguments, "fan_out"), whole(arguments, "cores", most=p.cores)
    code, state_bits = spec.FORMATS["int8"]
    share = -(-targets // cores)
    cycles = event_cycles(1.0, 1.0, float(-(-share // int(p.lanes))), 1.0, 1.0, p)
    synapse = add_j(code, p) + 8 * sram_bit_j(p.weight_memory_bytes, p) + 2 * state_bits * sram_bit_j(p.state_memory_bytes, p)
    arrival = p.hop_j + 2 * p.event_bits * sram_bit_j(p.spike_memory_bytes, p)
    return {"cycles": cycles, "latency_s": cycles / p.clock_hz, "energy_j": targets * synapse + cores * arrival}


PRIMITIVES = {
    p.name: p for p in (
        Primitive("synaptic_energy", "joules of accumulations and multiply-accumulates", synaptic_energy,
                  {"ac_ops": None, "mac_ops": None, "dtype": "fp32"}),
        Primitive("memory_access", "joules of bits of an SRAM", memory_access, {"bits": None, "size_bytes": None}),
        Primitive("break_even_rate", "firing rate at which a spiking layer costs what its dense counterpart does", break_even_rate,
                  {"timesteps": None, "fan_in": 512, "fan_out": 512, "dtype": "fp32"}),
        Primitive("synaptic_event", "one spike on an event core", synaptic_event, {"fan_out": None, "cores": 1}),
    )
}  # fmt: skip
