"""What a chip of tiles states: its structure, converters, and the components that each level of it consists of.

A component is stated as ``<name>_count`` (per instance of its level), ``<name>_w`` (at full activity, without leakage), ``<name>_leak_w``,
``<name>_mm2``, each of one instance; a chip without it leaves all of them out. Energies per action are ``<name>_j`` where they are published.
"""

from __future__ import annotations

from collections.abc import Iterator

from hwsim.core.chip import Chip
from hwsim.core.parameters import Constant
from hwsim.targets.crossbar.analog.constants import CONSTANTS as ANALOG

CODE = 20.0
ENCODINGS = ("bit_serial",)
UNIT, CORE, TILE, CHIP = "unit", "core", "tile", "chip"
ADC, ARRAY, ROUTER = "adc", "array", "router"  # their numbers follow from the structure
COUNTED = {  # components with a stated number, by the level that they belong to
    UNIT: ("dac", "sample_hold", "shift_add", "input_register", "output_register_ima"),
    CORE: ("vector_unit", "activation_unit", "data_memory", "instruction_memory", "core_control"),
    TILE: ("edram", "edram_control", "edram_bus", "sigmoid_unit", "max_pool", "tile_shift_add", "output_register_tile", "tile_instruction_memory",
           "attribute_buffer", "receive_buffer", "tile_control"),
    CHIP: ("chip_link",),
}  # fmt: skip
LEVEL_OF = {ADC: UNIT, ARRAY: UNIT, ROUTER: TILE, **{name: level for level, names in COUNTED.items() for name in names}}


def _component(name: str) -> tuple[Constant, ...]:
    counted = () if name in (ADC, ARRAY, ROUTER) else (Constant(f"{name}_count", zero=True, optional=True, whole=True),)
    area = Constant(f"{name}_mm2", zero=True, optional=name not in (ADC, ARRAY, ROUTER))
    return (*counted, Constant(f"{name}_w", zero=True, optional=True), Constant(f"{name}_leak_w", zero=True, optional=True), area)


CONSTANTS = (
    # structure
    *(Constant(name, least=1, whole=True) for name in ("chips", "chip_tiles", "cores_per_tile", "units_per_core", "array_count")),
    Constant("array_rows", least=1, whole=True),
    Constant("array_columns", least=2, whole=True),
    Constant("bits_per_cell", least=1, whole=True),
    Constant("bits_per_read", least=1, whole=True),  # of an input, in one read of the array
    Constant("read_s"),
    Constant("node_nm"),
    Constant("pipelined", zero=True, most=1, whole=True),  # 1: the next vector's reads follow without a gap; 0: one step after another
    Constant("operand_bits", least=1, whole=True, priced=False),  # the format that networks without one are run in
    Constant("digital_hz", optional=True),  # of digital units; left out: clock_hz
    # converters
    Constant("columns_per_adc", least=1, whole=True),  # that take turns on one; more than array_columns: several arrays do
    Constant("adc", text=True, words=("nl_ramp", "linear_ramp", "sar", "mlsa")),
    Constant("adc_bits", least=1, most=16, whole=True),
    Constant("adc_published_bits", least=1),
    Constant("adc_conversion_s", zero=True),  # of any resolution
    Constant("adc_s_per_bit", zero=True),  # further time per bit
    Constant("adc_j"),  # at adc_published_bits
    Constant("adc_dac_energy_share", zero=True, most=1),
    Constant("adc_dac_area_share", zero=True, most=1),
    # components
    *(c for name in LEVEL_OF for c in _component(name)),
    # energies per action; a component without one takes its power times the time of the action
    Constant("dac_j", optional=True),  # one row, one read
    Constant("shift_add_j"),  # one 16-bit operation
    Constant("edram_j"),  # one access
    Constant("edram_access_bits", least=1),
    Constant("edram_access_s"),
    Constant("edram_bytes", priced=False),
    Constant("edram_bus_j"),  # one bit
    Constant("edram_bus_bits", least=1),
    Constant("router_j"),  # router_action_bits through one router
    Constant("router_action_bits", least=1),
    # vector lanes of a core: power of one lane that multiplies, or does anything else
    Constant("vector_lanes", zero=True, optional=True, whole=True),
    Constant("vector_multiply_w", optional=True),
    Constant("vector_other_w", optional=True),
    # network on chip and chip link
    Constant("tiles_per_router", least=1, whole=True),
    Constant("packet_bits", least=1),
    Constant("noc_injection", size=5),  # packets per cycle and node
    Constant("noc_cycles", size=5),  # of a packet at these injections
    Constant("chip_link_j"),  # one packet; information: the link's power flows whether it works or not
    Constant("chip_link_bytes_per_s"),
    Constant("wire_ohm"),  # of a row or column, per cell: for the accuracy of results
    *ANALOG,
)
NUMBERS: tuple[str, ...] = ()
FIELDS = (
    "tiles_held",  # tiles that hold one matrix with its copies, or the matrix that a digital operator follows
    "host_reads",  # reads of the array, one after another, of the matrix that a digital operator follows
    "functions", "products", "additions", "comparisons",  # of a digital operator; functions: evaluations of a nonlinear one
    "extra_bits",  # operands of a digital operator that come from the tile's memory
)  # fmt: skip


def contradictions(chip: Chip) -> Iterator[str]:
    """What is wrong with the constants taken together."""
    if chip.text("adc") != "sar":
        yield f"adc is sar on this chip, got '{chip.text('adc')}'"
    for names in COUNTED.values():
        for name in names:
            stated = [ending for ending in ("_count", "_w", "_mm2") if f"{name}{ending}" in chip.params]
            if stated and len(stated) < 3:
                yield f"component {name} needs {name}_count, {name}_w and {name}_mm2 together"
    injection, cycles = chip.vector("noc_injection"), chip.vector("noc_cycles")
    if list(injection) != sorted(injection) or list(cycles) != sorted(cycles):
        yield "noc_injection and noc_cycles must rise"
    if chip.number("adc_conversion_s") + chip.number("adc_s_per_bit") <= 0:
        yield "a conversion takes no time: state adc_conversion_s or adc_s_per_bit"
    rows = chip.number("array_count") * chip.number("array_rows")
    if "dac_count" in chip.params and not 0 < chip.number("dac_count") <= rows:
        yield f"dac_count must lie in 1..{rows:g}, the rows of a unit's arrays"
    if chip.number("array_count") * chip.number("array_columns") < chip.number("columns_per_adc"):
        yield "columns_per_adc exceeds the columns of a unit"
    if "sigmoid_unit_count" not in chip.params and "activation_unit_count" not in chip.params:
        yield "activations need sigmoid_unit or activation_unit"
    if chip.params.get("vector_lanes") and not {"vector_multiply_w", "vector_other_w"} <= set(chip.params):
        yield "vector_lanes need vector_multiply_w and vector_other_w"
