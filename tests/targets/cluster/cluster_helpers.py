"""What the tests of the cluster share."""

from __future__ import annotations

from typing import Any

import hwsim


def primitive(name: str, chip: str, mapping: dict[str, Any] | None = None, **arguments: Any) -> float:
    """Cycles of a primitive."""
    return hwsim.primitive(name, hwsim.load_chip(chip), arguments, mapping)["cycles"]
