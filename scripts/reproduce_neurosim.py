"""NeuroSim V1.3's chip for VGG8 (neurosim/DNN_NeuroSim_V1.3@388f421, random traces): its runs, and what its levers do, on `neurosim-rram-...`.

    python scripts/reproduce_neurosim.py

Constants come from the first two runs, three from the third; roundings of adders and hops agree with the 65 nm run. The other rows are predictions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import hwsim

Figures = tuple[float, float, float, float, float]  # mm2, clock ns, ms, dynamic uJ, TOPS/W
RUNS: tuple[tuple[str, int, Mapping[str, Any], Figures | None], ...] = (
    ("base", 22, {}, (58.73, 2.039, 1.359, 42.8, 22.81)),
    ("without layout factors", 22, {"post_layout_factors": 0}, (44.90, 1.456, 0.957, 55.7, 21.70)),
    ("SAR", 22, {"adc": "sar"}, (41.05, 8.850, 5.814, 102.1, 9.38)),
    ("65 nm", 65, {}, (553.2, 16.81, 13.695, 559.0, 1.63)),
    ("14 nm", 14, {}, None),
    ("4 bits", 22, {"adc_bits": 4}, None),
    ("7 bits", 22, {"adc_bits": 7}, None),
    ("SAR, 8 bits", 22, {"adc": "sar", "adc_bits": 8}, None),
    ("4 columns a converter", 22, {"columns_per_adc": 4}, None),
    ("16 columns a converter", 22, {"columns_per_adc": 16}, None),
    ("cells of 100 kOhm and more", 22, {"r_on_ohm": 1e5, "r_off_ohm": 1.7e6}, None),
)


def main() -> None:
    """Print the model's figures, the published ones in brackets."""
    graph = hwsim.load_graph("vgg8_cifar10", batch=1, dtype="int8")
    print(f"{'run':28}" + "".join(f"{unit:>9} {'published':10}" for unit in ("mm2", "clock ns", "ms", "uJ", "TOPS/W")))
    for name, node, mapping, published in RUNS:
        report = hwsim.simulate(graph, hwsim.load_chip(f"neurosim-rram-{node}nm"), mapping, interval=False)
        dynamic_j = report.part("energy_j", component="dynamic")
        found = (report.area_mm2, 1e9 / report.metric("frequency_hz"), 1e3 * report.latency_s, 1e6 * dynamic_j, report.metric("tops_per_w"))
        beside = published or (None,) * len(found)
        print(f"{name:28}" + "".join(f"{f:9.4g} {'' if b is None else f'({b:.4g})':10}" for f, b in zip(found, beside, strict=True)))


if __name__ == "__main__":
    main()
