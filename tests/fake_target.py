"""A tiny target for tests: one array that multiplies, one link that moves; the price function is plain Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, PositiveInt

from hwsim.core.chip import Chip
from hwsim.core.errors import Infeasible, UnsupportedOp
from hwsim.core.graph import Graph
from hwsim.core.program import Program, Slot
from hwsim.core.target import Primitive
from hwsim.readers.options import check_options


class ToyOptions(BaseModel):
    """The one mapping option."""

    model_config = ConfigDict(extra="forbid")

    arrays: PositiveInt = 1


SLOTS = (
    Slot("compute", "cycles", "array", 0), Slot("transfer", "cycles", "link", 1), Slot("mac", "joules"), Slot("link_bytes", "bytes", "link"),
    Slot("peak", "roofline"),
)  # fmt: skip
ROW = np.dtype([("macs", np.float64), ("bytes", np.float64)])
PARAMS = np.dtype([(n, np.float64) for n in ("clock_hz", "macs_per_cycle", "energy_per_mac_j", "bytes_per_cycle", "arrays")])
CONSTANTS = (PARAMS.names or ())[:4]
SUPPORTED = ("matmul",)

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


def price(op: Any, p: Any, out: Any) -> None:
    """Closed forms of the toy: macs over rate, bytes over width."""
    out["compute"] = op["macs"] / p["macs_per_cycle"] / p["arrays"]
    out["transfer"] = op["bytes"] / p["bytes_per_cycle"]
    out["mac"] = op["macs"] * p["energy_per_mac_j"]
    out["link_bytes"] = op["bytes"]
    out["peak"] = op["macs"] / p["macs_per_cycle"] / p["arrays"]


class FakeTarget:
    """Serial: compute, then transfer. Mapping option ``arrays`` (1 to 4) multiplies the compute rate."""

    name = "fake"
    slots = SLOTS
    prepare = None
    primitives: Mapping[str, Primitive] = {
        "hop": Primitive("hop", "one hop", lambda chip, args, mapping: {"cycles": 2.0 * args["hops"]}, {"hops": None}),
    }

    @staticmethod
    def price(op: Any, p: Any, out: Any) -> None:
        price(op, p, out)

    def check(self, chip: Chip) -> None:
        for name in CONSTANTS:
            chip.number(name)

    def options(self, mapping: Mapping[str, Any]) -> Mapping[str, Any]:
        arrays = check_options(ToyOptions, mapping, self.name).arrays
        if arrays > 4:
            raise Infeasible("arrays", demand=arrays, bound=4, unit="arrays", levers=("fewer arrays",))
        return {"arrays": arrays}

    def map(self, graph: Graph, chip: Chip, mapping: Mapping[str, Any], *, allow_unmodelled: bool = False) -> Program:
        bad = [op for op in graph.ops if op.kind not in SUPPORTED]
        if bad and not allow_unmodelled:
            raise UnsupportedOp(self.name, [op.name for op in bad])
        members, row_of, counts = graph.unique
        rows = np.zeros(len(members), ROW)
        for i, op in enumerate(members):
            rows[i] = (op.macs, op.compulsory_bytes)
        params = np.zeros(1, PARAMS)
        for name in CONSTANTS:
            params[name] = chip.number(name)
        params["arrays"] = mapping["arrays"]
        return Program(
            chip=chip, graph=graph, mapping=mapping, rows=rows, row_of=row_of, counts=np.array(counts, float), params=params, slots=SLOTS,
            resources={"array": 1, "link": 1}, clock_hz=chip.number("clock_hz"), static_power_w={"leakage": 0.5}, area_mm2={"array": 2.0},
            figures={"max_tokens": 42.0, "gates": 1234.0}, used_params=CONSTANTS, assumptions=("it is a toy",),
            warnings=("nobody built it",), lower_bound=bool(bad),
        )  # fmt: skip

    def refine(self, program: Program, values: Any) -> Any:
        return values

    def surroundings(self, program: Program, params: Any) -> Any:
        whole = np.ones(len(params))
        return {k: v * whole for k, v in program.static_power_w.items()}, {k: v * whole for k, v in program.area_mm2.items()}

    def structural(self, mapping: Mapping[str, Any]) -> frozenset[str] | None:
        return frozenset()


TARGET = FakeTarget()


class FakeEntry:
    """Stands for an installed entry point."""

    name, value = "fake", "fake_target:TARGET"

    def load(self) -> FakeTarget:
        return TARGET


def install(monkeypatch: Any, models: Any) -> None:
    """Install the fake target and a folder of models with the chips ``toy`` and ``toy2`` (twice as fast)."""
    import hwsim.core.resources as resources
    import hwsim.core.target as target

    for name, clock in (("toy", "1 GHz"), ("toy2", "2 GHz")):
        folder = models / name
        folder.mkdir(parents=True)
        text = CHIP_YAML.replace("name: toy", f"name: {name}").replace("1 GHz", clock)
        (folder / "chip.yaml").write_text(text)
    real = target.entry_points
    monkeypatch.setattr(target, "entry_points", lambda group: [FakeEntry(), *real(group=group)])
    target.load_target.cache_clear()
    target.target_names.cache_clear()
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
