"""All kernels: importing this module registers them."""

from __future__ import annotations

from hwsim.targets.cluster import (
    kernels_bytes,
    kernels_cortex,
    kernels_direct,
    kernels_distance,
    kernels_dot,
    kernels_dsp,
    kernels_half,
    kernels_learners,
    kernels_network,
    kernels_plain,
    kernels_signal,
)

__all__ = [
    "kernels_bytes", "kernels_cortex", "kernels_direct", "kernels_distance", "kernels_dot", "kernels_dsp", "kernels_half", "kernels_learners",
    "kernels_network", "kernels_plain", "kernels_signal",
]  # fmt: skip
