"""One input vector through a whole macro, every row and column in use: the price of one operator record, as figures by published names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace, nearest
from hwsim.core.program import Table, slot_dtype
from hwsim.core.target import Mapped
from hwsim.targets.crossbar import kernels, layout
from hwsim.targets.crossbar.family import Floats
from hwsim.targets.crossbar.spec import PARAMETERS

ByComponent = Callable[[Table], Mapping[str, Floats]]
Parts = Mapping[str, tuple[str, ...]]
DATA = ("average_input_value", "average_weight_value", "average_output_value", "input_toggle_rate", "weight_sparsity", "weight_sets", "cores")
WHOLE = ("", "macro")
CYCLES = tuple(s.name for s in layout.SLOTS if s.quantity == "cycles")
JOULES = tuple(s.name for s in layout.SLOTS if s.quantity == "joules")


def prepared(chip: Chip, code: float, numbers: Mapping[str, float] | None = None) -> Table:
    """The parameter record of a macro of the family `code` and further mapping `numbers`, its derived columns filled."""
    record = PARAMETERS.record(chip, {**(numbers or {}), "family_code": code, "clock_fixed": float("clock_hz" in chip.params)})
    kernels.prepare(record[0])
    return record


def clock(chip: Chip, code: float) -> dict[str, float]:
    """One clock of the macro: seconds and hertz."""
    clock_hz = float(prepared(chip, code)["clock_hz"][0])
    return {"latency_s": 1.0 / clock_hz, "frequency_hz": clock_hz}


def too_fast(chip: Chip, code: float, numbers: Mapping[str, float] | None = None) -> tuple[str, ...]:
    """A warning where the clock that the chip states is faster than its critical path."""
    if "clock_hz" not in chip.params:
        return ()
    free = replace(chip, params={n: param for n, param in chip.params.items() if n != "clock_hz"})
    most = float(prepared(free, code, numbers)["clock_hz"][0])
    stated = chip.number("clock_hz")
    return (f"clock_hz of {stated / 1e6:g} MHz is beyond the critical path, {most / 1e6:.4g} MHz",) if stated > most else ()


def priced(params: Table, fields: Mapping[str, float]) -> dict[str, float]:
    """Slots of one operator record: a stored matrix that lies on one array, one vector through it, unless `fields` say otherwise."""
    usual = {"kind": layout.MATRIX, "groups": 1, "active": 1, "vectors": 1, "rounds": 1, "duplication": 1, "blocks": 1, "slices": 1, "polarity": 1,
             "row_parts": 1, "column_parts": 1, "arrays": 1, "utilisation": 1, "input_activity": layout.UNKNOWN}  # fmt: skip
    row = np.zeros(1, dtype=layout.OP_DTYPE)
    for name, value in {**usual, **fields}.items():
        row[name] = value
    out = np.zeros(1, dtype=slot_dtype(layout.SLOTS))
    kernels.price(row[0], params[0], out[0])
    return {name: float(out[name][0]) for name in out.dtype.names or ()}


def vector_metrics(
    params: Table, slots: Mapping[str, float], macs: float, component: str, parts: Parts, area_mm2: ByComponent, static_w: ByComponent
) -> dict[str, float]:
    """Metrics of `slots`, for the whole macro or one component: its joules, its watts while the macro runs, its area. Raises `InvalidTrace`."""
    latency_s = sum(slots[name] for name in CYCLES) / float(params["clock_hz"][0])
    areas = {n: float(v[0]) for n, v in area_mm2(params).items()}
    watts = {n: float(v[0]) for n, v in static_w(params).items()}
    names = tuple(dict.fromkeys((*JOULES, *areas, *watts))) if component in WHOLE else component_names(component, parts)
    energy_j = sum(slots[n] for n in names if n in JOULES) + latency_s * sum(watts.get(n, 0.0) for n in names)
    area = sum(areas.get(n, 0.0) for n in names)
    found = {"latency_s": latency_s, "energy_j": energy_j, "energy_per_mac_j": energy_j / macs, "power_w": energy_j / latency_s, "area_mm2": area,
             "tops": 2.0 * macs / latency_s * 1e-12}  # fmt: skip
    if energy_j > 0.0:
        found["tops_per_w"] = 2.0 * macs / energy_j * 1e-12
    if area > 0.0:
        found["tops_per_mm2"] = found["tops"] / area
    return found


def component_names(component: str, parts: Parts) -> tuple[str, ...]:
    """What a component consists of. Raises `InvalidTrace`, naming the nearest."""
    if component not in parts:
        raise InvalidTrace(f"the macro has no component '{component}'{nearest(component, parts)}; it has {', '.join(sorted(parts))}")
    return parts[component]


def only(arguments: Mapped, *read: str) -> dict[str, Any]:
    """Arguments about data and use that are given. Raises `InvalidTrace` for one that the macro's model does not read."""
    given = {n: arguments[n] for n in DATA if arguments.get(n) is not None}
    if strange := [n for n in given if n not in read]:
        raise InvalidTrace(f"energy of this macro does not depend on {', '.join(strange)}; its model reads {', '.join(read) or 'none of these'}")
    return given
