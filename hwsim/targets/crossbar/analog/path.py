"""The analog path of a chip: how its family lays numbers on cells, what is not ideal, and how its converters are set."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping
from hwsim.targets.crossbar.functional.devices import (
    StuckCells,
    constant_error,
    drift,
    has_drift,
    has_programming_error,
    has_read_noise,
    programming_error,
    read_noise,
)
from hwsim.targets.crossbar.functional.nodal import Wires
from hwsim.targets.crossbar.functional.programming import Sources
from hwsim.targets.crossbar.functional.slices import ArrayShape

PROGRAMMINGS = 10
NONE = "none"


@dataclass(frozen=True)
class Numbers:
    """Bits of a product's inputs and weights with sign, and of its results; `inputs`: rows of the matrix."""

    inputs: int
    input_bits: int
    weight_bits: int
    output_bits: int


@dataclass(frozen=True)
class Path:
    """What products pass through on a chip.

    `shape_of`: the arrays for given numbers. `ramp`: a converter whose steps are cells. `nonlinear`: it applies the activation. `task`: numbers of
    the small tasks. `gain`: of a converter that does not follow the read voltage. `offset_lsb`: of comparators at the reference's voltage.
    """

    chip: Chip
    shape_of: Callable[[Numbers], ArrayShape]
    task: Numbers
    sources: Sources
    adc_bits: Callable[[Numbers], int]
    ramp: bool
    nonlinear: bool
    gain: float
    offset_lsb: float
    notes: tuple[str, ...]

    @property
    def programmings(self) -> int:
        """How often everything is written anew."""
        return int(_optional(self.chip, "programmings", PROGRAMMINGS))

    @property
    def calibrated(self) -> bool:
        """Whether the range of a converter is set from data, not to the largest sum that an array can have."""
        return _word(self.chip, "range_calibration", "data") == "data"

    @property
    def silent(self) -> Path:
        """The same path with every source of error off: converters alone."""
        return replace(self, sources=Sources(), offset_lsb=0.0, gain=1.0)


def _optional(chip: Chip, name: str, default: float) -> float:
    return chip.number(name) if name in chip.params else default


def _word(chip: Chip, name: str, default: str) -> str:
    return chip.text(name) if name in chip.params else default


def sources_of(chip: Chip) -> Sources:
    """What is not ideal on this chip. Raises `InvalidMapping`, `InvalidChip`."""
    if _word(chip, "noise", "all") == NONE:
        return Sources()
    model = _word(chip, "device_model", NONE)
    known = model == NONE or has_programming_error(model) or has_read_noise(model)
    error = programming_error(model) if not known or (model != NONE and has_programming_error(model)) else None
    if "write_sigma_s" in chip.params:
        error = constant_error(chip.number("write_sigma_s")) if chip.number("write_sigma_s") > 0 else None
    elapsed = _optional(chip, "drift_s", 0.0)
    if elapsed and (model == NONE or not has_drift(model)):
        raise InvalidMapping(f"drift_s: no drift of device model '{model}' is known; state device_model pcm_like")
    off, on = (_optional(chip, n, 0.0) for n in ("stuck_off", "stuck_on"))
    ohm = chip.number("wire_ohm") if _word(chip, "wires", "ideal") == "resistive" else 0.0
    return Sources(
        programming=error, stuck=StuckCells(off, on) if off or on else None, drift=drift(model) if elapsed else None, time_s=elapsed or None,
        wires=Wires(ohm, ohm) if ohm else None,
        read_noise=_optional(chip, "read_noise", read_noise(model) if model != NONE and has_read_noise(model) else 0.0),
    )  # fmt: skip


def _range_s(chip: Chip) -> tuple[float, float]:
    """Least and greatest conductance of a cell. Raises `MissingParameter`."""
    return _optional(chip, "cell_g_min_s", 0.0), chip.number("cell_g_max_s")


