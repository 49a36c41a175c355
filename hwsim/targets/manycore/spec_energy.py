"""Constants of energy, power, supply rails and area, and the numbers that mapping and `set_power` add to a parameter record.

Energies are of the board above idle, regulator losses included, with all minions running at `energy_clock_hz` and `energy_voltage_v`. Where two
figures of one event are named ``_zeros_j`` and ``_random_j`` the operands decide between them.
"""

from __future__ import annotations

from itertools import pairwise

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidChip
from hwsim.core.parameters import Constant
from hwsim.tech.arithmetic import SAVED_NUMBERS

# codes of the mapping numbers
ZEROS, CONSTANT, RANDOM, UNSPECIFIED = 0, 1, 2, 3
DATA_CODES = {"zeros": ZEROS, "ones": CONSTANT, "constant": CONSTANT, "random": RANDOM, "unspecified": UNSPECIFIED}
BOARD, ABOVE_IDLE, AS_PUBLISHED = 0, 1, 2
SCOPE_CODES = {"board": BOARD, "board_above_idle": ABOVE_IDLE, "as_published": AS_PUBLISHED}
CARD_CODES = {"aifoundry2": 0, "aifoundry3": 1, "aifoundry1-c1": 2}

POINTS = 4  # operating points
CARDS = len(CARD_CODES)
# where bytes come from or go to
FROM_L1, FROM_L2, FROM_OWN_SCRATCHPAD, FROM_READ_BUFFER, FROM_REMOTE_SCRATCHPAD, FROM_L3, FROM_DRAM, FROM_DRAM_BY_L1 = range(8)
LEVEL_CODES = {"l1": FROM_L1, "l2": FROM_L2, "own_scp": FROM_OWN_SCRATCHPAD, "read_buffer": FROM_READ_BUFFER, "remote_scp": FROM_REMOTE_SCRATCHPAD,
               "l3": FROM_L3, "dram": FROM_DRAM}  # fmt: skip
# kinds of instruction
(ALU, NOP, FENCE, BRANCH, LOAD_WORD, VECTOR_LOAD, VECTOR_STORE, MULTIPLY, MULTIPLY_WORD, DIVIDE, DIVIDE_WORD, SCALAR_ADD, SCALAR_MULTIPLY, SCALAR_FMA,
 VECTOR_ADD, VECTOR_MULTIPLY, VECTOR_FMA, VECTOR_INTEGER, EXPONENTIAL, LOGARITHM, RECIPROCAL) = range(21)  # fmt: skip
# arithmetic of the tensor unit
TENSOR_FP32, TENSOR_FP16, TENSOR_INT8 = 1, 2, 3
TENSOR_CODES = {"fp32": TENSOR_FP32, "fp16": TENSOR_FP16, "int8": TENSOR_INT8}
DATA_EVENTS = ("l1_load", "l1_store", "own_load", "own_store", "remote_base", "remote_hop", "dram_load", "dram_store",
               "alu", "multiply", "load_word", "nop", "branch", "vector_integer", "exponential")  # fmt: skip
SHARES = ("rail_arithmetic_minion", "rail_arithmetic_sram", "rail_arithmetic_mesh", "rail_scratchpad_minion", "rail_scratchpad_sram",
          "rail_scratchpad_mesh", "rail_mesh_minion", "rail_mesh_sram", "rail_mesh_mesh", "rail_dram_minion", "rail_dram_sram", "rail_dram_mesh",
          "minion_leak_share", "sram_leak_share", "mesh_leak_share", "minion_fixed_share", "mesh_fixed_share")  # fmt: skip
FRACTIONS = ("unspecified_activity", "tile_activity", "counter_activity", "multiply_between", "divide_data_share",
             "fp16_random_share", "int8_random_share")  # fmt: skip
