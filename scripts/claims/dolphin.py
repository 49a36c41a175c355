"""Dolphin (Squid): a 0.5B decoder compresses a long context into few tokens that a 7B decoder reads: are 5x in time, 10x in energy possible?

    T(full) = prefill_7B(n + q) + (m - 1) decode_7B;   T(dolphin) = prefill_0.5B(n + mem) + prefill_7B(mem + q) + (m - 1) decode_7B
"""

from __future__ import annotations

from functools import cache

import hwsim
from hwsim.claims import Claim, count, region

PAPER = "Dolphin"
SOURCE = "abstract (10x energy, 5x latency); Qwen2-7B and a 0.5B decoder; context, memory tokens and test chip are not stated"
QUESTION = 32
CONTEXTS, MEMORIES, ANSWERS = (1024, 2048, 4096, 8192, 12288, 32000), (16, 32, 64, 128), (1, 4, 16, 64, 256)
CHIPS = ("a100", "h100", "rtx-3090", "et-soc-1")
PREFILL_RATIO = {(1024, 64): 6.7, (4096, 64): 11.5, (8192, 128): 11.0}


@cache
def prefill(chip: str, model: str, tokens: int) -> tuple[float, float, float]:
    """(seconds, joules, MACs) of a prompt."""
    graph = hwsim.load_graph(model, phase="prefill", prompt=tokens)
    report = hwsim.simulate(graph, hwsim.load_chip(chip), interval=False)
    return report.latency_s, report.energy_j, report.macs


@cache
def decode(chip: str, context: int) -> tuple[float, float]:
    """(seconds, joules) of one token of the 7B decoder."""
    report = hwsim.simulate(hwsim.load_graph("qwen2-7b", phase="decode", context=context), hwsim.load_chip(chip), interval=False)
    return report.latency_s, report.energy_j


def gains(chip: str, context: int, memory: int, answer: int) -> tuple[float, float]:
    """How many times faster, and how many times fewer joules."""
    whole, small = prefill(chip, "qwen2-7b", context + QUESTION), prefill(chip, "qwen2-0.5b", context + memory)
    short = prefill(chip, "qwen2-7b", memory + QUESTION)
    long_step, short_step = decode(chip, context + QUESTION), decode(chip, memory + QUESTION)
    full = [whole[i] + (answer - 1) * long_step[i] for i in range(2)]  # the prompt's pass yields the first token
    compressed = [small[i] + short[i] + (answer - 1) * short_step[i] for i in range(2)]
    return full[0] / compressed[0], full[1] / compressed[1]


Grid = dict[tuple[str, int, int, int], tuple[float, float]]


def _where(grid: Grid) -> str:
    """The largest gain in joules of each chip, and where both hold."""
    most = {c: max((at for at in grid if at[0] == c), key=lambda at: grid[at][1]) for c in CHIPS}
    tops = ", ".join(f"{c} {grid[at][1]:.1f}x (time {grid[at][0]:.1f}x) at context {at[1]}" for c, at in most.items())
    met = [at for at, gain in grid.items() if gain[0] >= 5 and gain[1] >= 10]
    span = (f"; both on {', '.join(sorted({c for c, *_ in met}))} at contexts {min(n for _, n, *_ in met)} to {max(n for _, n, *_ in met)}, at most "
            f"{max(k for _, _, k, _ in met)} memory tokens, {max(m for *_, m in met)} answer tokens") if met else ""  # fmt: skip
    return f"most joules saved: {tops}{span}"


def claims() -> list[Claim]:
    """Where both published gains are reached, and the MACs behind."""
    grid = {(c, n, k, m): gains(c, n, k, m) for c in CHIPS for n in CONTEXTS for k in MEMORIES for m in ANSWERS}
    both = sum(g[0] >= 5 and g[1] >= 10 for g in grid.values())
    said = "chip, context, memory tokens and answer tokens, none of them stated"
    found = [
        region(PAPER, "a configuration with 5x less time and 10x fewer joules", both, source=SOURCE, tried=len(grid),
               carries=f"{said}; {_where(grid)}"),
        region(PAPER, "a configuration with 5x less time", sum(g[0] >= 5 for g in grid.values()), carries=said, source=SOURCE, tried=len(grid)),
    ]  # fmt: skip
    for (context, memory), ratio in PREFILL_RATIO.items():
        chip = CHIPS[0]
        less = prefill(chip, "qwen2-0.5b", context + memory)[2] + prefill(chip, "qwen2-7b", memory + QUESTION)[2]
        found.append(count(PAPER, f"MACs of the prompt, full over compressed, context {context}, memory {memory}", ratio,
                           prefill(chip, "qwen2-7b", context + QUESTION)[2] / less, "x", tolerance=0.06, basis="derived",
                           carries="shapes of Qwen2-7B and Qwen2-0.5B", source="derived from the models' published shapes"))  # fmt: skip
    return found
