"""CPTQuant: bits per layer chosen by sensitivity: compression, and what fewer bytes buy a decode step."""

from __future__ import annotations

import hwsim
from hwsim.claims import Claim, bound, value
from hwsim.core.graph import Graph
from hwsim.core.report import Report

PAPER = "CPTQuant"
SOURCE = "abstract: up to 4x compression, 2x efficiency over FP16; BERT, OPT; rows and test GPU are not stated"
MIXED = (8, 8, 8, 4, 4, 4, 4, 4, 4, 8, 8, 8)  # bits of twelve layers: first and last quarter sensitive
LAYER_KINDS = ("matmul",)


def layer_weights(graph: Graph) -> list[float]:
    """Weights of each layer's products."""
    found: dict[int, float] = {}
    for op in graph.ops:
        if op.kind in LAYER_KINDS and op.operand_role == "weight" and op.layer is not None and op.layer >= 0:
            found[op.layer] = found.get(op.layer, 0.0) + op["k"] * op["n"] * op.repeat
    return [found[layer] for layer in sorted(found)]


def compression(graph: Graph, bits: tuple[int, ...]) -> float:
    """Bytes of 16-bit layers over bytes with `bits` a layer, spread over the layers in order."""
    weights = layer_weights(graph)
    spread = [bits[len(bits) * i // len(weights)] for i in range(len(weights))]
    return 16 * sum(weights) / sum(w * b for w, b in zip(weights, spread, strict=True))


def step(chip: str, mapping: dict[str, str] | None = None, **formats: str) -> Report:
    """One decoded token of OPT-2.7B."""
    graph = hwsim.load_graph("opt-2.7b", phase="decode", context=512, **formats)
    return hwsim.simulate(graph, hwsim.load_chip(chip), mapping or {}, interval=False)


def claims() -> list[Claim]:
    """Compression of uniform and mixed bits; decode speed where a kernel model exists."""
    graph = hwsim.load_graph("opt-2.7b", phase="decode", context=512)
    bare, eight, four = step("a100"), step("a100", weight_dtype="int8"), step("a100", weight_dtype="int4")
    found = [
        value(PAPER, "compression with 4 bits in every layer", 4.0, compression(graph, (4,)), "x", tolerance=0.01, kind="count",
              carries="scales of groups not counted", source=SOURCE),
        bound(PAPER, "compression with 8 bits in the sensitive half, 4 in the rest", 4.0, compression(graph, MIXED), "x", side="at most",
              kind="count", carries="which layers keep 8 bits", source=SOURCE),
    ]  # fmt: skip
    for bits, quantised in ((4, four), (8, eight)):
        what = f"OPT-2.7B decode on A100, weights of {bits} bits over fp16 (2x is published for 4)"
        found.append(value(PAPER, what, 2.0, bare.latency_s / quantised.latency_s, "x", tolerance=0.3, source=SOURCE,
                           carries="fewer bytes of weights, expanded as they load; launches, attention and the head stay"))  # fmt: skip
        found.append(value(PAPER, f"{what}: joules", 2.0, bare.energy_j / quantised.energy_j, "x", tolerance=0.3,
                           carries="DRAM bytes against idle power", source=SOURCE))  # fmt: skip
    slow, quick = step("et-soc-1"), step("et-soc-1", weight_dtype="q4_0")
    found.append(value(PAPER, "OPT-2.7B decode on ET-SoC-1, blocks of 4 bits over fp16", 2.0, slow.latency_s / quick.latency_s, "x", tolerance=0.3,
                       carries="its vector lanes expand the weights, and then bound the step", source=SOURCE))  # fmt: skip
    half, quarter = (_flightllm(bits) for bits in (8.0, 4.0))
    found.append(value(PAPER, "LLaMA2-7B decode on FlightLLM, 4-bit over 8-bit weights", 2.0, quarter / half, "x", tolerance=0.3,
                       carries="weights are nearly all that is read; scales and attention stay", source="bytes, derived"))  # fmt: skip
    return found


def _flightllm(bits: float) -> float:
    graph = hwsim.load_graph("llama2-7b", phase="decode", context=512, dtype="int8", weight_dtype="int8", kv_dtype="int8")
    chip = hwsim.load_chip("u280")
    return hwsim.simulate(graph, chip, {"design": "flightllm", "weight_bits": bits}, interval=False).metric("tokens_per_s")
