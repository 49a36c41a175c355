"""The mechanisms of this target in isolation, by name."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.target import Primitive
from hwsim.targets.stdcell.gate_count import GATE_PRIMITIVES
from hwsim.targets.stdcell.primitives_block import BLOCK_PRIMITIVES
from hwsim.targets.stdcell.primitives_cells import CELL_PRIMITIVES
from hwsim.targets.stdcell.primitives_layout import LAYOUT_PRIMITIVES
from hwsim.targets.stdcell.primitives_ring import RING_PRIMITIVES
from hwsim.targets.stdcell.primitives_synthesis import SYNTHESIS_PRIMITIVES
from hwsim.targets.stdcell.primitives_tech import TECH_PRIMITIVES
from hwsim.targets.stdcell.systolic import SYSTOLIC_PRIMITIVES

EVERY = (
    *CELL_PRIMITIVES, *RING_PRIMITIVES, *GATE_PRIMITIVES, *LAYOUT_PRIMITIVES, *SYNTHESIS_PRIMITIVES, *BLOCK_PRIMITIVES, *SYSTOLIC_PRIMITIVES,
    *TECH_PRIMITIVES,
)  # fmt: skip
PRIMITIVES: Mapping[str, Primitive] = {made.name: made for made in EVERY}
