"""How figures are written for people: engineering prefixes, binary bytes, and counts."""

from __future__ import annotations

import math
from typing import Any

_PREFIXES = tuple((10.0**power, prefix) for power, prefix in zip(range(15, -18, -3), "PTGMk munpf", strict=True))

METRIC_UNITS: dict[str, str] = {
    "cycles": "cycles", "latency_s": "s", "energy_j": "J", "power_w": "W", "area_mm2": "mm2", "frequency_hz": "Hz",
    "tokens_per_s": "tokens/s", "inferences_per_s": "inferences/s", "macs_per_cycle": "MAC/cycle",
    "bandwidth_bytes_per_s": "B/s", "bytes": "B", "tops": "TOPS", "tops_per_w": "TOPS/W", "tops_per_mm2": "TOPS/mm2",
    "energy_per_mac_j": "J/MAC", "tokens_per_j": "tokens/J", "utilisation": "", "speedup": "", "max_tokens": "tokens",
    "count": "", "macs": "MAC",
}  # fmt: skip


def engineering(value: float, unit: str = "", digits: int = 4) -> str:
    """Write `value` with an SI prefix.

    >>> engineering(3.7e-4, "s")
    '370 us'
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}".strip()
    factor, prefix = next((step for step in _PREFIXES if abs(value) >= step[0] * 0.99999999), _PREFIXES[-1])
    return f"{value / factor:.{digits}g} {prefix.strip()}{unit}".strip()


def write_metric(name: str, value: float) -> str:
    """Write the figure of one metric in its own unit: counts with separators, SI units with a prefix, areas in mm2."""
    unit = METRIC_UNITS.get(name, "")
    if unit in ("cycles", "tokens", "tokens/s", "inferences/s", "MAC", "") or unit.startswith("mm2"):
        return f"{value:,.6g} {unit}".strip() if abs(value) < 1e6 else f"{value:,.0f} {unit}".strip()
    return engineering(value, unit)


def constant_text(value: Any, unit: str, most: int = 0) -> str:
    """Write a constant with its unit, SI units with a prefix; of a vector longer than `most` (if any), only the first figures.

    >>> constant_text(1.1e9, "Hz"), constant_text((750.0, 994.0), "PE")
    ('1.1 GHz', '750 x 994 PE')
    >>> constant_text((1.0, 2.0, 3.0, 4.0, 5.0), "cycle", most=4)
    '1 x 2 x 3 ... (5 figures) cycle'
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        shown = value[: most - 1] if most and len(value) > most else value
        rest = f" ... ({len(value)} figures)" if len(shown) < len(value) else ""
        return f"{' x '.join(f'{v:.6g}' for v in shown)}{rest} {unit}".strip()
    if unit.split("/")[0] in ("Hz", "s", "J", "W", "B", "V", "A", "F", "ohm", "S", "bit") and value:
        return engineering(value, unit, 6)
    return f"{value:,.6g} {unit}".strip() if abs(value) < 1e6 else f"{value:,.10g} {unit}".strip()
