"""What the chip file of a manycore states, and the records that its mechanisms read."""

from __future__ import annotations

import math

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidChip
from hwsim.core.parameters import Constant, ParameterTable
from hwsim.targets.manycore.spec_energy import ENERGY_CONSTANTS, ENERGY_NUMBERS, check_energy

MAP_SIZE = 32  # compute shires of the drawn map; another count is laid out on a near-square grid
MEMORY_SHIRES = 8
FRACTION = 1.0
LANE_MACS = {"fp32": 1.0, "fp16": 2.0, "int8": 8.0}  # MACs per cycle of one lane of the tensor unit
WHOLE = (
    "shires", "minions_per_shire", "neighbourhoods_per_shire", "shires_on_die", "dram_channels", "harts_per_minion", "lanes", "line_bytes",
    "register_bytes", "vector_registers", "tile_rows", "tile_cols", "tile_words", "outstanding_lines", "load_units", "l1_miss_handlers",
    "banks_per_shire", "cache_ways", "l1_scratchpad_lines",
)  # fmt: skip


def _several(*names: str) -> tuple[Constant, ...]:
    return tuple(Constant(name) for name in names)


def _vector(name: str, size: int) -> Constant:
    return Constant(name, zero=True, least=-64.0, most=64.0, size=size)


STRUCTURE = (
    *_several("clock_hz", "noc_clock_hz", "shires_on_die", "minions_per_shire", "neighbourhoods_per_shire", "harts_per_minion"),
    Constant("shires", least=1.0, most=4096.0),
    _vector("shire_x", MAP_SIZE), _vector("shire_y", MAP_SIZE),
    _vector("memory_shire_x", MEMORY_SHIRES), _vector("memory_shire_y", MEMORY_SHIRES),
)  # fmt: skip
TENSOR = _several(
    "macs_per_cycle_fp32", "macs_per_cycle_fp16", "macs_per_cycle_int8", "tile_rows", "tile_cols", "tile_words",
    "fma_hazard_cycles", "fma_hazard_int8_cycles", "fma_port_fp", "fma_port_int8", "fma_port_int8_one_row",
    "fma_fill_hidden_int8_cycles", "fma_pair_early_cycles",
    "fma_fill_l1_fp_cycles", "fma_fill_l1_int8_cycles", "fma_fill_tenb_fp_cycles", "fma_fill_tenb_int8_cycles",
    "fma_tail_fp_cycles", "fma_tail_int8_cycles", "fma_line_slack_cycles", "tensor_issue_cycles", "quant_float_cycles",
)  # fmt: skip
MEMORY = (
    *_several(
        "line_bytes", "outstanding_lines", "load_units", "load_round_trip_cycles", "load_beat_cycles", "load_extra_cycles", "l1_miss_handlers",
        "l1_latency_cycles", "read_buffer_latency_cycles", "l2_latency_cycles", "remote_latency_cycles", "remote_latency_s", "hop_round_trip_s",
        "l3_latency_cycles", "l3_latency_s", "dram_latency_cycles", "dram_latency_s", "dram_row_conflict_s",
        "banks_per_shire", "bank_line_cycles", "shire_bytes_per_cycle", "read_buffer_bytes_per_cycle",
        "scp_store_bytes_per_cycle", "l1_port_bytes_per_cycle", "scratchpad_bytes", "l2_bytes", "l3_bytes", "cache_ways",
        "l1_bytes_per_hart", "l1_scratchpad_lines", "mesh_link_bytes_per_noc_cycle",
        "dram_channels", "dram_channel_bytes_per_s", "dram_bytes", "refresh_interval_s",
    ),
    Constant("dram_efficiency", most=FRACTION), Constant("read_buffer_share", most=FRACTION), Constant("dram_store_l1_share", most=FRACTION),
    Constant("hart1_extra_cycles", zero=True), Constant("refresh_s", zero=True),
)  # fmt: skip
SYNC = _several(
    "barrier_shire_cycles", "barrier_chip_cycles", "credit_shire_cycles", "credit_mesh_cycles", "credit_hop_s",
    "send_tree_cycles", "send_shire_cycles", "send_mesh_cycles", "send_register_tree_cycles", "send_register_cycles", "send_register_ring_cycles",
    "send_link_bytes_per_s", "send_far_hops", "send_far_hop_s", "register_bytes", "atomic_remote_cycles", "atomic_bank_cycles",
)  # fmt: skip
ISSUE = _several(
    "issue_alu", "issue_vector", "issue_load", "issue_transcendental", "issue_reciprocal", "issue_move", "issue_mul", "issue_mulw", "issue_div",
    "issue_divw", "issue_branch", "issue_bypass_load", "issue_atomic", "issue_one_hart", "lanes", "vector_registers", "loop_unroll",
)  # fmt: skip
HOST = _several("launch_queued_s", "launch_sync_s", "kernel_extra_s", "host_to_card_bytes_per_s", "card_to_host_bytes_per_s", "half_rate_bytes")

