"""Operator graphs on a chip that states a core or an array: from a graph to a mapped program."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hwsim.core.chip import Chip
from hwsim.core.encoding import operator_table
from hwsim.core.graph import Graph
from hwsim.core.program import Program, first
from hwsim.core.target import Mapped
from hwsim.targets.stdcell import core_layout as L
from hwsim.targets.stdcell.core_energy import surroundings
from hwsim.targets.stdcell.core_mapping import core_options
from hwsim.targets.stdcell.core_plan import FUSED_PASS, encode, machine, notes, plan
from hwsim.targets.stdcell.core_price import prepare
from hwsim.targets.stdcell.core_spec import PARAMETERS

Refuse = Callable[[Sequence[str], bool], tuple[str, ...]]


def map_graph(graph: Graph, chip: Chip, mapping: Mapped, refuse: Refuse, allow_unmodelled: bool) -> Program:
    """Lay `graph` out on `chip`. Raises `UnsupportedOp`, `Infeasible`, `InvalidMapping`."""
    options = core_options(mapping, chip)
    m = machine(chip, options)
    p = plan(graph, m)
    table = operator_table(
        graph, L.OP_DTYPE, lambda at, op: FUSED_PASS if at in p.fused else encode(op, m, p.residence), charge_skipped=False, by_signature=True
    )
    skipped = refuse(table.skipped, allow_unmodelled)
    method = options.multiply or (L.HARDWARE if "multiply_cycles" in chip.params else L.SHIFT_ADD)
    numbers = {
        "has_core": float(m.has_core), "has_array": float(m.array is not None), "method": float(L.METHODS.index(method)),
        "same_cycle": float(m.has_core and chip.text("memory_timing") == L.SAME_CYCLE),
    }  # fmt: skip
    params = PARAMETERS.record(chip, numbers)
    prepare(params[0])
    power, area = surroundings(params)
    said, warned = notes(graph, m, p)
    chosen: dict[str, object] = {"operands": p.residence}
    if m.array is not None:
        chosen["dataflow"] = m.array.dataflow
    if m.has_core:
        chosen |= {"multiply": method, "outputs_at_once": options.outputs_at_once or 1}
    return Program(
        chip=chip, graph=graph, mapping={**chosen, **options.model_dump(exclude_none=True)}, rows=table.rows, row_of=table.row_of,
        counts=table.counts, params=params, slots=L.SLOTS, resources=L.RESOURCES, clock_hz=float(params["clock_hz"][0]),
        static_power_w=first(power), area_mm2=first(area), used_params=tuple(n for n in PARAMETERS.priced if n in chip.params),
        assumptions=said, warnings=(*skipped, *warned), serial=True, lower_bound=bool(table.skipped),
    )  # fmt: skip
