"""A tiny target for tests: one array that multiplies, one link that moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, PositiveInt

from hwsim.core.arguments import number
from hwsim.core.chip import Chip
from hwsim.core.encoding import Fields, LeftOut, operator_table
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.core.parameters import ParameterTable, constants
from hwsim.core.program import Program, Slot, Table
from hwsim.core.target import Around, Mapped, Primitive, TargetBase
from hwsim.engine.jit import jit
from hwsim.readers.options import check_options


class ToyOptions(BaseModel):
    """The one mapping option."""

    model_config = ConfigDict(extra="forbid")

    arrays: PositiveInt = 1


SLOTS = (
    Slot("compute", "cycles", "array", 0), Slot("transfer", "cycles", "link", 1), Slot("mac", "joules"), Slot("link_bytes", "bytes", "link"),
    Slot("peak", "roofline"),
)  # fmt: skip
FIELDS = np.dtype([(n, np.float64) for n in ("moved", "macs", "compulsory_bytes")])
PARAMETERS = ParameterTable(constants("clock_hz macs_per_cycle energy_per_mac_j bytes_per_cycle"), numbers=("arrays",))
CONSTANTS = PARAMETERS.priced

CHIP_YAML = """\
schema: hwsim.chip/1
name: toy
target: fake
title: A toy array
params:
  clock_hz: {value: 1 GHz, status: published, source: "made up"}
  macs_per_cycle: {value: 100, unit: MAC/cycle, low: 80, high: 120, status: fitted, fitted_on: [g], source: "made up"}
  energy_per_mac_j: {value: 1 pJ, status: published, source: "made up"}
  bytes_per_cycle: {value: 64, unit: B/cycle, status: published, source: "made up"}
"""


@jit
def price(op: Any, p: Any, out: Any) -> None:
    """Closed forms of the toy: macs over rate, bytes over width."""
    out.compute = op.macs / p.macs_per_cycle / p.arrays
    out.transfer = op.moved / p.bytes_per_cycle
    out.mac = op.macs * p.energy_per_mac_j
    out.link_bytes = op.compulsory_bytes
    out.peak = op.macs / p.macs_per_cycle / p.arrays


def encode(at: int, op: Op) -> Fields | LeftOut:
    """A product moves its operands and results once; nothing else has a model."""
    return {"moved": op.compulsory_bytes} if op.kind == "matmul" else LeftOut("no model")


def hop(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Two cycles a hop."""
    return {"cycles": 2.0 * number(arguments, "hops")}


class FakeTarget(TargetBase):
    """Serial: compute, then transfer. Mapping option ``arrays`` (1 to 4) multiplies the compute rate."""

    name = "fake"
    slots = SLOTS
    price = staticmethod(price)
    primitives: Mapping[str, Primitive] = {"hop": Primitive("hop", "one hop", hop, {"hops": None})}

    def check(self, chip: Chip) -> None:
        PARAMETERS.check(chip)

    def options(self, mapping: Mapped) -> Mapped:
        arrays = check_options(ToyOptions, mapping, self.name).arrays
        self.must_fit("arrays", arrays, 4, "arrays", ("fewer arrays",))
        return {"arrays": arrays}

    def map(self, graph: Graph, chip: Chip, mapping: Mapped, *, allow_unmodelled: bool = False) -> Program:
        table = operator_table(graph, FIELDS, encode)
        warnings = self.refuse(table.skipped, allow_unmodelled)
        return Program(
            chip=chip, graph=graph, mapping=mapping, rows=table.rows, row_of=table.row_of, counts=table.counts,
            params=PARAMETERS.record(chip, {"arrays": mapping["arrays"]}), slots=SLOTS, resources={"array": 1, "link": 1},
            clock_hz=chip.number("clock_hz"), static_power_w={"leakage": 0.5}, area_mm2={"array": 2.0},
            figures={"max_tokens": 42.0, "gates": 1234.0}, used_params=CONSTANTS, assumptions=("it is a toy",),
            warnings=("nobody built it", *warnings), lower_bound=bool(warnings),
        )  # fmt: skip

    def surroundings(self, program: Program, params: Table) -> Around:
        whole = np.ones(len(params))
        return {k: v * whole for k, v in program.static_power_w.items()}, {k: v * whole for k, v in program.area_mm2.items()}

    def structural(self, mapping: Mapped) -> frozenset[str]:
        return frozenset()


TARGET = FakeTarget()


class FakeEntry:
    """Stands for an installed entry point."""

    name, value = "fake", "fake_target:TARGET"

    def load(self) -> FakeTarget:
        return TARGET


def install_target(monkeypatch: Any) -> None:
    """Install the fake target beside the others."""
    import hwsim.core.target as target

    real = target.entry_points
    monkeypatch.setattr(target, "entry_points", lambda group: [FakeEntry(), *real(group=group)])
    target.load_target.cache_clear()
    target.target_names.cache_clear()


def install(monkeypatch: Any, models: Any) -> None:
    """Install the fake target and a folder of models with the chips ``toy`` and ``toy2`` (twice as fast)."""
    import hwsim.core.resources as resources

    for name, clock in (("toy", "1 GHz"), ("toy2", "2 GHz")):
        folder = models / name
        folder.mkdir(parents=True)
        text = CHIP_YAML.replace("name: toy", f"name: {name}").replace("1 GHz", clock)
        (folder / "chip.yaml").write_text(text)
    install_target(monkeypatch)
    shipped = resources.shipped

    def where(folder: str) -> Any:
        return models if folder == "models" else shipped(folder)

    import hwsim.api as api
    import hwsim.readers.chip_file as chip_file
    import hwsim.validate.cases as cases
    import hwsim.validate.record as record

    for module in (api, chip_file, cases, record):
        monkeypatch.setattr(module, "shipped", where)
    api.recorded_accuracy.cache_clear()
