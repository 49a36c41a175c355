"""Two-point cells: joules of synaptic events with and without gating by context."""

from __future__ import annotations

import hwsim
from hwsim.claims import Claim, value

PAPER = "Two-point cells"
EVENT_J, SAVED_J, SAVED_SHARE = 8e-11, 245759 * 50000e-6, 0.62


def claims() -> list[Claim]:
    """Joules an event, and the share that gating saves."""
    chip = hwsim.load_chip("generic-45nm")
    cells, fan_out = 1e6, 100.0
    asked = {"cells": cells, "fan_out": fan_out}
    gated, whole = (hwsim.primitive("two_point_cells", chip, {**asked, "active_share": s})["energy_j"] for s in (0.38, 1.0))
    avoided = SAVED_J / EVENT_J
    return [
        value(PAPER, "joules saved at 38 % of the events", SAVED_SHARE, 1 - gated / whole, "", tolerance=0.02, role="fitted",
              carries="the share of active cells, which depends on data, is taken over", source="abstract: -62 %"),
        value(PAPER, "joules of a synaptic event", EVENT_J, whole / (cells * fan_out), "J", tolerance=0.01, role="fitted",
              carries="the published constant itself", source="8e-5 uJ per synaptic event"),
        value(PAPER, "joules of the events avoided (12.3 kJ)", SAVED_J, avoided * whole / (cells * fan_out), "J", tolerance=0.01, role="fitted",
              carries="the published constant and the published count of events", source="245759 x 50000 uJ"),
    ]  # fmt: skip
