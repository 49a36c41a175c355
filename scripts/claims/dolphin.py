"""Dolphin (Squid): a 0.5B decoder compresses a long context into few tokens that a 7B decoder reads: are 5x in time, 10x in energy possible?

    T(full) = prefill_7B(n + q) + m decode_7B;   T(dolphin) = prefill_0.5B(n + mem) + prefill_7B(mem + q) + m decode_7B
"""

from __future__ import annotations

from functools import cache

import hwsim
from hwsim.claims import Claim, region, value

PAPER = "Dolphin"
SOURCE = "abstract (10x energy, 5x latency); Qwen2-7B and a 0.5B decoder; context, memory tokens and test chip are not stated"
QUESTION = 32
CONTEXTS, MEMORIES, ANSWERS = (1024, 2048, 4096, 8192, 16384), (16, 32, 64, 128, 256), (1, 4, 16, 64, 256)
CHIP = "a100"
PREFILL_RATIO = {(1024, 64): 6.7, (4096, 64): 11.5, (8192, 128): 11.0}


@cache
def prefill(model: str, tokens: int) -> tuple[float, float, float]:
    """(seconds, joules, MACs) of a prompt."""
    graph = hwsim.load_graph(model, phase="prefill", prompt=tokens)
    report = hwsim.simulate(graph, hwsim.load_chip(CHIP), interval=False)
    return report.latency_s, report.energy_j, report.macs


@cache
def decode(context: int) -> tuple[float, float]:
    """(seconds, joules) of one token of the 7B decoder."""
    report = hwsim.simulate(hwsim.load_graph("qwen2-7b", phase="decode", context=context), hwsim.load_chip(CHIP), interval=False)
    return report.latency_s, report.energy_j


def gains(context: int, memory: int, answer: int) -> tuple[float, float]:
    """How many times faster, and how many times fewer joules."""
    whole, small, short = prefill("qwen2-7b", context + QUESTION), prefill("qwen2-0.5b", context + memory), prefill("qwen2-7b", memory + QUESTION)
    long_step, short_step = decode(context + QUESTION), decode(memory + QUESTION)
    full = [whole[i] + answer * long_step[i] for i in range(2)]
    compressed = [small[i] + short[i] + answer * short_step[i] for i in range(2)]
    return full[0] / compressed[0], full[1] / compressed[1]


def claims() -> list[Claim]:
    """Where both published gains are reached, and the MACs behind."""
    grid = {(n, k, m): gains(n, k, m) for n in CONTEXTS for k in MEMORIES for m in ANSWERS}
    both = {at: gain for at, gain in grid.items() if gain[0] >= 5 and gain[1] >= 10}
    time, energy = (max(grid.items(), key=lambda kv, i=i: kv[1][i]) for i in range(2))  # type: ignore[misc]
    text = f"{len(grid)} configurations (context, memory, answer tokens)"
    best = f"{text}; largest gains on A100: {time[1][0]:.1f}x time, {energy[1][1]:.1f}x energy at context {energy[0][0]}, memory {energy[0][1]}"
    found = [
        region(PAPER, "a configuration with 5x less time and 10x fewer joules", len(both), carries=best, source=SOURCE),
        region(PAPER, "a configuration with 5x less time", sum(g[0] >= 5 for g in grid.values()), carries=text, source=SOURCE),
    ]
    for (context, memory), ratio in PREFILL_RATIO.items():
        ours = prefill("qwen2-7b", context + QUESTION)[2] / (prefill("qwen2-0.5b", context + memory)[2] + prefill("qwen2-7b", memory + QUESTION)[2])
        found.append(value(PAPER, f"MACs of the prompt, full over compressed, context {context}, memory {memory}", ratio, ours, "x", tolerance=0.06,
                           carries="shapes of Qwen2-7B and Qwen2-0.5B", source="derived from the models' published shapes"))  # fmt: skip
    return found
