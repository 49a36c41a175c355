"""WaferLLM (He et al., OSDI 2025) beside hwsim: decode, prefill, end to end, KV capacity, GEMV, energy. Prints tables, draws one picture.

    python scripts/reproduce_waferllm.py -o waferllm.png        about eight seconds

Published figures come from the cases in models/wse2/published.yaml; where the paper gives none (other models, other grids) ours stand alone.
Workload as published (`paper_faithful`): a layer's time x layers, K and V as wide as Q, no embedding or head; 1.1 GHz; energy is nameplate.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import hwsim
from hwsim.validate.cases import published

MODELS = {"llama3-8b": "#0072B2", "llama2-13b": "#009E73", "codellama-34b": "#E69F00", "qwen2-72b": "#D55E00"}
SYSTEMS = ("waferllm", "t10", "ladder")
GRIDS = {"decode": (420, 540, 660), "prefill": (480, 600, 720)}
CASES = [case for file in published() for case in file.cases if case.chip == "wse2"]


def ours(trace: str, metric: str, mapping: dict[str, Any], **request: Any) -> float:
    """One figure of hwsim."""
    options = {"workload_mode": "paper_faithful", **mapping}
    return hwsim.simulate(hwsim.load_graph(trace, **request), hwsim.load_chip("wse2"), options, interval=False).metric(metric)


def paper(trace: str, phase: str, system: str, grid: int) -> float | None:
    """The published tokens/s, where the cases have it."""
    wanted = {"trace": trace, "phase": phase}
    for case in CASES:
        if wanted.items() <= case.workload.items() and case.mapping.get("system") == system and case.mapping.get("grid") == [grid, grid]:
            return case.value if case.metric == "tokens_per_s" else None
    return None


def throughput(phase: str) -> None:
    """Tables 3 and 4: tokens/s by model, system and grid."""
    request = {"context": 4096} if phase == "decode" else {"prompt": 4096}
    print(f"\n{phase}, tokens/s (paper in brackets)", *(f"{g:>18}" for g in GRIDS[phase]))
    for trace in MODELS:
        for system in SYSTEMS:
            cells = []
            for grid in GRIDS[phase]:
                found = ours(trace, "tokens_per_s", {"system": system, "grid": (grid, grid)}, phase=phase, **request)
                known = paper(trace, phase, system, grid)
                cells.append(f"{found:9,.1f} " + (f"[{known:,.1f}]" if known else "").rjust(10))
            print(f"{trace:14s} {system:9s}", *cells)


def listed(title: str, groups: tuple[str, ...]) -> None:
    """Rows of whole groups of cases: paper beside ours and the error."""
    print(f"\n{title}")
    for result in hwsim.validate(target="wafer_mesh").results:
        if result.case.group in groups and result.got is not None and result.error is not None:
            print(f"  {result.case.id:38s} paper {result.case.value:12,.5g}   ours {result.got:12,.5g}   {result.error:+7.1%}")


def picture(path: Path) -> None:
    """Decode and prefill throughput over the grid for four models, published points on top."""
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.2), layout="constrained")
    for axis, (phase, marks) in zip(axes, GRIDS.items(), strict=True):
        sides, request = list(range(240, 751, 30)), {"context": 4096} if phase == "decode" else {"prompt": 4096}
        for trace, colour in MODELS.items():
            curve = [ours(trace, "tokens_per_s", {"grid": (g, g)}, phase=phase, **request) for g in sides]
            axis.plot(sides, curve, color=colour, label=trace)
            known = [(g, value) for g in marks if (value := paper(trace, phase, "waferllm", g))]
            axis.plot(*zip(*known, strict=True), "o", color=colour, mec="black") if known else None
        axis.set(xlabel="grid side (cores)", ylabel=f"{phase} tokens/s", ylim=(0, None), title=f"{phase}: lines ours, dots published")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=7)
    figure.savefig(path, dpi=160)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path("waferllm.png"))
    for each in ("decode", "prefill"):
        throughput(each)
    listed("end to end, tokens/s (Table 2)", ("llm_end_to_end", "llm_end_to_end_baselines"))
    listed("KV capacity (Table 5), GEMV (Table 6), energy against A100s (Tables 6 to 8)", ("kv_capacity", "gemv_paper", "energy_ratio"))
    picture(parser.parse_args().output)
