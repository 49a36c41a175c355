"""What a chip of this target states, the columns of its operator table, and the slots of its price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from hwsim.core.chip import Chip
from hwsim.core.parameters import Constant, ParameterTable, constants
from hwsim.core.program import Slot

OPERATIONS, EVENT_CORE = "operations", "event_core"
SIZES = 3  # memories of the table of access energies
WORD_BITS = 64  # of one access in that table
FORMATS: Mapping[str, tuple[int, int]] = {"fp32": (0, 32), "fp16": (1, 16), "int8": (2, 16)}  # code, bits of a membrane potential or partial sum
CORE = (
    Constant("clock_hz", optional=True), Constant("cores", whole=True, least=1, optional=True), Constant("lanes", whole=True, least=1, optional=True),
    Constant("update_lanes", whole=True, least=1, optional=True), Constant("queue_events", whole=True, least=1, optional=True),
    *constants("event_cycles router_cycles hop_cycles", optional=True), *constants("hop_j core_static_w", zero=True, optional=True),
    Constant("event_bits", optional=True), *constants("sram_mm2_per_byte core_logic_mm2", optional=True),
)  # fmt: skip
PARAMETERS = ParameterTable(
    (
        Constant("kind", text=True, words=(OPERATIONS, EVENT_CORE)),
        *constants("add_int8_j add_int32_j mul_int32_j dram_access_j synapse_j", priced=False),
        *constants("add_int16_j add_fp16_j add_fp32_j mul_int8_j mul_fp16_j mul_fp32_j"),
        *constants("sram_access_bytes sram_access_j", size=SIZES),
        *constants("weight_memory_bytes state_memory_bytes spike_memory_bytes"),
        Constant("weight_uses_per_read", least=1.0),
        *CORE,
    ),
    numbers=("honest", "event_core", "mesh_hops"),
)
STRUCTURAL = frozenset({"cores", "lanes", "weight_memory_bytes", "state_memory_bytes"})
COUNTS = ("dense_ops", "dense_ops_attention", "ac_ops_layers", "ac_ops_attention", "mac_ops", "neuron_updates")
FIELDS = np.dtype([
    (name, np.float64) for name in (
        "macs", "compulsory_bytes", "format", "state_bits", "weight_bits", *COUNTS,
        "weight_reads", "state_accesses", "elementary", "activation_bits",  # words, words, operations, bits, over all timesteps
        "events", "steps", "reached", "used", "words", "targets", "sparse",  # see `hwsim.targets.spiking.events`
    )
])  # fmt: skip
SLOTS = (
    Slot("route", "cycles", "network", 0), Slot("synapse", "cycles", "cores", 0), Slot("neuron", "cycles", "cores", 1),
    Slot("accumulate", "joules"), Slot("multiply_accumulate", "joules"), Slot("weight_read", "joules"), Slot("membrane", "joules"),
    Slot("neuron_update", "joules"), Slot("activation", "joules"), Slot("routing", "joules"),
    *(Slot(name, "note") for name in COUNTS),
)  # fmt: skip
RESOURCES = {"network": 1, "cores": 1}
PARTS: Mapping[str, tuple[str, ...]] = {
    "ac_ops": ("ac_ops_layers", "ac_ops_attention"), "operations": ("accumulate", "multiply_accumulate"),
    "memory": ("weight_read", "membrane", "activation"),
}  # fmt: skip


def together(chip: Chip) -> Iterable[str]:
    """What is wrong with the constants of a chip taken together: an event core states its machine in full, another chip none of it."""
    stated = [c.name for c in CORE if c.name in chip.params]
    if chip.text("kind") == EVENT_CORE:
        yield from (f"an {EVENT_CORE} states {c.name}" for c in CORE if c.name not in stated)
    elif stated:
        yield f"a chip of kind {OPERATIONS} has no machine, so it states no {', '.join(stated)}"
    if list(sizes := chip.vector("sram_access_bytes")) != sorted({*sizes}):
        yield "sram_access_bytes must rise"
