"""What would more DRAM bandwidth, or a larger scratchpad, buy the ET-SoC-1? Prints two tables and draws one picture (about five seconds).

    python scripts/explore_etsoc_bandwidth.py -o scripts/pictures/etsoc_bandwidth.png

Decode streams every weight that the scratchpads do not hold, so tokens/s follow the channels until something else is as slow; a larger scratchpad
helps in proportion to the share of the weights that it keeps, and all at once when it keeps them all. Area grows with both.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from hwsim.explore.evaluate import Results, evaluate
from hwsim.explore.space import load_space

CHANNELS = [8, 16, 32, 64, 128, 256, 512]
SCRATCHPADS_MIB = [1, 2.5, 4, 8, 12, 16, 20, 24, 32]
METRICS = ["tokens_per_s", "energy_j", "power_w", "area_mm2"]
STREAMS = {("phi-3-mini", 1): "#0072B2", ("phi-3-mini", 16): "#56B4E9", ("llama3-8b", 1): "#D55E00", ("llama3-8b", 16): "#E69F00"}
KEPT = {"gpt2-345m": "#009E73", "opt-350m": "#CC79A7", "tinyllama-1.1b": "#999999"}


def swept(trace: str, name: str, values: list[Any], batch: int = 1) -> Results:
    """Figures of one decoded token (of each sequence) over the values of one constant."""
    space = load_space({
        "trace": {"name": trace, "phase": "decode", "context": 512, "batch": batch, "dtype": "fp16"}, "chips": ["et-soc-1"],
        "parameters": {name: {"list": values}}, "metrics": METRICS,
    })  # fmt: skip
    return evaluate(space, space.batch(0, len(space)))


def table(title: str, values: list[Any], found: dict[str, Results]) -> None:
    """Tokens/s, and joules a token, one row per value."""
    print(f"\n{title:24s}", *(f"{name:>26s}" for name in found), f"{'mm2':>8s}")
    for row, value in enumerate(values):
        cells = [(r.metrics["tokens_per_s"][row], r.metrics["power_w"][row] / r.metrics["tokens_per_s"][row]) for r in found.values()]
        area = next(iter(found.values())).metrics["area_mm2"][row]
        print(f"{value!s:24s}", *(f"{rate:12.1f} /s {joules:8.2f} J" for rate, joules in cells), f"{area:8.0f}")


def main(path: Path) -> None:
    """Print both tables and draw the picture."""
    streams = {f"{trace} x{batch}": swept(trace, "dram_channels", CHANNELS, batch) for trace, batch in STREAMS}
    kept = {trace: swept(trace, "scratchpad_bytes", [f"{size} MiB" for size in SCRATCHPADS_MIB]) for trace in KEPT}
    table("DRAM channels", CHANNELS, streams)
    table("scratchpad MiB a shire", SCRATCHPADS_MIB, kept)
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.4), layout="constrained")
    for (name, found), colour in zip(streams.items(), STREAMS.values(), strict=True):
        left.loglog(CHANNELS, found.metrics["tokens_per_s"], "o-", color=colour, ms=3, label=name)
    left.axvline(16, color="0.7", lw=1)
    left.set(xlabel="DRAM channels (the chip has 16)", ylabel="decode tokens/s", title="More bandwidth: until the mesh is as slow")
    for (name, found), colour in zip(kept.items(), KEPT.values(), strict=True):
        right.semilogy(np.array(SCRATCHPADS_MIB) * 32 / 1024, found.metrics["tokens_per_s"], "o-", color=colour, ms=3, label=name)
    right.axvline(2.5 * 32 / 1024, color="0.7", lw=1)
    right.set(xlabel="scratchpad of all shires (GiB; the chip has 0.08)", ylabel="decode tokens/s", title="More scratchpad: when the weights fit")
    for axis in (left, right):
        axis.legend(fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path("etsoc_bandwidth.png"))
    main(parser.parse_args().output)
