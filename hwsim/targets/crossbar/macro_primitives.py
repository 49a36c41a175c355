"""The primitives of a macro, from the metrics of one vector through it: alike for all families of macros."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hwsim.core.chip import Chip
from hwsim.core.target import Mapped
from hwsim.targets.crossbar.family import PrimitiveRun
from hwsim.targets.crossbar.full_macro import WHOLE, ByComponent, Parts, clock, component_names, only, prepared
from hwsim.targets.crossbar.mapping import Options
from hwsim.targets.crossbar.operands import component_area, cores_at_work, of_cores

Vector = Callable[[Chip, Mapped, str], dict[str, float]]
PEAK = ("tops", "tops_per_w", "tops_per_mm2", "power_w", "area_mm2")


def macro_primitives(code: float, vector: Vector, parts: Parts, area_mm2: ByComponent, reads: tuple[str, ...]) -> dict[str, PrimitiveRun]:
    """The primitives by name.

    vector: metrics of one vector through one macro of a chip, by arguments and component ("": the macro). area_mm2: areas by component of a record of
    the family `code`. reads: arguments about data and use that `vector` takes into account; others are refused (`InvalidTrace`).
    """

    def array_mvm(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
        only(arguments, *reads)
        return of_cores(vector(chip, arguments, str(arguments.get("component") or "")), cores_at_work(arguments, chip))

    def chip_peak(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
        found = of_cores(vector(chip, arguments, ""), int(chip.number("arrays")) if "arrays" in chip.params else 1)
        return {name: found[name] for name in PEAK}

    def component(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
        name, areas = str(arguments["component"]), area_mm2(prepared(chip, code))
        whole, alone = name in WHOLE, name in areas and name not in parts
        return component_area(tuple(areas) if whole else (name,) if alone else component_names(name, parts), areas, name, chip)

    def clock_period(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
        return clock(chip, code)

    return {"array_mvm": array_mvm, "chip_peak": chip_peak, "component": component, "clock_period": clock_period}
