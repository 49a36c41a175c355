"""What a processor's chip file states, and the records that the price function reads and fills.

Constants of a cluster (``prime``, ``big``, ``little``: fastest first) bear its name; a chip states those of the clusters that it has.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hwsim.core.chip import Chip
from hwsim.core.parameters import Constant, ParameterTable, constants
from hwsim.core.program import Slot

CLUSTERS = ("prime", "big", "little")
# kinds of operator, as this target prices them
UNMODELLED, PRODUCT, DEPTHWISE, VECTOR, ATTENTION, FUSED = 0, 1, 2, 3, 4, 5
# arithmetic of a product; WIDENED: stored in 16 bits, converted to fp32; QUANTISED: narrow weights under floating-point activations
FP32, FP16, INT8, FP64, WIDENED, QUANTISED = 1, 2, 3, 4, 5, 6
RUNTIMES = ("compiled", "interpreter", "framework")

OP_FIELDS = (
    "kind", "arithmetic", "calls",  # calls: operators that the runtime dispatches
    "batch", "m", "k", "n", "window",  # products; depthwise: m outputs a channel, n channels, window taps
    "m2", "k2", "n2",  # attention's second product
    "pieces",  # equal parts that threads can share: rows of a depthwise output, blocks of elements
    "connections",  # stored non-zeros of sparse weights (0: dense)
    "element_bytes", "elementary", "functions",  # elementary operations: plain ones, and those inside transcendental functions
    "activation_bytes", "weight_bytes", "reread_bytes",  # reread: weights read again by later steps of a recurrence
    "resident_bytes",  # what one inference touches: all weights, and the largest pair of activations
    "macs", "compulsory_bytes",
)  # fmt: skip
OP_DTYPE = np.dtype([(name, np.float64) for name in OP_FIELDS])

OF_CLUSTER = (
    "clock_hz", "fp32_macs_per_cycle", "fp16_macs_per_cycle", "int8_macs_per_cycle", "load_bytes_per_cycle", "l1_bytes", "l2_bytes",
    "l2_bytes_per_cycle", "stream_bytes_per_s", "active_w", "power_clock_hz",
)  # fmt: skip
MAY_BE_ZERO = ("fp16_macs_per_cycle", "l2_bytes")  # no such arithmetic; no cache of their own beyond the first
MOST_CORES = 1024.0


def _clusters() -> Iterator[Constant]:
    for cluster in CLUSTERS:
        yield Constant(f"{cluster}_cores", zero=True, whole=True, most=MOST_CORES)
        for name in OF_CLUSTER:
            yield Constant(f"{cluster}_{name}", zero=name in MAY_BE_ZERO, optional=True)


# filled by `prepare` from the clusters whose cores take part
DERIVED = (
    "clock_hz", "threads", "fp32_rate", "fp16_rate", "int8_rate", "load_rate", "clock_rate",  # sums over threads, per second
    "lead_fp32_rate", "lead_fp16_rate", "lead_int8_rate", "lead_load_rate", "lead_clock_rate",  # of the fastest core
    "l1_held_bytes", "l2_held_bytes", "l2_rate", "shared_rate", "stream_rate", "active_power_w", "lead_power_w", "call_s",
)  # fmt: skip
NUMBERS = (*(f"{cluster}_threads" for cluster in CLUSTERS), "runtime", "cold", "above_idle", "wall", *DERIVED)

PARAMETERS = ParameterTable(
    (
        *_clusters(),
        *constants("vector_bytes int8_depth tile_rows tile_vectors", whole=True),
        *constants("product_fraction quantised_fraction", most=1),
        *constants("tile_start_cycles gather_cycles", zero=True),
        *constants("sparse_rows", whole=True),
        Constant("depthwise_loads", least=1),
        Constant("function_cost", least=1),
        *constants("shared_cache_bytes system_cache_bytes", zero=True),
        *constants("shared_bytes_per_cycle dram_bytes_per_s"),
        Constant("exposed", zero=True, most=1),
        *constants("compiled_call_s interpreter_call_s framework_call_s fork_s", zero=True),
        *constants("mac_j operation_j dram_j_per_byte idle_w", zero=True),
        Constant("power_exponent", least=1, most=4),
        Constant("supply_fixed_w", zero=True, optional=True),
        Constant("supply_slope", least=1, optional=True),
        # read when mapping, and by primitives
        Constant("dram_bytes", priced=False),
        Constant("system_bytes", zero=True, priced=False),
        Constant("stream_triad_bytes_per_s", priced=False, optional=True),
    ),
    NUMBERS,
)
STRUCTURAL = frozenset({"dram_bytes", "system_bytes", *(f"{cluster}_cores" for cluster in CLUSTERS)})

SLOTS = (
    Slot("dispatch", "cycles", "core", 0),
    Slot("fork", "cycles", "core", 1),
    Slot("compute", "cycles", "core", 2),
    Slot("l2", "cycles", "l2", 2),
    Slot("shared_cache", "cycles", "shared cache", 2),
    Slot("dram", "cycles", "dram", 2),
    Slot("exposed", "cycles", "core", 3),  # what arithmetic and memory do not hide of each other
    Slot("cores", "joules"),
    Slot("arithmetic", "joules"),
    Slot("dram_traffic", "joules"),
    Slot("supply", "joules"),  # lost between the wall and the board
    Slot("register_bytes", "bytes", "registers"),  # passes that a runtime applies before a result is stored
    Slot("cache_bytes", "bytes", "cache"),
    Slot("dram_bytes", "bytes", "dram"),
    Slot("roofline", "roofline", "core"),
)
RESOURCES = {"core": 1, "l2": 1, "shared cache": 1, "dram": 1}


def check_chip(chip: Chip) -> None:
    """Refuse a chip that lacks a constant, states impossible ones, or has no cores. Raises `InvalidChip`, `MissingParameter`."""
    PARAMETERS.check(chip, _together)


def _together(chip: Chip) -> Iterator[str]:
    """What is wrong with several constants taken together."""
    if not any(chip.number(f"{cluster}_cores") for cluster in CLUSTERS):
        yield "no cluster has cores"
    for cluster in CLUSTERS:
        missing = [f"{cluster}_{name}" for name in OF_CLUSTER if f"{cluster}_{name}" not in chip.params]
        if chip.number(f"{cluster}_cores") and missing:
            yield f"{cluster} cores need {', '.join(missing)}"
    if ("supply_fixed_w" in chip.params) != ("supply_slope" in chip.params):
        yield "supply_fixed_w and supply_slope go together"


def clusters_of(chip: Chip) -> tuple[str, ...]:
    """Names of the clusters that have cores, fastest first."""
    return tuple(cluster for cluster in CLUSTERS if chip.number(f"{cluster}_cores") > 0)
