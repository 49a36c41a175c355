"""Edge-MoE's loops in isolation, and shares of a trace's time and work."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.arguments import number, whole, word
from hwsim.core.chip import Chip
from hwsim.core.cost import operator_cycles
from hwsim.core.errors import InvalidTrace
from hwsim.core.target import Mapped, Primitive, load_target
from hwsim.engine.analytic import price_rows
from hwsim.targets.fpga.edge_moe import price
from hwsim.targets.fpga.edge_moe.spec import CODE
from hwsim.targets.fpga.mapping import parse_options
from hwsim.targets.fpga.workload import TRACE_ARGUMENTS, graph_of

Metrics = Mapping[str, float]
PARTS = {  # labels of the operators that a published share covers
    "attention_multiplications": ("attention",),
    "linear_mlp_moe": ("qkv", "proj", "fc1", "fc2", "gelu", "gate", "expert_fc1", "expert_fc2", "dispatch", "combine"),
}
BLOCK, DDR_BEAT = 16, 8


def attention_pass(chip: Chip, arguments: Mapped, mapping: Mapped) -> Metrics:
    """One Q K^T or A V of a layer: ``ceil((N + p - 1) / p) N ceil(dim / lanes)`` beats, and the tokens that it loads.

    Naive (mapping option ``attention``): ``ceil(N / p) N`` steps, each query loading every key: N^2 + N tokens, so bandwidth grows with p.
    """
    tokens, dim = float(whole(arguments, "tokens")), float(whole(arguments, "dim"))
    queries, lanes = float(whole(arguments, "parallel_queries")), float(whole(arguments, "lanes"))
    beat = number(arguments, "beat_cycles", least=1)
    if parse_options(mapping).attention == "naive":
        return {"cycles": -(-tokens // queries) * tokens * -(-dim // lanes) * beat, "count": tokens * tokens + tokens}
    cycles = float(price.attention_pass_cycles(tokens, tokens, dim, queries, lanes, beat))
    return {"cycles": cycles, "count": float(price.attention_steps(tokens, tokens, queries)) + tokens}


def unified_linear(chip: Chip, arguments: Mapped, mapping: Mapped) -> Metrics:
    """A linear layer: blocks of 16 x 16 weights, or the stream of its tokens in or out, whichever takes longest."""
    tokens, inputs, outputs = (float(whole(arguments, name)) for name in ("tokens", "in_dim", "out_dim"))
    beat = number(arguments, "beat_cycles", least=1)
    products = float(price.unified_linear_cycles(tokens, inputs, outputs, BLOCK, BLOCK))
    return {"cycles": max(products, tokens * -(-inputs // DDR_BEAT) * beat, tokens * -(-outputs // DDR_BEAT) * beat)}


def weight_load(chip: Chip, arguments: Mapped, mapping: Mapped) -> Metrics:
    """Beats of a block of weights."""
    bits = whole(arguments, "weights") * number(arguments, "weight_bits", least=1)
    return {"cycles": -(-bits // number(arguments, "beat_bits", least=1)) * number(arguments, "beat_cycles", least=1)}


def time_share(chip: Chip, arguments: Mapped, mapping: Mapped) -> Metrics:
    """Share of the latency that a part of the network takes."""
    labels = PARTS[word(arguments, "part", PARTS)]
    target = load_target("fpga")
    program = target.map(graph_of(arguments), chip, mapping)
    if program.params["engine_code"][0] != CODE:
        raise InvalidTrace(f"time_share describes Edge-MoE's parts; the design is '{program.chip.text('design')}'")
    cycles = operator_cycles(price_rows(target.price, program), program.stages)
    parts = [(op.label, float(cycles[row]) * op.repeat) for op, row in zip(program.graph.ops, program.row_of, strict=True) if row >= 0]
    inside, whole_time = sum(c for label, c in parts if label in labels), sum(c for _, c in parts)
    if not inside:
        raise InvalidTrace(f"trace '{program.graph.name}' has none of {', '.join(labels)}")
    return {"utilisation": inside / whole_time, "latency_s": inside / program.clock_hz}


def trace_macs(chip: Chip, arguments: Mapped, mapping: Mapped) -> Metrics:
    """Multiply-accumulates of a trace."""
    return {"count": float(graph_of(arguments).macs)}


_TRACE = {**TRACE_ARGUMENTS, "trace": None}
_OPTIONAL = frozenset(TRACE_ARGUMENTS) - {"trace"}
PRIMITIVES = {
    made.name: made
    for made in (
        Primitive("attention_pass", "one product of Edge-MoE's attention, queries reordered", attention_pass,
                  {"tokens": None, "dim": None, "parallel_queries": 4, "lanes": 8, "beat_cycles": 1}),
        Primitive("unified_linear", "a linear layer on Edge-MoE's shared unit", unified_linear,
                  {"tokens": None, "in_dim": None, "out_dim": None, "beat_cycles": 1}),
        Primitive("weight_load", "loading of a block of weights in beats", weight_load,
                  {"weights": None, "weight_bits": 16, "beat_bits": 256, "beat_cycles": 1}),
        Primitive("time_share", "share of a network's latency that one part takes", time_share, {"part": None, **_TRACE}, _OPTIONAL),
        Primitive("trace_macs", "multiply-accumulates of a trace", trace_macs, _TRACE, _OPTIONAL),
    )
}  # fmt: skip
