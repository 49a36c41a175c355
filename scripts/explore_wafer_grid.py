"""Which grid of the WSE-2 for which phase of llama3-8b? Prints the answer for latency and energy and draws one picture (about three seconds).

    python scripts/explore_wafer_grid.py -o scripts/pictures/wafer_grid.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from hwsim.explore.evaluate import Results, evaluate
from hwsim.explore.space import load_space

SIDES = np.arange(200, 751, 10)
TOKENS = 4096  # of the prompt, and of the context in decode
PHASES = {"decode": {"context": TOKENS}, "prefill": {"prompt": TOKENS}}
COLOURS = {"decode": "#0072B2", "prefill": "#D55E00"}
ANSWERS = (64, 512, 4096)


def figures(phase: str) -> Results:
    """Latency, energy and tokens/s of one phase over all grids, and why a grid cannot hold it."""
    space = load_space({
        "trace": {"name": "llama3-8b", "phase": phase, **PHASES[phase]}, "chips": ["wse2"],
        "parameters": {"mapping.grid": {"choices": [[int(s), int(s)] for s in SIDES]}}, "metrics": ["latency_s", "energy_j", "tokens_per_s"],
    })  # fmt: skip
    return evaluate(space, space.batch(0, len(space)))


def best(values: np.ndarray) -> int:
    """Index of the least figure; grids that cannot hold the phase are NaN."""
    return int(np.nanargmin(values))


def joules_a_token(r: Results) -> np.ndarray:
    """Energy of one token on every grid."""
    return r.metrics["energy_j"] / (r.metrics["tokens_per_s"] * r.metrics["latency_s"])


def answer(found: dict[str, Results]) -> None:
    """Print the best grid of each phase, what the other phase's grid would cost, and the best single grid for whole requests."""
    times = {phase: r.metrics["latency_s"] for phase, r in found.items()}
    for phase, r in found.items():
        at, other = best(times[phase]), best(times["prefill" if phase == "decode" else "decode"])
        rate, joules = r.metrics["tokens_per_s"][at], joules_a_token(r)[at]
        print(f"{phase}: fastest on {SIDES[at]} x {SIDES[at]}, {rate:,.0f} tokens/s, {joules:.3g} J a token")
        slower = times[phase][other] / times[phase][at]
        print(f"  least energy on side {SIDES[best(r.metrics['energy_j'])]}; {slower:.2f}x as slow on the other phase's best grid")
        for row in np.flatnonzero(~r.ok)[-1:]:
            print(f"  does not fit up to side {SIDES[row]}: {r.reason_of(int(row)).split(';')[0]}")
    print(f"one grid for a prompt of {TOKENS} and its answer (every token as with a context of {TOKENS}):")
    for tokens in ANSWERS:
        whole = times["prefill"] + tokens * times["decode"]
        split, at = np.nanmin(times["prefill"]) + tokens * np.nanmin(times["decode"]), best(whole)
        saved = f"a grid for each phase saves {(1 - split / whole[at]) * 100:.0f} %, less the time to move weights and cache"
        print(f"  {tokens} tokens: side {SIDES[at]}, {whole[at]:.3f} s; {saved}")


def draw(found: dict[str, Results], path: Path) -> None:
    """Latency of each phase over its own best, and tokens per joule, over the grid."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.2), layout="constrained")
    for phase, r in found.items():
        slow = r.metrics["latency_s"] / np.nanmin(r.metrics["latency_s"])
        at = best(slow)
        left.plot(SIDES, slow, color=COLOURS[phase], label=phase)
        left.plot(SIDES[at], 1, "o", color=COLOURS[phase])
        left.annotate(f"{SIDES[at]}", (SIDES[at], 1), xytext=(0, -12), textcoords="offset points", ha="center", fontsize=8, color=COLOURS[phase])
        joules = joules_a_token(r)
        right.semilogy(SIDES, joules, color=COLOURS[phase], label=phase)
        right.plot(SIDES[best(joules)], np.nanmin(joules), "o", color=COLOURS[phase])
        if (~r.ok).any():
            edge = SIDES[np.flatnonzero(r.ok)[0]]
            left.axvspan(SIDES[0], edge, color=COLOURS[phase], alpha=0.12, lw=0)
            left.text((SIDES[0] + edge) / 2, 2.2, f"{phase}\ndoes not fit", ha="center", va="top", fontsize=7, color=COLOURS[phase])
    left.set(xlabel="grid side (cores)", ylabel="latency over the phase's best", ylim=(0.85, 2.4), title="Decode wants fewer cores, prefill more")
    right.set(xlabel="grid side (cores)", ylabel="energy (J a token)", title="Energy follows: the wafer draws 15 kW")
    right.set_yticks([0.5, 1, 2, 5, 10], ["0.5", "1", "2", "5", "10"])
    right.minorticks_off()
    right.set_ylim(0.4, 12)
    left.legend(fontsize=8, loc="upper right")
    right.legend(fontsize=8, loc="center right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("wafer_grid.png"))
    results = {phase: figures(phase) for phase in PHASES}
    answer(results)
    draw(results, parser.parse_args().output)
