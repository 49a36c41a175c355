"""One metric of a part of a report: a component of the machine, a labelled operator, a layer."""

from __future__ import annotations

from collections.abc import Iterator

from hwsim.core.cost import Cost
from hwsim.core.errors import HwsimError, nearest
from hwsim.core.op import Op

SPLIT = ("cycles", "latency_s", "energy_j", "power_w", "area_mm2", "count")


def part_of(cost: Cost, metric: str, component: str, layer: int | str | None) -> float:
    """Return `metric` of a component, of a layer, or of both; watts are the mean over the time of the operators concerned.

    A component is one of the program's `parts`, a slot, a static or an area component, or an operator's label; a layer is a number, or the name of an
    operator. ``count`` reads the program's figure called `component`, of a layer the notes that the component is made of. A component of the machine
    has the static joules of its own watts; an operator has its share of all of them, by cycles. Raises `HwsimError`.
    """
    _check_stated(cost, metric, component, layer)
    if metric not in SPLIT:
        raise HwsimError(f"metric '{metric}' cannot be split by component or layer (can: {', '.join(SPLIT)})")
    if metric == "count":
        return _count(cost, component, layer)
    members = _members(cost, component)
    if metric == "area_mm2":
        areas = cost.program.area_mm2
        if layer is not None or not any(m in areas for m in members):
            raise HwsimError(f"no area of component={component or 'any'} layer={'all' if layer is None else layer}; areas: {', '.join(areas)}")
        return sum(areas[m] for m in members if m in areas)
    cycles, whole, joules = _sums(cost, component, members, layer)
    static = cost.program.static_power_w
    kind = "joules" if metric in ("energy_j", "power_w") else "cycles"
    if members and not any(s.name in members and s.quantity == kind for s in cost.program.slots) and (kind == "cycles" or not {*members} & {*static}):
        raise HwsimError(f"component '{component}' has no {metric}")
    if metric in ("energy_j", "power_w"):
        watts = sum(static[m] for m in members if m in static) if members else sum(static.values())
        seconds = (whole if members else cycles) / cost.program.clock_hz
        energy_j = joules + watts * seconds
        return energy_j if metric == "energy_j" else energy_j / seconds if seconds else 0.0
    return cycles if metric == "cycles" else cycles / cost.program.clock_hz


def _check_stated(cost: Cost, metric: str, component: str, layer: int | str | None) -> None:
    """Refuse a metric that the program lacks for some operator of this part."""
    for name in (metric, component):
        if reason := cost.program.unstated.get(name):
            lacking = cost.program.unstated_rows.get(name)
            if lacking is None or any(row in lacking for _, row in _chosen(cost, "" if _members(cost, component) else component, layer)):
                raise HwsimError(f"no {name}: {reason}")


def _count(cost: Cost, component: str, layer: int | str | None) -> float:
    figures, program = cost.program.figures, cost.program
    notes = [i for i, s in enumerate(program.slots) if s.quantity == "note" and s.name in _members(cost, component)]
    if layer is not None and notes and (rows := [*_chosen(cost, "", layer)]):
        return sum(float(cost.values[row, notes].sum()) * op.repeat for op, row in rows)
    if layer is not None or component not in figures:
        known = ", ".join(sorted(figures)) or "none"
        where = "" if layer is None else f" of layer '{layer}'"
        raise HwsimError(f"this report counts no '{component or layer}'{where}{nearest(component, figures)}; counted: {known}")
    return figures[component]


def _members(cost: Cost, component: str) -> tuple[str, ...]:
    """Names of the slots, static and area components that make up a component of the machine; none for an operator's label."""
    program = cost.program
    if component in program.parts:
        return program.parts[component]
    known = component in program.static_power_w or component in program.area_mm2 or any(s.name == component for s in program.slots)
    return (component,) if known else ()


def _sums(cost: Cost, component: str, members: tuple[str, ...], layer: int | str | None) -> tuple[float, float, float]:
    """Cycles of the part, cycles of the operators that it is a part of, and its dynamic joules."""
    program, values = cost.program, cost.values
    joules = [i for i, s in enumerate(program.slots) if s.quantity == "joules" and (not members or s.name in members)]
    slots = [i for i, s in enumerate(program.slots) if s.quantity == "cycles" and s.name in members]
    cycles = whole = energy = 0.0
    hits = 0
    for op, row in _chosen(cost, "" if members else component, layer):
        hits += 1
        whole += float(cost.cycles_by_row[row]) * op.repeat
        cycles += (float(values[row, slots].sum()) if members else float(cost.cycles_by_row[row])) * op.repeat
        energy += float(values[row, joules].sum()) * op.repeat
    if not hits:
        labels = ", ".join(sorted({*(op.label for op in program.graph.ops), *program.parts}))
        raise HwsimError(f"no part component={component or 'any'} layer={'any' if layer is None else layer}; components: {labels}")
    return cycles, whole, energy


def _chosen(cost: Cost, label: str, layer: int | str | None) -> Iterator[tuple[Op, int]]:
    """Modelled operators of a label (empty: any) and a layer, with their rows."""
    for op, row in zip(cost.program.graph.ops, cost.program.row_of, strict=True):
        if row >= 0 and (not label or op.label == label) and (layer is None or layer == (op.name if isinstance(layer, str) else op.layer)):
            yield op, row
