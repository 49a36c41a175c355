"""All mechanisms of a cluster in isolation, by name."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.target import Primitive
from hwsim.targets.cluster import primitives_core, primitives_fpu, primitives_kernels, primitives_memory

PRIMITIVES: Mapping[str, Primitive] = {
    **primitives_core.PRIMITIVES, **primitives_memory.PRIMITIVES, **primitives_fpu.PRIMITIVES, **primitives_kernels.PRIMITIVES,
}  # fmt: skip
