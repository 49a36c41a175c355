"""The overlay's mechanisms in isolation: what switching to another network takes, what a core's data ports deliver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.core.arguments import number, word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping
from hwsim.core.program import Table
from hwsim.core.target import Mapped, Primitive
from hwsim.targets.fpga.dpu.carma import MODEL, RELOAD
from hwsim.targets.fpga.dpu.price import port_bytes_per_cycle
from hwsim.targets.fpga.dpu.spec import CODE
from hwsim.targets.fpga.mapping import parse_options


def _record(chip: Chip, mapping: Mapped) -> tuple[Chip, Table]:
    """The DPU on the chip, and its parameter record. Raises `InvalidMapping` for another design."""
    from hwsim.targets.fpga.compose import composed  # noqa: PLC0415  (which knows all engines, this one too)
    from hwsim.targets.fpga.spec import PARAMETERS  # noqa: PLC0415

    made = composed(chip, parse_options(mapping))
    if made.text("engine") != "dpu":
        raise InvalidMapping(f"design '{made.text('design')}' is no DPU overlay; state design: dpuczdx8g")
    return made, PARAMETERS.record(made, {"engine_code": CODE})


def _rate(chip: Chip, p: Any, load: float) -> float:
    return float(port_bytes_per_cycle(load, p)) * chip.number("design_clock_hz")


def configuration_switch(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Seconds until another network can run: its weights over a core's data ports, or a bitstream."""
    made, params = _record(chip, mapping)
    if word(arguments, "kind", (MODEL, RELOAD)) == RELOAD:
        return {"latency_s": made.number("bitstream_load_s")}
    return {"latency_s": number(arguments, "bytes") / _rate(made, params[0], 0.0), "bytes": number(arguments, "bytes")}


def dpu_port(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """B/s of one core's data ports while other cores draw the share `ddr_load` of DDR."""
    made, params = _record(chip, mapping)
    load = number(arguments, "ddr_load", most=0.999)
    return {"bandwidth_bytes_per_s": _rate(made, params[0], load)}


PRIMITIVES = {made.name: made for made in (
    Primitive("configuration_switch", "swapping the network of a DPU: weights, or a bitstream", configuration_switch, {"bytes": 0, "kind": MODEL}),
    Primitive("dpu_port", "what the data ports of a DPU core deliver beside other cores", dpu_port, {"ddr_load": 0}),
)}  # fmt: skip
