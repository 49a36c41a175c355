"""All kernels: importing this module registers them."""

from __future__ import annotations

from hwsim.targets.cluster import kernels_dot

__all__ = ["kernels_dot"]