def _made(chip: Chip, shape_of: Callable[[Numbers], ArrayShape], task: Numbers, adc_bits: Callable[[Numbers], int], *notes: str,
          ramp: bool = False, nonlinear: bool = False) -> Path:  # fmt: skip
    silent = _word(chip, "noise", "all") == NONE
    read = chip.number("read_v") if "read_v" in chip.params else 1.0
    apart = 1.0 if silent else read / _optional(chip, "adc_reference_v", read)
    offset = 0.0 if silent else _optional(chip, "adc_offset_lsb", 0.0)
    return Path(chip, shape_of, task, sources_of(chip), adc_bits, ramp, nonlinear, 1.0 if ramp else apart, offset / apart if ramp else offset, notes)


def ramp_path(chip: Chip) -> Path:
    """One array per matrix, weights on pairs of cells, pulse widths; ramps, or converters that are none."""
    low, high = _range_s(chip)
    serial, adc, bits = chip.text("input_encoding") == "bit_serial", chip.text("adc"), int(chip.number("adc_bits"))

    def shape_of(n: Numbers) -> ArrayShape:
        magnitude = max(1, n.input_bits)
        return ArrayShape(n.inputs, 2**40, low, high, chip.number("read_v"), magnitude, 1 if serial else magnitude, n.weight_bits, n.weight_bits - 1)

    wide = min(bits, 8)
    notes = ("pulse widths have the bits of the inputs, their sign is the polarity of the read voltage",)
    ramp = adc in ("nl_ramp", "linear_ramp")
    return _made(chip, shape_of, Numbers(0, wide, 8, bits), lambda n: bits, *notes, ramp=ramp, nonlinear=adc == "nl_ramp")


def tiled_path(chip: Chip) -> Path:
    """Offset weights over several cells, inputs bit by bit in two's complement, columns that hold complements; partial sums added digitally."""
    low, high = _range_s(chip)
    rows, columns, cell, read = (int(chip.number(n)) for n in ("array_rows", "array_columns", "bits_per_cell", "bits_per_read"))
    if read != 1:
        raise InvalidMapping(f"accuracy of inputs of {read} bits at a time: two's complement is applied bit by bit; state bits_per_read 1")

    def shape_of(n: Numbers) -> ArrayShape:
        bits = max(2, n.weight_bits)
        return ArrayShape(rows, columns, low, high, 1.0, max(1, n.input_bits - 1), 1, bits, min(cell, bits), "offset", True, True)

    wide, bits = int(chip.number("operand_bits")), int(chip.number("adc_bits"))
    notes = ("offsets of weights and the current of the least conductance are subtracted without error", "reads at a normalised voltage")
    return _made(chip, shape_of, Numbers(0, wide, wide, wide), lambda n: bits, *notes)


def neurram_path(chip: Chip) -> Path:
    """Pairs of cells on 256 x 256 cores, inputs in one phase or two, each converted on its own."""
    low, high = _range_s(chip)
    rows, columns, pair, phase = (int(chip.number(n)) for n in ("array_rows", "array_columns", "pair_bits", "one_phase_bits"))
    rule = chip.text("phases")
    given = int(chip.number("output_bits")) if "output_bits" in chip.params else 0

    def shape_of(n: Numbers) -> ArrayShape:
        bits, weight = max(1, n.input_bits - 1), min(max(2, n.weight_bits), pair)
        single = rule == "one" or (rule == "auto" and bits <= phase)
        return ArrayShape(rows, columns, low, high, chip.number("read_v"), bits, bits if single else math.ceil(bits / 2), weight, weight - 1)

    notes = ("the division by a column's conductance that voltage-mode sensing makes is undone without error",)
    return _made(chip, shape_of, Numbers(0, pair, pair, given or 8), lambda n: given or n.output_bits, *notes)


PATHS: dict[str, Callable[[Chip], Path]] = {"ramp_array": ramp_path, "tiled": tiled_path, "neurram": neurram_path}
