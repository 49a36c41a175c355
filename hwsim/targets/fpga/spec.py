"""What a device file and a design file state: every constant of the target, declared once.

A chip of this target is a device, or a device with a design on it. A bare device states the `DEVICE` constants; a design adds `DESIGN` and those of
its engine (`CONSTANTS` of the engine's own ``spec``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidChip, nearest
from hwsim.core.parameters import Constant, ParameterTable
from hwsim.targets.fpga.dpu import spec as dpu
from hwsim.targets.fpga.edge_moe import spec as edge_moe
from hwsim.targets.fpga.flightllm import spec as flightllm
from hwsim.targets.fpga.stream import spec as stream
from hwsim.targets.fpga.systolic import spec as systolic
from hwsim.targets.fpga.weight_stream import spec as weight_stream
from hwsim.tech.arithmetic import SAVED_NUMBERS

# The engines' own declarations (CODE, CONSTANTS, NUMBERS, FIELDS), by engine name
ENGINE_SPECS: dict[str, ModuleType] = {"systolic": systolic, "flightllm": flightllm, "dpu": dpu, "edge_moe": edge_moe,
                                       "stream": stream, "weight_stream": weight_stream}  # fmt: skip

DSP48, DSP58 = "dsp48e2", "dsp58"
OPERATIONS = (
    "add_int8", "add_int16", "add_int32", "add_fp16", "add_fp32", "mul_int8", "mul_int32", "mul_fp16", "mul_fp32", "dram_access", "synapse",
)  # fmt: skip
RESOURCES = ("lut", "ff", "bram", "uram", "dsp")

ENERGIES = (  # of single operations (hwsim.tech.arithmetic)
    *(Constant(f"{name}_j", priced=False) for name in OPERATIONS),
    Constant("sram_access_bytes", size=3, priced=False),
    Constant("sram_access_j", size=3, priced=False),
)
DEVICE = (
    Constant("dies"),
    *(Constant(name, zero=True) for name in RESOURCES),
    *(Constant(f"shell_{name}", zero=True) for name in RESOURCES),
    Constant("sll_per_pair", zero=True, priced=False),
    # DSP slices
    Constant("dsp_type", text=True, words=(DSP48, DSP58)),
    Constant("dsp_mult_bits", size=2, priced=False),
    Constant("dsp_accumulator_bits", priced=False),
    Constant("dsp_fmax_hz"),
    Constant("dsp_int8_macs", least=1),
    Constant("dsp_int4_macs", least=1),
    Constant("dsp_lane_bits", priced=False),
    Constant("dsp_region_column", priced=False),
    Constant("dsp_chain_first_s", optional=True, priced=False),
    Constant("dsp_chain_next_s", optional=True, priced=False),
    # HBM: 0 channels = none
    Constant("hbm_channels", zero=True),
    Constant("hbm_channel_bytes_per_s", zero=True),
    Constant("hbm_total_bytes_per_s", zero=True),
    Constant("hbm_bytes", zero=True),
    Constant("hbm_switch_channels", least=1),
    Constant("hbm_stream_efficiency", most=1),
    Constant("hbm_gap_s", zero=True),
    Constant("hbm_shared_efficiency", most=1),
    Constant("hbm_crossing_efficiency", most=1),
    Constant("hbm_latency_s", zero=True),
    # DDR and the AXI ports in front of it
    Constant("ddr_channels", zero=True),
    Constant("ddr_channel_bytes_per_s", zero=True),
    Constant("ddr_bytes", zero=True),
    Constant("ddr_efficiency", most=1),
    Constant("ddr_refresh_s", zero=True),
    Constant("ddr_refresh_interval_s"),
    Constant("ddr_row_switch_s", zero=True),
    Constant("ddr_page_bytes"),
    Constant("ddr_pages_per_transfer", least=1),
    Constant("ddr_latency_s", zero=True),
    Constant("axi_ports", zero=True),
    Constant("axi_port_bits", least=8),
    Constant("axi_clock_hz"),
    # power
    Constant("idle_w", zero=True),
    Constant("board_max_w", zero=True, priced=False),
    Constant("lut_j_per_cycle", zero=True),
    Constant("dsp_j_per_cycle", zero=True),
    Constant("bram_j_per_cycle", zero=True),
    Constant("uram_j_per_cycle", zero=True),
    Constant("mac_j", zero=True),
    Constant("hbm_j_per_byte", zero=True),
    Constant("ddr_j_per_byte", zero=True),
    Constant("on_chip_j_per_byte", zero=True),
    # words
    Constant("default_design", text=True, optional=True),
)
DESIGN = (Constant("design", text=True), Constant("engine", text=True), Constant("design_clock_hz"),
          Constant("request_busy_share", most=1, optional=True, priced=False))  # fmt: skip
NUMBERS = (  # of the parameter record, besides constants
    "engine_code", "clock_hz",  # clock_hz: of the design, filled by `prepare`
    "lut_used", "ff_used", "bram_used", "uram_used", "dsp_used",
    *SAVED_NUMBERS,
    "clocked",  # share of the clocking power that gating leaves
)  # fmt: skip


def _merged(*groups: tuple[Constant, ...]) -> tuple[Constant, ...]:
    """All constants by name; one that several engines declare is declared alike."""
    found: dict[str, Constant] = {}
    for constant in (c for group in groups for c in group):
        if found.setdefault(constant.name, constant) != constant:
            raise InvalidChip(f"constant '{constant.name}' is declared in two ways")
    return tuple(found.values())


def _engine_numbers() -> tuple[str, ...]:
    return tuple(dict.fromkeys(n for module in ENGINE_SPECS.values() for n in module.NUMBERS))


TABLE_ONLY = ParameterTable(ENERGIES)
BARE = ParameterTable(DEVICE)
COMPOSED = {name: ParameterTable(_merged(DEVICE, DESIGN, module.CONSTANTS)) for name, module in ENGINE_SPECS.items()}
_ANY = tuple(replace(c, optional=True) for c in _merged(DESIGN, *(module.CONSTANTS for module in ENGINE_SPECS.values())))
PARAMETERS = ParameterTable((*DEVICE, *_ANY), (*NUMBERS, *(n for n in _engine_numbers() if n not in NUMBERS)))


def check_chip(chip: Chip) -> None:
    """Refuse a device, a device with a design, or a table of operation energies, that lacks a constant or states an impossible or unknown one.

    Raises `MissingParameter`, `InvalidChip`.
    """
    if "engine" not in chip.params:
        if "mul_fp32_j" in chip.params and "dies" not in chip.params:
            TABLE_ONLY.check(chip)
        else:
            BARE.check(chip, contradictions)
        return
    engine = chip.text("engine")
    if engine not in COMPOSED:
        raise InvalidChip(f"chip '{chip.name}': no engine '{engine}'{nearest(engine, COMPOSED)}; there are {', '.join(COMPOSED)}")
    COMPOSED[engine].check(chip, contradictions)


def contradictions(chip: Chip) -> Iterator[str]:
    """What is wrong with the constants of a device, or of a device and its design, taken together."""
    for name in RESOURCES:
        if chip.number(f"shell_{name}") > chip.number(name):
            yield f"shell_{name} exceeds {name}"
    if chip.number("ddr_refresh_s") >= chip.number("ddr_refresh_interval_s"):
        yield "ddr_refresh_s reaches ddr_refresh_interval_s"
    if chip.text("dsp_type") == DSP58 and not {"dsp_chain_first_s", "dsp_chain_next_s"} <= set(chip.params):
        yield "dsp58 slices need dsp_chain_first_s and dsp_chain_next_s"
    if "design_clock_hz" in chip.params and chip.number("design_clock_hz") > chip.number("dsp_fmax_hz"):
        yield "design_clock_hz exceeds dsp_fmax_hz, the clock of a fully registered DSP slice"
