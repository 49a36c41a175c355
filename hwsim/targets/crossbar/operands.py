"""Arguments of the primitive `array_mvm` that macros share: widths of operands, and arrays that work in parallel."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.arguments import whole
from hwsim.core.chip import Chip
from hwsim.core.errors import Infeasible, InvalidTrace
from hwsim.core.target import Mapped
from hwsim.targets.crossbar.family import Floats

ADDED = ("energy_j", "power_w", "area_mm2", "tops")  # metrics that add up over arrays


def operand_bits(arguments: Mapped, name: str, most: float, why: str) -> int:
    """A whole number of bits from 1 to `most`. Raises `InvalidTrace` that says `why` there are no more."""
    bits = whole(arguments, name)
    if bits > most:
        raise InvalidTrace(f"{name} {bits}: {why} ({most:g} at most)")
    return bits


def cores_at_work(arguments: Mapped, chip: Chip) -> int:
    """Arrays that work in parallel, each on a vector of its own (default 1). Raises `Infeasible` beyond those that the chip has."""
    if arguments.get("cores") is None:
        return 1
    cores, most = whole(arguments, "cores"), int(chip.number("arrays"))
    if cores > most:
        raise Infeasible(f"cores of {chip.name}", demand=cores, bound=most, unit="cores", levers=(f"at most {most} cores", "mapping option arrays"))
    return cores


def of_cores(found: Mapping[str, float], cores: int) -> dict[str, float]:
    """Metrics of `cores` arrays at work from those of one."""
    return {name: value * cores if name in ADDED else value for name, value in found.items()}


def component_area(names: tuple[str, ...], areas: Mapping[str, Floats], component: str, chip: Chip) -> dict[str, float]:
    """Area of a component that consists of `names`. Raises `InvalidTrace` where none is known."""
    if not any(n in areas for n in names):
        raise InvalidTrace(f"component: no area of '{component}' is known on chip '{chip.name}'; there are those of {', '.join(areas)}")
    return {"area_mm2": sum(float(areas[n][0]) for n in names if n in areas)}
