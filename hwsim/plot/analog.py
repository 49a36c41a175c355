"""The accuracy of analog results as tables of text, for the terminal and for pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.core.units import constant_text

Rows = list[tuple[str, ...]]
UNITS = {"write_sigma_s": "S", "cell_range_s": "S", "_ohm": "ohm", "_lsb": "LSB", "_s": "s"}  # conditions end so; siemens before seconds
Tables = list[tuple[str, tuple[str, ...], Rows]]


def analog_tables(found: Mapping[str, Any]) -> Tables:
    """(heading, columns, rows) of `Report.analog`."""
    runs = found["conditions"]["programmings"]
    heads: tuple[str, ...]
    stated: Rows = [_condition(k, v) for k, v in found["conditions"].items()]
    made: Tables = [("accuracy of analog results: conditions", ("", "value"), stated)]
    if found["converters"]:
        heads = ("function", "bits", "cells", "INL mean", "INL max", "DNL mean", "DNL max", "INL mean, closed form")
        made.append(("ramps: LSB, means over programmings", heads, [
            (c["function"], str(c["bits"]), str(c["cells"]),
             *(f"{c[n]:.3f}" for n in ("inl_mean_lsb", "inl_max_lsb", "dnl_mean_lsb", "dnl_max_lsb", "inl_estimate_lsb")))
            for c in found["converters"]
        ]))  # fmt: skip
    heads = ("matrix", "size", "relative RMS error", "SNR", "effective bits", "converters alone", "IR drop")
    made.append((f"error of each matrix ({runs} programmings)", heads, [
        (e["name"], f"{e['inputs']} x {e['outputs']}", f"{e['relative_rms']:.2%} +- {e['spread']:.2%}", f"{e['snr_db']:.1f} dB",
         f"{e['effective_bits']:.1f}", f"{e['converters_only']:.2%}", f"{e['ir_drop_share']:.1%}")
        for e in found["layers"]
    ]))  # fmt: skip
    heads = ("task", "digital", "converters alone", "analog", "worst", "bits: digital", "bits: analog")
    made.append((f"small tasks ({runs} programmings)", heads, [
        (t["name"], f"{t['digital']:.1%}", f"{t['converters_only']:.1%}", f"{t['analog']:.1%} +- {t['spread']:.1%}", f"{t['worst']:.1%}",
         f"{t['digital_bits']:.2f}", f"{t['analog_bits']:.2f} +- {t['bits_spread']:.2f}")
        for t in found["tasks"]
    ]))  # fmt: skip
    return made


def _condition(name: str, value: Any) -> tuple[str, str]:
    """One condition in words, with its unit where it has one."""
    unit = next((unit for end, unit in UNITS.items() if name.endswith(end)), "")
    if not unit or value is None:
        return name.replace("_", " "), _text(value)
    values = value if isinstance(value, list | tuple) else [value]
    return name.rpartition("_")[0].replace("_", " "), " to ".join(constant_text(v, unit) for v in values)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return " to ".join(_text(v) for v in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value).replace("_", " ")
