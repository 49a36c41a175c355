"""How dynamic joules divide over the supply rails: minion, SRAM, mesh, and what no sensor meters (regulator losses, PHY, DRAM chips)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RAILS = ("minion", "sram", "mesh", "unmetered")
# kinds of event, and the measurement whose shares they have
KINDS = {
    "tensor": "arithmetic", "instruction": "arithmetic", "l1": "arithmetic", "sync": "arithmetic",
    "scratchpad": "scratchpad", "mesh": "mesh", "dram": "dram",
}  # fmt: skip
STATIC = {"minion static": "minion", "sram static": "sram", "mesh static": "mesh", "board static": "unmetered", "published static": "unmetered"}


def shares(kind: str, p: Any) -> dict[str, float]:
    """Shares of an event's joules per rail, adding up to 1, for a `kind` of `KINDS` and a record of constants."""
    metered = {rail: float(p[f"rail_{KINDS[kind]}_{rail}"]) for rail in RAILS[:-1]}
    return {**metered, "unmetered": 1.0 - sum(metered.values())}


def slot_rails(kinds: Mapping[str, str], p: Any) -> dict[str, dict[str, float]]:
    """What `Program.rails` wants: shares per joule slot (`kinds`: slot name -> kind of event) and per component of static power."""
    dynamic = {slot: shares(kind, p) for slot, kind in kinds.items()}
    return dynamic | {name: {rail: 1.0} for name, rail in STATIC.items()}
