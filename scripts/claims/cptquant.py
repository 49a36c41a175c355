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
    bare, eight = step("a100"), step("a100", dtype="int8")
    found = [
        value(PAPER, "compression with 4 bits in every layer", 4.0, compression(graph, (4,)), "x", tolerance=0.01,
              carries="scales of groups not counted", source=SOURCE),
        bound(PAPER, "compression with 8 bits in the sensitive half, 4 in the rest", 4.0, compression(graph, MIXED), "x", side="at most",
              carries="which layers keep 8 bits", source=SOURCE),
    ]  # fmt: skip
    speed, energy = bare.latency_s / eight.latency_s, bare.energy_j / eight.energy_j
    found.append(value(PAPER, "OPT-2.7B decode on A100, int8 over fp16 (2x is published for 4 bits)", 2.0, speed, "x", tolerance=0.3,
                       carries="8 bits in place of 4: no model of a kernel that expands 4-bit weights; launches stay", source=SOURCE))
    found.append(value(PAPER, "the same, joules", 2.0, energy, "x", tolerance=0.3, carries="DRAM bytes against idle power", source=SOURCE))
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
