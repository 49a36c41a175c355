"""All mechanisms of a manycore in isolation, by name."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.target import Primitive
from hwsim.targets.manycore import primitives_energy, primitives_memory, primitives_sync, primitives_system, primitives_tensor

PRIMITIVES: Mapping[str, Primitive] = {
    **primitives_tensor.PRIMITIVES, **primitives_memory.PRIMITIVES, **primitives_sync.PRIMITIVES, **primitives_system.PRIMITIVES,
    **primitives_energy.PRIMITIVES,
}  # fmt: skip
