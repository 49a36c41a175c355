"""Edge-MoE's ablation (arXiv 2305.18691): its techniques switched on one after another, latency and energy of each step, and each one alone.

Run it with ``python scripts/reproduce_edge_moe.py``. The first latency calibrates; the last one is a prediction. The steps in between show what the
model's mechanisms say: the parallelism of the intermediate designs is not published.
"""

from __future__ import annotations

import hwsim
from hwsim.claims import Claim, of_cases

ON = {"expert_order": "by_expert", "softmax": "single_pass", "gelu": "table", "linear": "unified", "attention": "reordered"}
OFF = {"expert_order": "by_token", "softmax": "multi_pass", "gelu": "exact", "linear": "separate", "attention": "naive"}
PUBLISHED_S = {"all off": 0.6503, "+ attention": 0.03464}


def run(options: dict[str, str]) -> hwsim.Report:
    """Price one frame of M3ViT-tiny (128 x 256) on ZCU102."""
    graph = hwsim.load_graph("m3vit-tiny", dtype="fx32", weight_dtype="int16")
    return hwsim.simulate(graph, hwsim.load_chip("zcu102"), {"design": "edge_moe", **options}, interval=False)


def steps() -> dict[str, dict[str, str]]:
    """The cumulative steps in the published order, by name."""
    found, options = {"all off": dict(OFF)}, dict(OFF)
    for name, value in ON.items():
        options = {**options, name: value}
        found[f"+ {name}"] = options
    return found


def main() -> None:
    """Print both tables."""
    print(f"{'step':16s} {'latency':>10s} {'published':>10s} {'faster':>7s} {'energy':>9s}")
    first = before = 0.0
    for name, options in steps().items():
        report = run(options)
        first, seconds = first or report.latency_s, report.latency_s
        published = f"{PUBLISHED_S[name] * 1e3:8.2f}ms" if name in PUBLISHED_S else ""
        step = f"{before / seconds:6.2f}x" if before else ""
        print(f"{name:16s} {seconds * 1e3:8.2f}ms {published:>10s} {step:>7s} {report.energy_j:8.3f}J")
        before = seconds
    print(f"\nall together: {first / before:.2f} times faster (published 18.77)\n\nwithout one technique, the others on:")
    for name, value in OFF.items():
        print(f"{name:16s} {run({**ON, name: value}).latency_s * 1e3:8.2f}ms")


def claims() -> list[Claim]:
    """The headlines: the frame, its joules, what the techniques bring together, joules against a GPU and a CPU (as far as they are modelled)."""
    return of_cases("Edge-MoE", {
        "zcu102-edge-moe-step0-baseline": ("a frame without the techniques", "s", "the baseline's issue interval is calibrated"),
        "zcu102-edge-moe-step5-attention": ("a frame with all of them", "s", "parallelism as published"),
        "zcu102-edge-moe-step5-attention-vs-baseline": ("with over without (18.77x)", "x", "a calibrated baseline"),
        "zcu102-edge-moe-energy": ("joules of a frame", "J", "watts of the board calibrated at 14.54"),
    })  # fmt: skip


if __name__ == "__main__":
    main()
