"""Flip FET blocks against CFET ones and one another: what the papers print, and what the model gives, comparison points named.

The papers' cores are not published; rv32i_single stands for them (`study_core` of the chips). DATE25: arXiv 2501.15275. F3D: arXiv 2411.00309.

    python scripts/reproduce_ffet_block_ppa.py [--quick]
"""

from __future__ import annotations

import argparse
from typing import Any

import hwsim

DESIGN = {"rtl": "stdcell_rv32i_single.v", "top": "rv32i_single", "target_frequency_hz": 1.5e9}
ONE_SIDED = {"front_metals": 12, "back_metals": 1, "front_pin_fraction": 1.0}
CFET = {"front_metals": 12}
SPLIT = {"front_metals": 4, "back_metals": 4, "front_pin_fraction": 0.5}
FRONT = {"front_metals": 8, "back_metals": 1, "front_pin_fraction": 1.0}


def run(chip: str, utilisation: Any, mapping: dict[str, Any], **more: Any) -> dict[str, float]:
    """The figures of the core on a chip."""
    return hwsim.primitive("block_ppa", hwsim.load_chip(chip), {**DESIGN, "utilisation": utilisation, **more}, mapping)


def line(what: str, published: str, got: float) -> None:
    """One row of the table."""
    print(f"{what:74s} {published:>12s} {got:12.4g}", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one placement per figure")
    more = {"seed": 0} if parser.parse_args().quick else {}
    print(f"{'figure (comparison point)':74s} {'published':>12s} {'model':>12s}")
    ffet, cfet = (run(c, 0.7, m, **more) for c, m in (("ffet-3p5t", ONE_SIDED), ("cfet-4t", CFET)))
    line("frequency, FFET over CFET (utilisation 70 %, signals on the front)", "-", ffet["frequency_hz"] / cfet["frequency_hz"])
    equal = [run(c, 0.7, {**m, "power_at": "equal_frequency"}, **more)["power_w"] for c, m in (("ffet-3p5t", ONE_SIDED), ("cfet-4t", CFET))]
    line("power, FFET over CFET (utilisation 70 %, both at one clock)", "0.881", equal[0] / equal[1])
    line("power, FFET over CFET (utilisation 70 %, each at its own clock)", "-", ffet["power_w"] / cfet["power_w"])
    same = run("ffet-3p5t", 0.7, ONE_SIDED, core_area_of="cfet-4t", **more)
    line("frequency, FFET over CFET (same core area: the CFET's at 70 %)", "-", same["frequency_hz"] / cfet["frequency_hz"])
    least = [run(c, "max", m, **more) for c, m in (("ffet-3p5t", ONE_SIDED), ("cfet-4t", CFET))]
    line("core area, FFET over CFET (each at its largest utilisation)", "0.767", least[0]["area_mm2"] / least[1]["area_mm2"])
    line("utilisation, FFET over CFET (each at its largest)", "1.14", least[0]["utilisation"] / least[1]["utilisation"])
    two, one = run("ffet-3p5t", "max", SPLIT, **more), run("ffet-3p5t", "max", FRONT, **more)
    line("core area, FP.5BP.5 FM4 BM4 over FP1BP0 FM8 (largest utilisations)", "0.932", two["area_mm2"] / one["area_mm2"])
    first = run("ffet-3p5t", [0.6, 0.9], {**SPLIT, "beol_case": "I"}, **more)
    for case, gain in (("II", "1.001"), ("III", "1.007"), ("IV", "1.011"), ("V", "1.023")):
        found = run("ffet-3p5t", [0.6, 0.9], {**SPLIT, "beol_case": case}, **more)
        line(f"frequency, metals of case {case} over I (60 to 90 %, each at its own clock)", gain, found["frequency_hz"] / first["frequency_hz"])


if __name__ == "__main__":
    main()
