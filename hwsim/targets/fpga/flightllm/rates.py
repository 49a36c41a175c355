"""Rates of a generation as the published tables define them: tokens over decode time alone, tokens per joule at the board's mean power."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from hwsim.core.cost import operator_cycles, weighted
from hwsim.core.errors import InvalidMapping
from hwsim.core.graph import Graph
from hwsim.core.program import Program
from hwsim.readers.load import load_graph
from hwsim.targets.fpga.mapping import Options

Priced = Callable[[Program], NDArray[np.float64]]
Again = Callable[[Graph, Options], Program]


def generation_rates(program: Program, values: NDArray[np.float64]) -> dict[str, float]:
    """``tokens_per_s`` = generated tokens / seconds of the decode steps; ``tokens_per_j`` = that over mean power of the whole run. SI units."""
    cycles = operator_cycles(values, program.stages)
    rows = zip(program.graph.ops, program.row_of, strict=True)
    decode = sum(float(cycles[row]) * op.repeat for op, row in rows if row >= 0 and op.phase == "decode")
    seconds = float(weighted(program.counts, cycles)) / program.clock_hz
    joules = [i for i, s in enumerate(program.slots) if s.quantity == "joules"]
    dynamic = float(weighted(program.counts, values[:, joules]).sum())
    power = dynamic / seconds + sum(program.static_power_w.values())
    meta = program.graph.meta
    tokens = float(meta.get("batch", 1)) * float(meta["generate"]) / (decode / program.clock_hz)
    return {"tokens_per_s": tokens, "tokens_per_j": tokens / power}


def request(graph: Graph, prompt: int, generate: int) -> Graph:
    """Return the same model's graph for another request. Raises `InvalidMapping` when the graph does not say which shipped trace it is."""
    meta = graph.meta
    if meta.get("phase") != "generate" or "model" not in meta:
        raise InvalidMapping("length_pairs needs a language model with phase: generate")
    kept = {k: meta[k] for k in ("batch", "dtype", "weight_dtype", "kv_dtype") if k in meta}
    return load_graph(str(meta["trace"]), phase="generate", prompt=prompt, generate=generate, **kept)


def rates(program: Program, requested: Graph, options: Options, price: Priced, again: Again) -> Mapping[str, float]:
    """Return the figures that a generation adds to its report; with ``length_pairs`` the geometric mean over them. Empty for other phases."""
    if options.length_pairs is None:
        return generation_rates(program, price(program)) if requested.phase == "generate" else {}
    single = options.model_copy(update={"length_pairs": None})
    found: list[dict[str, float]] = []
    for prompt, generate in options.length_pairs:
        other = again(request(requested, prompt, generate), single)
        found.append(generation_rates(other, price(other)))
    return {name: math.exp(sum(math.log(f[name]) for f in found) / len(found)) for name in found[0]}
