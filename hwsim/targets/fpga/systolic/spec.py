"""What a systolic design file states, and the engine's own columns."""

from __future__ import annotations

from hwsim.core.parameters import Constant

CODE = 1.0
CONSTANTS = (
    Constant("array_rows"),
    Constant("array_cols"),
    Constant("array_packing", zero=True, most=1, priced=False),
    Constant("array_fill_stages", zero=True),
    Constant("array_port_bytes_per_cycle"),
    Constant("array_buffer_bytes", zero=True),
    Constant("cell_lut", zero=True, priced=False),
    Constant("cell_ff", zero=True, priced=False),
    Constant("array_lut", zero=True, priced=False),
)
NUMBERS: tuple[str, ...] = ()
FIELDS: tuple[str, ...] = ()