PLAIN = (
    "energy_clock_hz", "energy_voltage_v", "minion_switching_exponent", "idle_reference_c", "idle_leak_scale_c",
    "measured_shires", "measured_minions_per_shire", "measured_shire_sram_bytes", "measured_dram_channels",
)  # fmt: skip
MAY_BE_ZERO = (
    "mac_fp32_zeros_j", "mac_fp32_constant_j", "mac_fp32_random_j", "clocked_bit_j", "tensor_sequencer_w", "int8_tile_cycles",
    "fence_j", "fadd_zeros_j", "fadd_lane_j", "fmadd_zeros_j", "fmadd_lane_j", "divide_cycles",
    "minion_rail_loss", "send_pair_j", "send_shire_j", "send_mesh_base_j", "atomic_local_j",
    "spin_one_hart_w", "spin_two_harts_w", "stalled_minion_w",
    "idle_fixed_w", "idle_leak_w", "minion_leak_voltage_exponent", "dram_idle_w_per_channel", "published_static_w",
    "area_minion_mm2", "area_sram_mm2_per_byte", "area_shire_rest_mm2", "area_dram_channel_mm2", "area_other_mm2", "spare_shires",
)  # fmt: skip

ENERGY_CONSTANTS: tuple[Constant, ...] = (
    Constant("dvfs_clock_hz", size=POINTS),
    Constant("dvfs_voltage_v", size=POINTS),
    *(Constant(name) for name in PLAIN),
    *(Constant(name, zero=True) for name in MAY_BE_ZERO),
    *(Constant(f"{event}_{data}_j", zero=True) for event in DATA_EVENTS for data in ("zeros", "random")),
    *(Constant(name, zero=True, most=1.0) for name in (*SHARES, *FRACTIONS)),
    Constant("card_leak", size=CARDS),
    Constant("card_switching", size=CARDS),
    Constant("die_temperature_c", zero=True, least=-40.0, most=125.0),
)

# set by mapping: codes above, watts (0: the idle law), shares that L-Mul saves of a tensor MAC and of a product alone (0: standard multipliers)
MAPPING_NUMBERS = ("data", "card", "idle_power_w", "power_scope", *SAVED_NUMBERS, "saved_product")
SUMS = {"fp16": "fp32", "fp32": "fp32"}  # formats in which the tensor unit adds products up
# filled by `set_power`: operand activity 0..1, minion volts, scale of switching energy per kind of event, joules per byte, MAC or instruction
DERIVED_NUMBERS = (
    "activity", "minion_voltage_v", "scale_arithmetic", "scale_scratchpad", "scale_mesh", "scale_dram",
    "mac_fp32_j", "mac_fp16_j", "mac_int8_j", "l1_load_j", "l1_store_j", "own_load_j", "own_store_j", "remote_base_j", "remote_hop_j",
    "dram_load_j", "dram_store_j", "scalar_j", "vector_j", "exponential_j", "reciprocal_j",
)  # fmt: skip
ENERGY_NUMBERS = MAPPING_NUMBERS + DERIVED_NUMBERS
WHOLES = {  # shares that are parts of one whole
    **{f"dynamic energy of {kind}": tuple(f"rail_{kind}_{rail}" for rail in ("minion", "sram", "mesh"))
       for kind in ("arithmetic", "scratchpad", "mesh", "dram")},
    "leakage": ("minion_leak_share", "sram_leak_share", "mesh_leak_share"),
    "fixed idle power": ("minion_fixed_share", "mesh_fixed_share"),
}  # fmt: skip


def check_energy(chip: Chip) -> None:
    """Refuse shares of a whole that exceed it, operating points out of order, and operands that cost more at rest. Raises `InvalidChip`."""
    for whole, parts in WHOLES.items():
        if (total := sum(chip.number(name) for name in parts)) > 1:
            raise InvalidChip(f"chip '{chip.name}': {', '.join(parts)} are shares of the {whole} and add up to {total:g}, more than 1")
    clocks, volts = chip.vector("dvfs_clock_hz"), chip.vector("dvfs_voltage_v")
    if any(b <= a for a, b in pairwise(clocks)) or any(b < a for a, b in pairwise(volts)):
        raise InvalidChip(f"chip '{chip.name}': dvfs_clock_hz must rise, and dvfs_voltage_v must not fall, from point to point")
    steps = [("mac_fp32_constant_j", "mac_fp32_random_j"), *((f"{event}_zeros_j", f"{event}_random_j") for event in DATA_EVENTS)]
    for rest, busy in steps:
        if chip.number(rest) > chip.number(busy):
            raise InvalidChip(f"chip '{chip.name}': {busy} must be at least {rest}: operands that switch take more energy")
