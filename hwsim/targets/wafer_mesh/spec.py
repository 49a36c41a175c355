"""What a chip file of this kind states; a constant that may be left out is refused only where it is needed."""

from __future__ import annotations

from collections.abc import Iterator

from hwsim.core.chip import Chip
from hwsim.core.parameters import Constant, ParameterTable, constants
from hwsim.tech.arithmetic import SAVED_NUMBERS

NUMBERS = (
    "prefill_w", "prefill_h", "decode_w", "decode_h", "gemm", "gemv", "collective", "reduce", "groups", "rounds", "system", "activity", "concat",
    "prefill_handovers", "decode_handovers", "relaid_wavelets",
    *SAVED_NUMBERS,
    "groups_w", "groups_h",  # derived: the groups of the trees along rows and columns of the decode grid
)  # fmt: skip
PARAMETERS = ParameterTable(
    (
        *constants("clock_hz hop_cycles ramp_cycles gemv_ramp_cycles fp16_mac_per_cycle fp32_mac_per_cycle fmac_cycles_per_mac"),
        *constants("fmac_call_cycles gemm_per_k_cycles gemm_step_cycles gemv_fixed_cycles call_fixed_cycles", zero=True),
        *constants("shift_round_cycles shift_beyond_cycles operator_switch_cycles transcendental_cycles", zero=True),
        *constants("software_relay_cycles library_call_cycles", zero=True),
        *constants("vendor_allreduce_fixed_cycles vendor_allreduce_per_hop_cycles", zero=True, optional=True),
        *constants("t10_relay_cycles t10_step_cycles t10_word_cycles", zero=True, optional=True),
        *constants("ladder_collective_cycles ladder_word_cycles ladder_cycles_per_mac", zero=True, optional=True),
        *constants("mac_fp16_j mac_fp32_j sram_j_per_byte link_j_per_bit core_active_j_per_cycle core_idle_w", zero=True),
        *constants("chip_power_w cores_marketed core_area_mm2 die_area_mm2"),
        *constants("sram_area_share", zero=True, most=1),
        *constants("core_peak_power_w", zero=True, optional=True),
        # read when mapping, and by primitives
        Constant("grid_usable", size=2, whole=True, priced=False),
        Constant("colours", whole=True, priced=False),
        Constant("reserved_colours", zero=True, whole=True, priced=False),
        *constants("sram_bytes_per_core sram_bytes_per_cycle link_bits_per_cycle offwafer_bits_per_s", priced=False),
        *constants("reserved_bytes_per_core", zero=True, priced=False),
        *constants("sram_banks input_queues output_queues multicast_task_cycles", zero=True, priced=False, optional=True),
        *constants("loop_idle_step_cycles loop_transfer_cycles loop_call_cycles loop_slot_cycles", zero=True, priced=False, optional=True),
        *constants("loop_hidden_cycles", zero=True, priced=False, optional=True),
    ),
    NUMBERS,
)


def contradictions(chip: Chip) -> Iterator[str]:
    """What is wrong with a wafer's constants taken together."""
    width, height = chip.vector("grid_usable")
    cores = chip.number("cores_marketed")
    if width * height > cores:
        yield f"grid_usable {width:g} x {height:g} holds more cores than cores_marketed {cores:,.0f}"
    if cores * chip.number("core_area_mm2") > chip.number("die_area_mm2"):
        yield "cores_marketed x core_area_mm2 exceeds die_area_mm2"
    if chip.number("reserved_bytes_per_core") >= chip.number("sram_bytes_per_core"):
        yield "reserved_bytes_per_core leaves no memory"
    if chip.number("fmac_cycles_per_mac") * chip.number("fp16_mac_per_cycle") < 1 - 1e-9:
        yield "fmac_cycles_per_mac is faster than fp16_mac_per_cycle allows"
