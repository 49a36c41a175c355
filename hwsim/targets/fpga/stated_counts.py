"""Constants of designs that publish what they take rather than how."""

from __future__ import annotations

from hwsim.core.parameters import Constant

STATED = (
    *(Constant(f"design_{name}", zero=True, priced=False) for name in ("lut", "ff", "bram", "uram", "dsp")),
    Constant("host_w", zero=True),
    Constant("product_bits", size=3, priced=False),  # widest activations and weights of a product; of the cache
)
STATED_NAMES = frozenset(c.name for c in STATED if not c.priced)
