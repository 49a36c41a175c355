"""All mechanisms of a cluster in isolation, by name."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.target import Primitive
from hwsim.targets.cluster import primitives_core

PRIMITIVES: Mapping[str, Primitive] = {**primitives_core.PRIMITIVES}
