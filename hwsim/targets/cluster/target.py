"""The cluster target: encoding, price, energy and primitives behind the `Target` protocol."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.core.chip import Chip
from hwsim.core.encoding import operator_table
from hwsim.core.graph import Graph
from hwsim.core.program import Program, Table, first
from hwsim.core.target import Around, Mapped, TargetBase
from hwsim.targets.cluster import kernels as _registered  # noqa: F401  (importing it registers the kernels)
from hwsim.targets.cluster import layout as L
from hwsim.targets.cluster import spec
from hwsim.targets.cluster.area import area_mm2
from hwsim.targets.cluster.energy import static_power_w
from hwsim.targets.cluster.kernel import find
from hwsim.targets.cluster.machine import Machine, machine
from hwsim.targets.cluster.mapping import at_point, check_serves, parse_options
from hwsim.targets.cluster.network_plan import encoder, planned
from hwsim.targets.cluster.numbers import numbers
from hwsim.targets.cluster.price import prepare, price
from hwsim.targets.cluster.primitives import PRIMITIVES
from hwsim.targets.cluster.provenance import assumptions, crowded, stated

# options that set a chip constant: with them, the constant itself no longer acts
POINT = {
    "clock_hz": ("frequency_hz", "voltage_v", "part", "flow"), "fc_clock_hz": ("fc_frequency_hz",),
    "voltage_v": ("voltage_v", "frequency_hz", "flow"),
    "energy_per_cycle_j": ("part",),
}  # fmt: skip

FLOAT_KINDS = frozenset(
    {"svm", "logistic_regression", "gaussian_nb", "knn", "kmeans", "decision_tree", "random_forest", "fft", "softmax", "norm"}
)


class Cluster(TargetBase):
    """In-order RISC-V cores around a banked memory with shared floating-point units and a DMA; a Cortex-M is a cluster of one."""

    name = "cluster"
    slots = L.SLOTS
    primitives = PRIMITIVES
    price = staticmethod(price)
    prepare = staticmethod(prepare)

    def check(self, chip: Chip) -> None:
        """Refuse a chip that lacks a constant or states an impossible one. Raises `InvalidChip`, `MissingParameter`."""
        spec.check_chip(chip)

    def options(self, mapping: Mapped) -> Mapped:
        """Check mapping options and return those that are stated. Raises `InvalidMapping`."""
        return parse_options(mapping).model_dump(exclude_none=True)

    def map(self, graph: Graph, chip: Chip, mapping: Mapped, *, allow_unmodelled: bool = False) -> Program:
        """Lay `graph` out on `chip`. Raises `UnsupportedOp`, `Infeasible`, `InvalidMapping`."""
        options = parse_options(mapping)
        check_serves(options, chip)
        chip = at_point(chip, options)
        m = served(planned(machine(chip, options, graph)))
        table = operator_table(graph, L.OP_DTYPE, encoder(m), charge_skipped=False, by_signature=True)
        warnings = (*self.refuse(table.skipped, allow_unmodelled), *crowded(m))
        params = spec.PARAMETERS.record(chip, numbers(m))
        prepare(params[0])
        return Program(
            chip=chip, graph=graph, mapping=stated(options, m), rows=table.rows, row_of=table.row_of, counts=table.counts, params=params,
            slots=self.slots, resources=L.RESOURCES, clock_hz=float(params["clock_hz"][0]), static_power_w=first(static_power_w(params)),
            area_mm2=first(area_mm2(params)), used_params=used_params(chip), assumptions=assumptions(m), warnings=warnings, serial=True,
            lower_bound=bool(table.skipped),
        )  # fmt: skip

    def refine(self, program: Program, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Event fidelity: bank conflicts cycle by cycle."""
        from hwsim.targets.cluster.refine import refined  # noqa: PLC0415  (the cycle loop is loaded only when asked for)

        return refined(program, values)

    def default_dtype(self, chip: Chip, kind: str) -> str:
        """Networks and their operators are quantised to bytes; classical learners compute in single precision."""
        return "fp32" if kind in FLOAT_KINDS else "int8"

    def surroundings(self, program: Program, params: Table) -> Around:
        """(static power in watts, area in mm2) by component, one figure per parameter record."""
        return static_power_w(params), area_mm2(params)

    def structural(self, mapping: Mapped) -> frozenset[str] | None:
        """Constants that encoding depends on, and those that the mapping overrides."""
        return spec.STRUCTURAL | {name for name, options in POINT.items() if any(mapping.get(o) is not None for o in options)}


def served(m: Machine) -> Machine:
    """Return the machine; for a single operator that only network flows serve, under the chip's default flow."""
    plain = m.core == "xpulp" and not m.hardware_loops
    if m.graph is None or m.flow or plain or len(m.graph.ops) != 1 or find(m.graph.ops[0], m) is not None:
        return m
    under = planned(machine(m.chip, m.options.model_copy(update={"flow": m.chip.text("default_flow")}), m.graph))
    return m if find(m.graph.ops[0], under) is None else under


def used_params(chip: Chip) -> tuple[str, ...]:
    """Priced constants that this chip states (the libraries of other instruction sets are optional)."""
    return tuple(name for name in spec.PARAMETERS.priced if name in chip.params)


TARGET = Cluster()