# filled by `set_network`
NETWORK_NUMBERS = (
    "home_hops", "memory_hops", "l3_cycles", "dram_cycles", "remote_cycles", "dram_bytes_per_s", "dram_bytes_per_cycle",
    "dram_store_l1_bytes_per_s", "l3_bytes_per_cycle",
)  # fmt: skip
# set by mapping, besides those of the energy model
MAPPING_NUMBERS = ("workers",)  # minions that take part
# filled by `kernels.prepare`: bytes per cycle of a minion's lines in flight by level, of a mesh link; joules of a scalar multiply-add, and what L-Mul
# saves of it and of a vector one
PRICE_NUMBERS = ("own_flight", "l3_flight", "remote_flight", "dram_flight", "link_bytes_per_cycle", "scalar_float_j", "scalar_saved_j",
                 "vector_saved_j")  # fmt: skip
NUMBERS = (*NETWORK_NUMBERS, *MAPPING_NUMBERS, *PRICE_NUMBERS, *ENERGY_NUMBERS)
PARAMETERS = ParameterTable((*STRUCTURE, *TENSOR, *MEMORY, *SYNC, *ISSUE, *HOST, *ENERGY_CONSTANTS), NUMBERS)


def check_chip(chip: Chip) -> None:
    """Refuse a chip that lacks a constant, or states an impossible one. Raises `MissingParameter`, `InvalidChip`."""
    PARAMETERS.check(chip)
    check_energy(chip)
    for name in WHOLE:
        value = chip.number(name)
        if value != math.floor(value) or value < 1:
            raise InvalidChip(f"chip '{chip.name}': {name} is a whole number of at least 1, got {value:g}")
    if chip.number("harts_per_minion") > 2:
        raise InvalidChip(f"chip '{chip.name}': harts_per_minion is 1 or 2: issue rates of more harts on one slot are not known")
    if chip.number("minions_per_shire") % chip.number("neighbourhoods_per_shire"):
        raise InvalidChip(f"chip '{chip.name}': minions_per_shire is a multiple of neighbourhoods_per_shire")
    _check_tensor(chip)


def _check_tensor(chip: Chip) -> None:
    """Refuse a tensor unit whose figures contradict each other: its cycles follow from lanes, its peak is stated. Raises `InvalidChip`."""
    lanes = chip.number("lanes")
    wanted = {"tile_cols": 2.0 * lanes, **{f"macs_per_cycle_{dtype}": lanes * each for dtype, each in LANE_MACS.items()}}
    for name, value in wanted.items():
        if chip.number(name) != value:
            raise InvalidChip(f"chip '{chip.name}': {name} is {value:g} with {lanes:g} lanes (a row of C is two vectors), got {chip.number(name):g}")
    room = chip.number("vector_registers") * lanes
    if chip.number("tile_rows") * chip.number("tile_cols") > room:
        raise InvalidChip(f"chip '{chip.name}': tile_rows x tile_cols accumulators exceed the {room:g} words of the vector registers")
