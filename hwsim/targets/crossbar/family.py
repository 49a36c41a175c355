"""The contract of a family: one kind of crossbar or compute-in-memory chip, in a folder of its own.

A folder ``hwsim/targets/crossbar/<family>/`` holds

- ``spec.py``: ``CODE`` (a number of its own), ``CONSTANTS`` (what its chips state, `hwsim.core.parameters.Constant`, besides
  `hwsim.targets.crossbar.spec.COMMON`), ``NUMBERS`` (further columns of the parameter record, filled by `plan` or by its ``prepare``), ``FIELDS``
  (further columns of the operator table), and optionally ``contradictions(chip)``. It imports nothing of the target; it is entered in
  `hwsim.targets.crossbar.spec.FAMILY_SPECS`.
- ``price.py``: a `hwsim.engine.jit.part` ``price_<family>(op, p, out)`` that fills the slots (`hwsim.targets.crossbar.layout`) of one execution of
  one operator: vectors through a stored matrix (``op.kind`` MATRIX), digital work (DIGITAL), data that only moves (MOVE). Cells that an operator
  writes and bytes of operands are charged after it (`hwsim.targets.crossbar.charge`). Optionally a part ``prepare_<family>(p)`` for columns derived
  from constants; where ``p.clock_fixed`` is 0 it fills ``p.clock_hz``. Both are called from `hwsim.targets.crossbar.kernels`.
- ``family.py``: a `Family`, entered in `hwsim.targets.crossbar.families.FAMILIES`. `Family.plan` is usually
  `hwsim.targets.crossbar.plan.stored_plan`.

Any constant of the chip may be a mapping option of the same name; `options` names the frame's options that the family reads. Stating any other is
refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hwsim.core.chip import Chip
from hwsim.core.encoding import OperatorTable
from hwsim.core.graph import Graph
from hwsim.core.program import Program, Table
from hwsim.core.target import Mapped
from hwsim.targets.crossbar.mapping import Options

Floats = NDArray[np.float64]
PrimitiveRun = Callable[[Chip, Options, Mapped], Mapping[str, float]]


def nothing(p: Table) -> Mapping[str, Floats]:
    """No static power."""
    return {}


def int8(chip: Chip, kind: str) -> str:
    """Operands of 8 bits."""
    return "int8"


@dataclass(frozen=True)
class Plan:
    """What a family makes of a graph.

    `graph` (lowered) and its operator `table`; `numbers` for the parameter record; `stated`: the choices made, printed back with the mapping;
    `figures`: further results of the report; `parts` of this graph, besides the family's.
    """

    graph: Graph
    table: OperatorTable
    numbers: Mapping[str, float] = field(default_factory=dict)
    stated: Mapping[str, object] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Family:
    """One kind of chip.

    `plan(graph, options, chip)` lays a graph out (`chip` with the constants that options replace). `area_mm2(p)` and `static_w(p)` give area and
    static power by component from the parameter table, an array per component. `structural` names the constants that plan reads (a sweep of one of
    these maps again). `parts` names components as published tables do: the slots, static and area components that each consists of. `primitives`
    run `array_mvm`, `chip_peak`, `component`, `clock_period`, `adc_conversion`; those that are left out are refused by name.
    `default_dtype(chip, kind)` is the number format for operators and networks that state none. `refine` gives the slot values of the event fidelity.
    `rates(program, params)`: figures that need prices, an array per record.
    """

    name: str
    code: float
    about: str
    plan: Callable[[Graph, Options, Chip], Plan]
    area_mm2: Callable[[Table], Mapping[str, Floats]]
    static_w: Callable[[Table], Mapping[str, Floats]] = nothing
    options: frozenset[str] = frozenset()
    structural: frozenset[str] = frozenset()
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    primitives: Mapping[str, PrimitiveRun] = field(default_factory=dict)
    default_dtype: Callable[[Chip, str], str] = int8
    refine: Callable[[Program, Floats], Floats] | None = None
    rates: Callable[[Program, Table], Mapping[str, Floats]] | None = None
