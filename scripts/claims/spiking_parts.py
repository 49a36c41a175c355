"""Spiking claims of which only parts are published, Spikformer V2 (but its stem), SpikePoint (no layer): what must be true of the rest."""

from __future__ import annotations

import hwsim
from hwsim.claims import Claim, bound, count, within

DEEP, NARROW = (16, 768), (8, 512)  # blocks and width of Spikformer V2-16-768 and V2-8-512
PARAMETERS = {DEEP: 172.0, NARROW: 51.55}  # M; the second as remembered
CLASSES = 1000
SHARE_PARAMETERS, SHARE_POWER, STEPS = 0.003, 0.005, 16  # SpikePoint against networks without spikes


def blocks(shape: tuple[int, int]) -> float:
    """M parameters of the attention and feed-forward pairs, and of the head, of a Spikformer of (blocks, width)."""
    depth, width = shape
    graph = hwsim.load_graph("spikingformer", embed_dims=width, depth=depth)
    own = [op for op in graph.ops if op.kind == "matmul" and op.operand_role == "weight"]
    return sum(op["k"] * op["n"] for op in own) / 1e6


def _spikformer() -> list[Claim]:
    name, source = "Spikformer V2", "abstract: 172 M parameters, 16 layers; 8-512 has 51.55 M, as remembered"
    stem = PARAMETERS[NARROW] - blocks(NARROW)
    scaled = blocks(DEEP) + stem * (DEEP[1] / NARROW[1]) ** 2
    return [
        bound(name, "parameters of 16 blocks of 768 and the head, without the stem", PARAMETERS[DEEP], blocks(DEEP), "M", side="at most",
              kind="count", carries="the blocks of Spikformer; the stem is not at hand and must hold the rest", source=source),
        count(name, "parameters, the stem of 8-512 scaled with the square of the width", PARAMETERS[DEEP], scaled, "M", tolerance=0.03,
              basis="remembered", carries="51.55 M of 8-512, as remembered", source=source),
    ]  # fmt: skip


def _spikepoint() -> Claim:
    """Rate r at which E / E' = T r (0.9 / 4.6) N / N' gives both published ratios, operations N falling as parameters do."""
    chip = hwsim.load_chip("snn-45nm")
    add = chip.number("add_fp32_j")
    rate = SHARE_POWER / (SHARE_PARAMETERS * STEPS * add / (add + chip.number("mul_fp32_j")))
    return within("SpikePoint", "mean rate that joins 0.5 % of the power with 0.3 % of the parameters, T = 16", (0.05, 1.0), rate, "",
                  conditional=True, carries="operations in proportion to parameters (widths are not at hand), 0.9 pJ an accumulate, 4.6 pJ a "
                  "multiply-accumulate", source="abstract: 16 timesteps, 0.3 % of the parameters, 0.5 % of the power")  # fmt: skip


def claims() -> list[Claim]:
    """What the published parts imply."""
    return [*_spikformer(), _spikepoint()]
