"""What a chip file of a cluster must state: every constant, its bounds, and the columns of the parameter table."""

from __future__ import annotations

from collections.abc import Iterable

from hwsim.core.chip import Chip
from hwsim.core.parameters import Constant, ParameterTable, constants
from hwsim.targets.cluster.layout import SOFT
from hwsim.targets.cluster.spec_kernels import KERNEL_CONSTANTS, KERNEL_NUMBERS, KERNEL_STRUCTURAL
from hwsim.targets.cluster.spec_network import NETWORK_CONSTANTS, NETWORK_NUMBERS, NETWORK_STRUCTURAL

STALL_POINTS = 3  # body sizes at which the stall of a hit in the shared instruction cache is known
MOST_CORES = 1024.0

STRUCTURE = (
    Constant("clock_hz"), Constant("fc_clock_hz"), Constant("voltage_v"),
    Constant("cores", least=1.0, most=MOST_CORES, whole=True), Constant("core_isa", text=True, words=("xpulp", "thumb2")),
    Constant("fpu_units", zero=True, whole=True), Constant("packed_half", zero=True, most=1.0, whole=True),
    Constant("dividers", least=1.0, whole=True),
    Constant("clock_points_hz", size=0, optional=True), Constant("voltage_points_v", size=0, optional=True),
    Constant("parts", text=True, optional=True), Constant("part_clock_hz", size=0, optional=True),
    Constant("part_energy_per_cycle_j", size=0, optional=True),
)  # fmt: skip
CORE = (
    *constants("alu_cycles mul_cycles mulh_cycles div_min_cycles div_cycles load_cycles store_cycles jump_cycles branch_cycles taken_cycles"),
    *constants("mac_cycles sdot_cycles event_load_cycles fp_cycles fma_cycles fdiv_cycles fdiv_half_cycles"),
    *constants("load_use_cycles mul_use_cycles misaligned_cycles call_cycles", zero=True),
    *constants("macs_per_cycle_int8 macs_per_cycle_int16 macs_per_cycle_int32 macs_per_cycle_fp32 macs_per_cycle_fp16 macs_per_cycle_int1"),
    Constant("instruction_bytes", least=2.0, most=4.0),
)  # fmt: skip
LIBRARY = (
    *(
        Constant(f"{library}_{what}", size=len(SOFT), optional=True)
        for library in ("libgcc", "rvfplib", "rvfplib_size") for what in ("cycles", "instructions", "code_bytes")
    ),
    Constant("libgcc_xpulp_factor", most=1.0), Constant("soft_instruction_bytes", least=2.0, most=4.0),
)  # fmt: skip
MEMORY = (
    Constant("tcdm_banks", least=1.0, whole=True), Constant("tcdm_bytes"), Constant("tcdm_word_bytes"),
    Constant("tcdm_lock_in", zero=True, most=1.0), Constant("tcdm_quiet_density", most=1.0), Constant("tcdm_full_density", most=1.0),
    Constant("icache_private_bytes", zero=True), Constant("icache_ways", least=1.0, whole=True), Constant("icache_line_bytes"),
    Constant("icache_shared_bytes"), Constant("icache_shared_stall_cycles", size=STALL_POINTS, zero=True),
    Constant("icache_shared_stall_bytes", size=STALL_POINTS), Constant("icache_miss_cycles", zero=True),
    Constant("l2_bytes"), Constant("l2_access_cycles"), Constant("l3_bytes", zero=True), Constant("l3_bytes_per_cycle"),
    *constants("dma_program_cycles dma_latency_cycles dma_line_cycles dma_minimum_cycles dma_poll_cycles", zero=True),
    *constants("dma_in_bytes_per_cycle dma_out_bytes_per_cycle dma_ports"),
)  # fmt: skip
PARALLEL = constants("barrier_cycles fork_spmd_cycles fork_pulp_runtime_cycles fork_gap_sdk_cycles", zero=True)
ENERGY = constants(
    "energy_per_cycle_j energy_voltage_v core_cycle_j tcdm_access_j base_cycle_j gated_core_cycle_j leakage_w dma_byte_j l3_byte_j", zero=True
)
AREA = constants("area_core_mm2 area_fpu_mm2 area_sram_mm2_per_byte area_cluster_rest_mm2 area_platform_mm2", zero=True)

MAPPING_NUMBERS = ("library", "xpulp_library", "runtime", "physical")
# filled by `prepare`: cycles, fetched bytes and code size of every floating-point operation; cycles of a fork
DERIVED_NUMBERS = (
    *(f"{op}_{what}" for op in SOFT for what in ("fetch_bytes", "code_bytes")), *(f"{op}_cycles" for op in SOFT if op != "fdiv"),
    "fdiv_soft_cycles", "emulated", "fork_cycles",
)  # fmt: skip
NUMBERS = (*MAPPING_NUMBERS, *DERIVED_NUMBERS, *KERNEL_NUMBERS, *NETWORK_NUMBERS)
PARAMETERS = ParameterTable(
    (*STRUCTURE, *CORE, *LIBRARY, *MEMORY, *PARALLEL, *ENERGY, *AREA, *KERNEL_CONSTANTS, *NETWORK_CONSTANTS), NUMBERS
)
# what encoding reads of a chip
STRUCTURAL = frozenset({
    "cores", "core_isa", "fpu_units", "packed_half", "tcdm_banks", "tcdm_bytes", "l2_bytes", "l3_bytes", "parts", "part_clock_hz",
    "part_energy_per_cycle_j",
    "clock_points_hz", "voltage_points_v", "instruction_bytes",
    *(f"macs_per_cycle_{d}" for d in ("int8", "int16", "int32", "fp32", "fp16", "int1")),
}) | KERNEL_STRUCTURAL | NETWORK_STRUCTURAL  # fmt: skip


def check_chip(chip: Chip) -> None:
    """Refuse a chip that lacks a constant, or states an impossible one. Raises `MissingParameter`, `InvalidChip`."""
    PARAMETERS.check(chip, _together)


def _together(chip: Chip) -> Iterable[str]:
    """What is wrong with several constants taken together."""
    if chip.number("tcdm_quiet_density") >= chip.number("tcdm_full_density"):
        yield "tcdm_quiet_density must be less than tcdm_full_density"
    if list(chip.vector("icache_shared_stall_bytes")) != sorted(chip.vector("icache_shared_stall_bytes")):
        yield "icache_shared_stall_bytes must rise"
    for one, other in (("clock_points_hz", "voltage_points_v"), ("part_clock_hz", "part_energy_per_cycle_j")):
        if (one in chip.params) != (other in chip.params):
            yield f"{one} and {other} go together"
        elif one in chip.params and len(chip.vector(one)) != len(chip.vector(other)):
            yield f"{one} and {other} need as many figures each"
    if "parts" in chip.params and ("part_clock_hz" not in chip.params or len(chip.text("parts").split()) != len(chip.vector("part_clock_hz"))):
        yield "parts needs one figure of part_clock_hz for each name"
    if chip.text("core_isa") == "xpulp" and not all(f"{lib}_cycles" in chip.params for lib in ("libgcc", "rvfplib", "rvfplib_size")):
        yield "a RISC-V cluster needs the emulation libraries (libgcc_*, rvfplib_*, rvfplib_size_*)"
