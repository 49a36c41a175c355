"""The contract of an engine: one kind of accelerator design, in a folder of its own.

A folder ``hwsim/targets/fpga/<engine>/`` holds

- ``spec.py``: ``CODE`` (a number of its own), ``CONSTANTS`` (what its design files state, `hwsim.core.parameters.Constant`), ``NUMBERS`` (further
  columns of the parameter record, filled by `plan` or by its ``prepare``), ``FIELDS`` (further columns of the operator table). It imports nothing of
  the target; it is entered in `hwsim.targets.fpga.spec.ENGINE_SPECS`.
- ``price.py``: a `hwsim.engine.jit.part` ``price_<engine>(op, p, out)`` that fills the cycle slots, ``roofline`` and the bytes of HBM and DDR of one
  execution (`hwsim.targets.fpga.layout`); joules and bytes on chip are worked out after it (`hwsim.targets.fpga.power.charge`). Optionally a part
  ``prepare_<engine>(p)`` for columns derived from constants. Both are called from `hwsim.targets.fpga.kernels`.
- ``encode.py``: `Engine.plan`, usually `hwsim.core.encoding.operator_table` with `hwsim.targets.fpga.layout.common_fields`.
- ``resources.py``: `Engine.resources`, from the constants of the composed chip alone.

and an `Engine` in its ``engine.py``, entered in `hwsim.targets.fpga.engines.ENGINES`. A mapping option that only replaces a design constant is an
entry of `overrides`; `options` names the others that the engine reads. Stating any other option is refused.
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
from hwsim.core.target import Primitive
from hwsim.targets.fpga.mapping import Options
from hwsim.targets.fpga.resources import Resources

Floats = NDArray[np.float64]


def always(chip: Chip, options: Options) -> float:
    """The share of clocking power of a design without clock gating."""
    return 1.0


@dataclass(frozen=True)
class Plan:
    """What an engine makes of a graph.

    `graph` (its own, where it rewrites operators) and its operator `table`; `numbers` for the parameter record; `stated`: the choices it made,
    printed back with the mapping; `figures`: further results of the report. The design's resources come from `Engine.resources`.
    """

    graph: Graph
    table: OperatorTable
    numbers: Mapping[str, float] = field(default_factory=dict)
    stated: Mapping[str, object] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Engine:
    """One kind of accelerator design.

    `plan(graph, options, chip)` lays a graph out (`chip` is composed, its overrides applied). `resources(chip, options)` estimates what the design
    takes. `peak_macs(chip, mode)` is the array's MACs per cycle over all cores. `structural` names the constants that plan and resources read (a
    sweep of one of these maps again), `structural_with(options)` those of some options only. `design_of` turns options into the name of a more
    special design (a size of an overlay). `refine` gives the slot values of the event fidelity. `rates(program, params)`: figures that need prices,
    an array per record.
    """

    name: str
    code: float
    about: str
    plan: Callable[[Graph, Options, Chip], Plan]
    resources: Callable[[Chip, Options], Resources]
    peak_macs: Callable[[Chip, str], float]
    overrides: Mapping[str, str] = field(default_factory=dict)
    options: frozenset[str] = frozenset()
    structural: frozenset[str] = frozenset()
    structural_with: Callable[[Options], frozenset[str]] | None = None
    primitives: Mapping[str, Primitive] = field(default_factory=dict)
    design_of: Callable[[str, Options], str] | None = None
    running_w: Callable[[Chip, Options], float] | None = None
    clocked: Callable[[Chip, Options], float] = always
    refine: Callable[[Program, Floats], Floats] | None = None
    rates: Callable[[Program, Table], Mapping[str, Floats]] | None = None
