"""What a chip of NeuroSim's kind states, and the family's own columns."""

from __future__ import annotations

from collections.abc import Iterator

from hwsim.core.chip import Chip
from hwsim.core.parameters import Constant, constants

CODE = 60.0
ENCODINGS = ("bit_serial",)
MLSA, SAR = 1.0, 2.0
ADC_CODES = {"mlsa": MLSA, "sar": SAR}
INPUT_BITS = 8  # bit densities are known for this many
CELL_LEVELS = 4
CONSTANTS = (
    # arrays and cells
    Constant("array_rows", least=1, whole=True),
    Constant("array_columns", least=2, whole=True),
    Constant("cell_bits", least=1, whole=True),
    Constant("weight_bits_most", least=1),
    Constant("r_on_ohm"),
    Constant("r_off_ohm"),
    *constants("access_share access_linear_share cell_f2"),
    Constant("cell_level_share", zero=True, most=1, size=CELL_LEVELS),
    Constant("input_bit_density", zero=True, most=1, size=INPUT_BITS),
    Constant("positions", text=True, words=("valid", "padded")),
    # converters
    Constant("adc", text=True, words=("nl_ramp", "linear_ramp", "sar", "mlsa")),
    Constant("adc_bits", least=1, most=16, whole=True),
    Constant("columns_per_adc", least=1, whole=True),
    Constant("mlsa_level_w"),
    Constant("mlsa_current_w_ohm"),
    Constant("mlsa_fixed_s", zero=True),  # 0: from the column's resistance
    *constants("sar_bit_w sar_fixed_w sar_current_w_ohm sar_step_s mlsa_units sar_base_units sar_bit_units"),
    # transistors and wires of the node
    Constant("node_nm"),
    Constant("supply_v"),
    *constants("ion_a_per_m ioff_a_per_m gate_ideal_f_per_m unit_width_m least_width_m transistor_mm2"),
    *constants("wire_width_m wire_resistivity_ohm_m wire_aspect wire_f_per_m"),
    Constant("gate_fringe_f_per_m", zero=True),
    Constant("gate_overlap_share", zero=True),
    # layout factors
    Constant("post_layout_factors", zero=True, most=1, whole=True),
    *constants("layout_shifter_area layout_sensing layout_flip_flops layout_adders layout_control"),
    Constant("layout_energy", least=1.0),  # joules are multiplied by it: what wires and rails add
    # blocks, in gates and minimum transistors
    *constants("row_path_gates encoder_gates_per_bit adder_effort_per_bit repeater_delay"),
    *constants("flip_flop_units adder_units encoder_units_per_level row_driver_units buffer_bit_units"),
    *constants("adder_area_units row_driver_area_units shifter_area_units leak_width_units", zero=True),
    Constant("converter_leak_share", zero=True, most=1),
    # floor plan and buses
    Constant("design_clock_hz"),
    *constants("chip_bus_bits chip_input_bus_bits tile_bus_bits buffer_bus_bits shift_bus_bits pool_lanes", least=1, whole=True),
    *constants("chip_route_sides tile_route_sides chip_wire_share tile_wire_share bus_activity repeater_load bus_pitch_f"),
)  # fmt: skip
NUMBERS = (
    "ns_adc", "tiles_used", "converters_used",  # from the plan
    "ns_unit_f", "ns_gate_s", "ns_cell_s", "ns_row_f",  # from the constants
    "ns_cells_mm2", "ns_adc_mm2", "ns_adders_mm2", "ns_periphery_mm2", "ns_wires_mm2", "ns_side_m", "ns_tile_side_m",
    "ns_chip_hops", "ns_tile_hops", "ns_leak_w",
)  # fmt: skip
FIELDS = (
    "positions",  # input vectors that are processed
    "novel",  # 1: kernel positions on elements of their own
    "kernel_side",  # new inputs of a channel at each position (novel)
    "tile_inputs",  # rows of one tile (one element, novel) that a copy takes, in whole arrays
    "chip_inputs",  # values that the chip's bus brings for one position
    "element_outputs",  # outputs of one processing element
    "shifts",  # elements that an input passes (novel)
    "array_count", "array_inputs", "array_outputs",  # arrays of one copy; inputs and outputs of all of them together
    "columns_on",  # converted columns, over all arrays of one copy
    "row_fill",  # rows of an array in use
    "element_adders", "tile_adders", "chip_adders", "chip_parts",  # levels of adder trees; partial sums that meet on the chip
    "tiles",
    "valid_share",  # digital work: share of the elements that belong to processed positions
)  # fmt: skip


def contradictions(chip: Chip) -> Iterator[str]:
    """What is wrong with the constants taken together."""
    if chip.number("r_on_ohm") >= chip.number("r_off_ohm"):
        yield "r_on_ohm reaches r_off_ohm"
    if chip.text("adc") not in ADC_CODES:
        yield f"adc is one of {', '.join(ADC_CODES)} on this chip, got '{chip.text('adc')}'"
    if 2 ** chip.number("cell_bits") != CELL_LEVELS:
        yield f"cell_level_share is known for {CELL_LEVELS} levels: cell_bits must be 2"
    if abs(sum(chip.vector("cell_level_share")) - 1) > 0.01:
        yield "cell_level_share does not add up to 1"
    if chip.number("columns_per_adc") > chip.number("array_columns"):
        yield "columns_per_adc exceeds array_columns"
    if chip.number("mlsa_fixed_s") == 0 and chip.number("node_nm") != 65:
        yield "the sense amplifiers' time from the column is known at 65 nm only: state mlsa_fixed_s"
