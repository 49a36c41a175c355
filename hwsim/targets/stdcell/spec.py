"""What a chip file of this kind may state. A chip is a cell library (or a core built of one), so most constants belong to some chips only.

Primitives that need a constant which a chip does not state refuse with its name (`MissingParameter`).
"""

from __future__ import annotations

from hwsim.core.parameters import ParameterTable, constants
from hwsim.core.program import Slot

LIBRARY = (
    # characterised cells: a folder of models/ or a .csv beside the chip file; or a user's Liberty file beside it, and its unit inverter
    *constants("cells liberty unit_inverter", text=True, optional=True, priced=False),
    *constants("vdd_v cpp_m row_height_m", optional=True, priced=False),
)

PARAMETERS = ParameterTable(LIBRARY)
SLOTS = (Slot("compute", "cycles", "core"),)
