"""How much traffic does a machine take before its users notice, and what does a token cost? Latency, promises kept and energy against the load.

    python scripts/explore_serving_load.py -o scripts/pictures/serving_load.png

LLaMA-3-8B, prompts of 500 and generations of 150 tokens in the mean (spread 0.5), Poisson arrivals. Arrangements: prompts whole and alone, prompts in
chunks beside decoding (Sarathi-Serve), one machine for prefill and one for decode (Splitwise, DistServe), and the same with a wafer that decodes.
Machines are priced once, then serve the same requests at every rate. Promise: first token within 0.5 s, 30 ms a token in the mean.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import hwsim
from hwsim.serve.outcome import Limits, Serving
from hwsim.serve.requests import synthetic
from hwsim.serve.serving import Site, arrange

LIMITS = Limits(first_token_s=0.5, per_token_s=0.03)
COUNT, WARMUP = 3000, 300
RATES = np.geomspace(0.5, 256, 28)
ENOUGH = 0.9
STYLES = {  # colour, line, marker
    "a100, whole prompts": ("#0072B2", "-", "o"), "a100, chunks of 512": ("#0072B2", "--", "s"),
    "two a100": ("#56B4E9", "-", "o"), "a100 prefills, a100 decodes": ("#56B4E9", "--", "D"),
    "h100, whole prompts": ("#D55E00", "-", "o"), "h100, chunks of 512": ("#D55E00", "--", "s"),
    "wse2, whole prompts": ("#009E73", "-", "o"), "four h100 prefill, wse2 decodes": ("#009E73", "--", "D"),
}  # fmt: skip


def sites(requests: Any) -> dict[str, Site]:
    """Price every arrangement once."""
    a100, h100, wafer = (hwsim.load_chip(name) for name in ("a100", "h100", "wse2"))
    vllm = {"system": "vllm"}
    gpu: dict[str, Any] = {"mapping": vllm, "max_batch": 128}
    split: dict[str, Any] = {"prefill_machines": 1, "link_bytes_per_s": 50e9}
    many: dict[str, Any] = {**split, "prefill_machines": 4, "prefill_chip": h100, "prefill_mapping": vllm}
    made = (
        arrange("llama3-8b", a100, requests, **gpu), arrange("llama3-8b", a100, requests, **gpu, chunk=512),
        arrange("llama3-8b", a100, requests, **gpu, machines=2), arrange("llama3-8b", a100, requests, **gpu, **split),
        arrange("llama3-8b", h100, requests, **gpu), arrange("llama3-8b", h100, requests, **gpu, chunk=512),
        arrange("llama3-8b", wafer, requests, max_batch=32), arrange("llama3-8b", wafer, requests, max_batch=32, **many),
    )  # fmt: skip
    return dict(zip(STYLES, made, strict=True))


def figures(done: Serving) -> dict[str, float]:
    """What is drawn of one run."""
    times = done.percentiles()
    return {
        "first": times["time_to_first_token_s"]["p99"], "gap": times["gap_s"]["p99"], "kept": done.goodput()["within_limits"],
        "joules": done.figures["energy_per_token_j"], "served": done.figures["requests_per_s"],
    }  # fmt: skip


def panel(axis: Any, found: dict[str, list[dict[str, float]]], name: str, label: str, scale: float = 1.0) -> None:
    """One figure against the rate, for every arrangement."""
    for site, rows in found.items():
        colour, line, marker = STYLES[site]
        axis.plot(RATES[: len(rows)], [scale * r[name] for r in rows], line, color=colour, marker=marker, markersize=3, linewidth=1.3, label=site)
    axis.set_xscale("log")
    axis.set_xticks([0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256], ["0.5", *(str(2**i) for i in range(9))])
    axis.minorticks_off()
    axis.set_xlabel("offered load, requests/s")
    axis.set_ylabel(label)
    axis.grid(alpha=0.3)


def main() -> None:
    """Draw the picture and print the rate that each arrangement sustains."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("serving_load.png"))
    output = parser.parse_args().output
    requests = synthetic(COUNT, 1.0, 500, 150, spread=0.5, seed=1).clipped(4000)
    found: dict[str, list[dict[str, float]]] = {}
    print(f"{'arrangement':32} {'rate, 90 % kept':>15} {'J/token there':>14}")
    for name, site in sites(requests).items():
        rows = found[name] = []
        for rate in RATES:
            rows.append(figures(site.serve(requests.at_rate(float(rate)), limits=LIMITS, warmup=WARMUP)))
            if rows[-1]["first"] > 30:
                break
        best = site.highest_rate(requests, LIMITS, share=ENOUGH, warmup=WARMUP)
        at = figures(site.serve(requests.at_rate(best), limits=LIMITS, warmup=WARMUP))["joules"] if best else float("nan")
        print(f"{name:32} {best:>15.2f} {at:>14.3f}")
    figure, axes = plt.subplots(2, 2, figsize=(12, 8))
    panel(axes[0, 0], found, "first", "time to first token, p99, s")
    axes[0, 0].set_yscale("log")
    axes[0, 0].set_ylim(0.01, 30)
    panel(axes[0, 1], found, "gap", "gap between tokens, p99, ms", 1e3)
    axes[0, 1].set_yscale("log")
    panel(axes[1, 0], found, "kept", "requests within 0.5 s and 30 ms a token, %", 100.0)
    panel(axes[1, 1], found, "joules", "energy per generated token, J")
    axes[1, 1].set_yscale("log")
    axes[0, 0].axhline(LIMITS.first_token_s, color="grey", linestyle=":", linewidth=1)
    axes[1, 0].axhline(100 * ENOUGH, color="grey", linestyle=":", linewidth=1)
    axes[0, 0].legend(fontsize=7.5)
    figure.suptitle("LLaMA-3-8B served: prompts of 500, generations of 150 tokens", fontsize=11)
    figure.tight_layout()
    figure.savefig(output, dpi=120)


if __name__ == "__main__":
    main()
