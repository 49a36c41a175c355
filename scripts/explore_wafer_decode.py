"""Where does a decode step on the WSE-2 spend its time, and which grid is best? Prints a table and draws the README's picture (about three seconds).

    python scripts/explore_wafer_decode.py -o scripts/pictures/wafer_decode.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import hwsim
from hwsim.validate.cases import published

GRIDS = [240, 300, 360, 420, 480, 540, 600, 660, 720]
MECHANISMS = {"allreduce": "#0072B2", "switch": "#999999", "multiply": "#D55E00", "step": "#E69F00", "vector": "#009E73"}
MEASURED = {"llama3-8b": "o", "qwen2-72b": "s"}


def layers_us(trace: str, grid: int) -> tuple[float, dict[str, float], float]:
    """(tokens/s, microseconds per layer by mechanism, microseconds per layer) with the workload as published."""
    graph = hwsim.load_graph(trace, phase="decode", context=4096)
    mapping = {"grid": (grid, grid), "workload_mode": "paper_faithful"}
    report = hwsim.simulate(graph, hwsim.load_chip("wse2"), mapping, interval=False)
    per_layer = 1e6 / graph.meta["model"]["layers"]
    parts = {name: value * per_layer for name, value in report.breakdown()["latency_by_mechanism_s"].items()}
    return report.metric("tokens_per_s"), parts, report.latency_s * per_layer


def measured(trace: str) -> tuple[list[int], list[float]]:
    """Published (grid, tokens/s) of WaferLLM's decode."""
    cases = [c for f in published() for c in f.cases if c.group == "llm_decode" and c.workload["trace"] == trace]
    return [c.mapping["grid"][0] for c in cases], [c.value for c in cases]


def main(path: Path) -> None:
    """Print the table and draw the picture."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.4), layout="constrained")
    for trace, marker in MEASURED.items():
        model = [layers_us(trace, g)[0] for g in GRIDS]
        (line,) = left.plot(GRIDS, model, label=f"{trace}, model")
        left.plot(*measured(trace), marker, color=line.get_color(), mec="black", label=f"{trace}, published")
        print(trace, *(f"{g}: {v:,.0f}" for g, v in zip(GRIDS, model, strict=True)), sep="  ")
    left.set(xlabel="grid side (cores)", ylabel="decode tokens/s", ylim=(0, None), title="More cores stop helping")
    left.legend(fontsize=7)
    bottom = np.zeros(len(GRIDS))
    for name, colour in MECHANISMS.items():
        height = np.array([layers_us("llama3-8b", g)[1].get(name, 0.0) for g in GRIDS])
        right.bar([str(g) for g in GRIDS], height, bottom=bottom, color=colour, label=name)
        bottom += height
    right.set(xlabel="grid side (cores)", ylabel="time per layer (us)", title="llama3-8b: allreduces take over", ylim=(0, bottom.max() * 1.35))
    right.legend(fontsize=7, ncols=3, loc="upper left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("wafer_decode.png"))
    main(parser.parse_args().output)
